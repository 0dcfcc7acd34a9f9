"""What a local Dask worker does as it starts: import what batches need (seconds), leave Ctrl-C to the flow.

A terminal sends Ctrl-C to every process of a command; the flow ends the run and its workers in order.
"""

import signal

import pandas  # noqa: F401  # pyarrow imports it when it first converts an array

import tasks.batch  # noqa: F401


def dask_setup(worker: object) -> None:
    """Called by Dask in the worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
