"""Where batches run: a local Dask cluster by default, or an existing one."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dask
from distributed import LocalCluster
from prefect import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect_dask import DaskTaskRunner

from flows.forks import start_fork_server
from schemas.errors import UserError
from schemas.settings import RunSettings

CONNECT_TIMEOUT = "10s"
WORKERS_TIMEOUT_SECONDS = 300
LEAST_SILENCE_SECONDS, MOST_SILENCE_SECONDS = 30, 300
WORKER_PRELOAD = "tasks.worker"


@contextmanager
def dask_runner(settings: RunSettings) -> Iterator[tuple[DaskTaskRunner, int]]:
    """A running task runner and its number of workers; a local cluster has one-threaded worker processes.

    Workers are told the address of the flow's own Prefect server: without it each would start a server of its own.
    """
    runner = _existing(settings.dask_address) if settings.dask_address else _local(settings)
    with get_client(sync_client=True) as client:
        api = str(client.api_url).rstrip("/")
    with temporary_settings({PREFECT_API_URL: api}), dask.config.set(_local_rules(settings)), runner:
        client = runner.client
        client.wait_for_workers(1, timeout=WORKERS_TIMEOUT_SECONDS)
        try:
            yield runner, len(client.scheduler_info(n_workers=-1)["workers"])
        except Exception:
            raise
        except BaseException:  # interrupted: nobody waits for batches to end
            _abandon(client.cluster)
            raise


def _abandon(cluster: LocalCluster | None) -> None:
    """Kill the worker processes of a cluster of the run's own, so that it closes at once."""
    if cluster is not None:
        for nanny in cluster.workers.values():
            nanny.close_gracefully()  # it does not start another
        for child in multiprocessing.active_children():
            child.kill()


def _local_rules(settings: RunSettings) -> dict[str, Any]:
    """What Dask's scheduler is to do in a cluster of the run's own."""
    silence_seconds = min(max(settings.batch_timeout_seconds, LEAST_SILENCE_SECONDS), MOST_SILENCE_SECONDS)
    return {
        # By default a worker that is away for 15 s is given up: one that dies twice would never come back, and its
        # batch would wait for ever.
        "distributed.deploy.lost-worker-timeout": "1 day",
        # Workers are forks of one process that has imported what they need.
        "distributed.worker.multiprocessing-method": "forkserver",
        # A worker that is stopped, or stuck in C code, cannot keep its batch's time limit itself.
        "distributed.scheduler.worker-ttl": f"{silence_seconds:g} s",
        # No batch waits on a worker behind another: it would be blamed for that one's death as well.
        "distributed.scheduler.worker-saturation": 1.0,
    }


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
