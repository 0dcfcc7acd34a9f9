"""What a run may spend: reserved before a call, at its worst, and settled by what the call was billed."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.llm.calls import UNBILLED
from adapters.llm.prices import Price, price_of
from schemas.errors import UserError
from schemas.exchange import Exchange, Usage
from schemas.settings import RunSettings


@dataclass(frozen=True, slots=True)
class Spending:
    """Calls that were, or may have been, billed; `usd` is None where no price is known."""

    calls: int
    usage: Usage
    usd: float | None


def check_limits(settings: RunSettings) -> None:
    """Refuse limits and prices that cannot be kept."""
    if (settings.usd_per_million_input is None) != (settings.usd_per_million_output is None):
        raise UserError("usd_per_million_input, usd_per_million_output: expected both or neither")
    if settings.max_usd is not None and price_of(settings) is None:
        raise UserError(
            f"--max-usd: no price known for model {settings.model!r}, expected --set usd_per_million_input=... "
            "and --set usd_per_million_output=..."
        )


_NOTHING = (0.0, 0.0, 0.0)


class Budget:
    """Limits, what is spent of them, and what calls under way may still cost."""

    def __init__(self, settings: RunSettings, spent: Iterable[Exchange] = ()) -> None:
        check_limits(settings)
        self._limits = {
            "--max-calls": settings.max_calls,
            "--max-tokens": settings.max_tokens,
            "--max-usd": settings.max_usd,
        }
        self._price = price_of(settings)
        self._spent = [0.0, 0.0, 0.0]
        self._reserved = [0.0, 0.0, 0.0]
        self._settled = asyncio.Event()
        self.reached: str | None = None
        for exchange in spent:
            if is_billed(exchange):
                self._add(self._spent, exchange.usage)

    async def reserve(self, worst: Usage) -> str | None:
        """Set aside what a call can cost at most; or the limit that forbids it, such as `--max-calls 12`.

        Calls under way hold more than they will cost: what they leave is waited for.
        """
        need = self._amounts(worst)
        while not self._fits(need, self._reserved):
            over = next((name for name in self._limits if not self._fits(need, _NOTHING, name)), None)
            if over is not None:
                self.reached = f"{over} {self._limits[over]:g}"
                return self.reached
            await self._settled.wait()
        self._add(self._reserved, worst)
        return None

    def _fits(self, need: Sequence[float], reserved: Sequence[float], name: str | None = None) -> bool:
        sums = [sum(amounts) for amounts in zip(self._spent, reserved, need, strict=True)]
        return all(
            limit is None or amount <= limit or name not in (None, key)
            for (key, limit), amount in zip(self._limits.items(), sums, strict=True)
        )

    def settle(self, worst: Usage, billed: Usage | None) -> None:
        """Give back what was set aside, and count what was billed; None: nothing was."""
        for i, amount in enumerate(self._amounts(worst)):
            self._reserved[i] -= amount
        if billed is not None:
            self._add(self._spent, billed)
        self._settled.set()
        self._settled = asyncio.Event()

    def _add(self, amounts: list[float], usage: Usage) -> None:
        for i, amount in enumerate(self._amounts(usage)):
            amounts[i] += amount

    def _amounts(self, usage: Usage) -> tuple[float, float, float]:
        return 1.0, float(usage.tokens), self._price.cost(usage) if self._price else 0.0


def is_billed(exchange: Exchange) -> bool:
    """Whether the server has, or may have, worked for it."""
    return exchange.fault not in UNBILLED and (exchange.reply is not None or exchange.usage.tokens > 0)


def sum_spending(exchanges: Iterable[Exchange], price: Price | None) -> Spending:
    """What exchanges cost together."""
    billed = [exchange.usage for exchange in exchanges if is_billed(exchange)]
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    total = {name: sum(getattr(usage, name) for usage in billed) for name in names}
    usage = Usage(**total, is_estimated=any(one.is_estimated for one in billed))
    return Spending(len(billed), usage, None if price is None else sum(price.cost(one) for one in billed))
