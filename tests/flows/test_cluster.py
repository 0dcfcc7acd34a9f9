"""A Dask cluster of processes that stand by themselves; workers come and go, and no byte of the result changes."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from adapters.object_path import ObjectPath
from adapters.storage import sha256_of
from tests.conftest import ECOMMERCE
from tests.flows.running import MANY_BATCHES, digests, start_command, wait_for

pytestmark = pytest.mark.usefixtures("prefect_api")
OPTIONS = ["--size", "60000", "--set", f"batch_seconds={MANY_BATCHES['batch_seconds']}", "--quiet"]


class Cluster:
    """A scheduler and workers, each a process that was started with Dask's own command."""

    def __init__(self, folder: Path, processes: ExitStack) -> None:
        self._processes, self._folder, self._file = processes, folder, folder / "scheduler.json"
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0")
        wait_for(self._file.exists)
        self.address: str = json.loads(self._file.read_text())["address"]

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker of one thread without a nanny: killed, it stays away."""
        return self._start("worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard")

    def _start(self, kind: str, *options: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, "--scheduler-file", str(self._file), *options]
        with (self._folder / f"{kind}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)
        self._processes.callback(_end, process)
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as processes:
        yield Cluster(tmp_path, processes)


def test_workers_that_leave_and_join_change_no_byte(
    cluster: Cluster, store: str, prefect_api: str, many_batches: Path
) -> None:
    leaving, _ = cluster.add_worker(), cluster.add_worker()
    out = ObjectPath(f"{store}/runs/cluster")
    process = start_command(prefect_api, "run", str(ECOMMERCE), "--out", str(out), "--dask", cluster.address, *OPTIONS)
    wait_for(lambda: process.poll() is not None or len(list((out / "dataset").rglob("*.parquet"))) > 3)
    assert process.poll() is None, process.communicate()
    leaving.kill()
    cluster.add_worker()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    found = {str(path.relative_to(out / "dataset")): sha256_of(path) for path in (out / "dataset").rglob("*")}
    assert found == digests(many_batches / "dataset")
