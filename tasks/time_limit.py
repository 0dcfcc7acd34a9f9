"""A batch's time limit, kept by its worker.

Prefect cannot interrupt a task in a worker's thread, and a hung call into C code heeds nothing. So the worker process
ends itself: its nanny starts another, Dask gives the batch to a worker again (a bounded number of times, then it
raises KilledWorker), and what was committed is not redone.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from distributed import get_worker


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer; outside a Dask worker nothing is limited."""
    try:
        get_worker()
    except ValueError:
        yield
        return
    timer = threading.Timer(seconds, _end, (seconds,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end(seconds: float) -> None:
    print(f"synthor: a batch took longer than {seconds:g} s; its worker ends", file=sys.stderr, flush=True)
    os._exit(1)
