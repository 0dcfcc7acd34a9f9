"""Ctrl-C and SIGTERM end a command in seconds, with one line, and leave no process behind.

A terminal sends Ctrl-C to the whole process group. Prefect's own server ends of it at once, and Prefect's client then
asks that server again and again, for a minute, to note that the flow was interrupted. Of SIGTERM, Prefect ends the
process so that its server stays behind, unless a handler was there before.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

PATIENCE_SECONDS = 5.0
SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Interruption:
    """The signal that came while this was watching, if one did."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._is_over = threading.Event()

    @property
    def exit_code(self) -> int:
        """128 and the signal, as shells have it."""
        return 128 + (self.signal or 0)

    @property
    def name(self) -> str:
        """`interrupted` or `terminated`."""
        return SIGNALS[self.signal or signal.SIGINT]

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """A signal interrupts the block, and again every few seconds until the block has ended."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._interrupt) for number in SIGNALS}
        try:
            yield
        finally:
            self._is_over.set()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal = signal.Signals(number)
            threading.Thread(target=self._insist, daemon=True).start()
        raise KeyboardInterrupt

    def _insist(self) -> None:
        while not self._is_over.wait(PATIENCE_SECONDS):
            os.kill(os.getpid(), signal.SIGINT)
