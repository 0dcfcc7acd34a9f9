"""Stopping a run from outside: in seconds, with one line, nothing left behind; and a worker that stands still."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from tests.conftest import ECOMMERCE, ROOT
from tests.flows.running import MANY_BATCHES, dask_workers, digests, run_flow, start_command, wait_for

OWNER = """
import os, time
from flows.own_server import OwnServer
server = OwnServer(dict(os.environ), 60)
print(server._process.pid, flush=True)
time.sleep(600)
"""


def committed(out: Path) -> int:
    log = out / "log.jsonl"
    return log.read_text().count("batch_committed") if log.exists() else 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_in_seconds_and_can_be_resumed(prefect_api: str, tmp_path: Path, number: int) -> None:
    out = tmp_path / "run"
    options = ["--size", "60000", "--set", "batch_seconds=0.006", "--workers", "2"]
    process = start_command(prefect_api, "run", str(ECOMMERCE), "--out", str(out), *options)
    wait_for(lambda: committed(out) >= 1)
    children = psutil.Process(process.pid).children(recursive=True)
    assert len(children) >= 2
    process.send_signal(number)
    # LAST_SECONDS at most, and what a busy machine adds
    output, errors = process.communicate(timeout=30)
    name = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}[signal.Signals(number)]
    told = f"synthor: {name}; `synthor resume {out}` finishes this run\n"
    assert (process.returncode, output, errors) == (128 + number, "", told)
    assert psutil.wait_procs(children, timeout=30)[1] == []
    record = json.loads((out / "run.json").read_text())
    assert (record["status"], record["failure"]) == ("failed", "interrupted")
    assert not (out / "dataset").exists()


def test_the_own_server_ends_with_its_owner() -> None:
    owner = subprocess.Popen([sys.executable, "-c", OWNER], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    server = psutil.Process(int(owner.stdout.readline()))
    assert server.is_running()
    owner.kill()
    owner.communicate()
    psutil.wait_procs([server], timeout=60)
    assert not server.is_running()


def test_a_stopped_worker_is_replaced(
    prefect_api: str, many_batches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.cluster.LEAST_SILENCE_SECONDS", 1)
    monkeypatch.setattr("flows.cluster.MOST_SILENCE_SECONDS", 5)
    out, before = tmp_path / "run", set(psutil.Process().children(recursive=True))
    stopped: list[psutil.Process] = []

    def stop_a_worker() -> None:
        wait_for(lambda: committed(out) >= 2)
        workers = [child for child in dask_workers(os.getpid()) if child not in before]
        os.kill(workers[0].pid, signal.SIGSTOP)
        stopped.append(workers[0])

    thread = threading.Thread(target=stop_a_worker)
    thread.start()
    record = run_flow(ECOMMERCE, out, **MANY_BATCHES)
    thread.join()
    assert record["status"] == "published"
    assert not stopped[0].is_running()
    assert digests(out / "dataset") == digests(many_batches / "dataset")
