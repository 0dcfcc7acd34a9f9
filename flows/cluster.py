"""Where batches run: a local Dask cluster by default, or an existing one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from prefect import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_dask import DaskTaskRunner

from flows.forks import start_fork_server
from schemas.errors import UserError
from schemas.settings import RunSettings

CONNECT_TIMEOUT = "10s"
WORKERS_TIMEOUT_SECONDS = 300
WORKER_PRELOAD = "tasks.worker"


@contextmanager
def dask_runner(settings: RunSettings) -> Iterator[tuple[DaskTaskRunner, int]]:
    """A running task runner and its number of workers; a local cluster has one-threaded worker processes.

    Workers are told the address of the flow's own Prefect server: without it each would start a server of its own.
    """
    runner = _existing(settings.dask_address) if settings.dask_address else _local(settings)
    with get_client(sync_client=True) as client:
        api = str(client.api_url).rstrip("/")
    # By default a local cluster gives up a worker that is away for 15 s: one that dies twice would never come back,
    # and its batch would wait for ever.
    patience = dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"})
    # Workers are forks of one process that has imported what they need.
    forked = dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    with temporary_settings({PREFECT_API_URL: api}), patience, forked, runner:
        client = runner.client
        client.wait_for_workers(1, timeout=WORKERS_TIMEOUT_SECONDS)
        yield runner, len(client.scheduler_info(n_workers=-1)["workers"])


def _local(settings: RunSettings) -> DaskTaskRunner:
    start_fork_server()
    workers = settings.workers or os.cpu_count() or 1
    # Free ports on loopback: runs side by side do not collide.
    options: dict[str, Any] = {"n_workers": workers, "threads_per_worker": 1, "host": "127.0.0.1"}
    options.update(dashboard_address="127.0.0.1:0", preload=[WORKER_PRELOAD], silence_logs=50)
    return DaskTaskRunner(cluster_kwargs=options)


def _existing(address: str) -> DaskTaskRunner:
    from distributed import Client

    try:
        Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False).close()
    except (OSError, ValueError, TimeoutError) as exc:
        raise UserError(f"{address}: no Dask scheduler answers there ({type(exc).__name__})") from exc
    return DaskTaskRunner(address=address)
