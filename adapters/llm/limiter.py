"""How many calls run at once: additive increase, multiplicative decrease, as in TCP. One limiter serves a round."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

INITIAL_CALLS = 4
DECREASE = 0.5


class AdaptiveLimiter:
    """Lets at most `limit` calls run; the limit halves when a server is overrun, and recovers call by call."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._limit = float(min(most, INITIAL_CALLS))
        self._running = 0
        self._clock = clock
        self._decreased_at = -1.0
        self._paused_until = 0.0
        self._changed = asyncio.Condition()
        self.decreases = 0

    @property
    def limit(self) -> int:
        """Calls that may run now."""
        return int(self._limit)

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[float]:
        """A place for one call, once there is one; gives the time it began."""
        async with self._changed:
            while self._running >= self.limit or self._pause() > 0:
                # Nobody notifies when a pause ends.
                await _wait(self._changed, self._pause() or None)
            self._running += 1
        try:
            yield self._clock()
        finally:
            self._running -= 1
            async with self._changed:
                self._changed.notify_all()

    def succeeded(self) -> None:
        """A call was served: one more at once after about as many as run now."""
        self._limit = min(self._limit + 1 / max(self._limit, 1.0), float(self._most))

    def overrun(self, began: float, pause_seconds: float = 0.0) -> None:
        """A call was turned away. Calls that began before the last decrease say nothing new."""
        self._paused_until = max(self._paused_until, self._clock() + pause_seconds)
        if began >= self._decreased_at:
            self._decreased_at = self._clock()
            self._limit = max(self._limit * DECREASE, 1.0)
            self.decreases += 1

    def _pause(self) -> float:
        return max(self._paused_until - self._clock(), 0.0)


async def _wait(condition: asyncio.Condition, seconds: float | None) -> None:
    try:
        await asyncio.wait_for(condition.wait(), seconds)
    except TimeoutError:
        return
