"""Runs that several tests look at, on one Dask cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster

from tests.conftest import ECOMMERCE
from tests.flows.running import MANY_BATCHES, run_flow


@pytest.fixture(scope="session")
def scheduler() -> Iterator[str]:
    """The address of a Dask cluster that exists already: one worker process."""
    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="session")
def ecommerce(prefect_api: str, scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run of the e-commerce example."""
    out = tmp_path_factory.mktemp("ecommerce") / "run"
    run_flow(ECOMMERCE, out, dask_address=scheduler)
    return out


@pytest.fixture(scope="session")
def many_batches(prefect_api: str, scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run of many small batches by the one worker of an existing cluster."""
    out = tmp_path_factory.mktemp("many") / "run"
    run_flow(ECOMMERCE, out, dask_address=scheduler, **MANY_BATCHES)
    return out
