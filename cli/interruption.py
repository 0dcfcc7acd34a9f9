"""Ctrl-C and SIGTERM end a command within five seconds, with one line, and leave no process behind.

The orderly way out is tried first: a KeyboardInterrupt, repeated. It can be long, or blocked: Prefect's client asks a
server that has gone again and again, a Dask cluster waits for its workers, a solver in C hears of no signal. So a
thread, woken by the signal itself, ends the process when its time is up. What a run has committed stays committed.
"""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import NoReturn

PATIENCE_SECONDS = 1.5
LAST_SECONDS = 3.5
SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
SHOW_CURSOR = "\x1b[?25h"


class Interruption:
    """The signal that came while this was watching, if one did; `consequence` says what becomes of the work."""

    def __init__(self, consequence: Callable[[], str] | None = None) -> None:
        self.signal: signal.Signals | None = None
        self._consequence = consequence
        self._is_over = threading.Event()

    @property
    def exit_code(self) -> int:
        """128 and the signal, as shells have it."""
        return 128 + (self.signal or 0)

    @property
    def line(self) -> str:
        """What the user is told."""
        rest = f"; {self._consequence()}" if self._consequence else ""
        return f"synthor: {SIGNALS[self.signal or signal.SIGINT]}{rest}"

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """A signal interrupts the block, again and again until it has ended; after some seconds, the process."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        waked_before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        before = {number: signal.signal(number, self._interrupt) for number in SIGNALS}
        threading.Thread(target=self._watch, args=(reader,), daemon=True).start()
        try:
            yield
        finally:
            self._is_over.set()
            signal.set_wakeup_fd(waked_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(writer)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number)
        raise KeyboardInterrupt

    def _watch(self, reader: int) -> None:
        """Wait for the first signal's number, which the C handler writes even while the main thread is deep in C."""
        with open(reader, "rb", buffering=0) as numbers:
            while number := numbers.read(1):
                if number[0] in SIGNALS:
                    self.signal = self.signal or signal.Signals(number[0])
                    self._insist()
                    return

    def _insist(self) -> None:
        waited = 0.0
        while waited < LAST_SECONDS:
            if self._is_over.wait(PATIENCE_SECONDS):
                return
            waited += PATIENCE_SECONDS
            os.kill(os.getpid(), signal.SIGINT)
        cursor = SHOW_CURSOR if sys.stderr.isatty() else ""  # the live display has hidden it
        os.write(2, f"{cursor}{self.line}\n".encode())
        end(self.exit_code)


def end(code: int) -> NoReturn:
    """End this process and its workers at once: nothing that is left to clean up may hold it."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(code)
