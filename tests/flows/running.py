"""Running the flow in tests: in this process, or as a user's command in another."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from flows.synthesize import synthesize
from schemas.settings import RunSettings

MANY_BATCHES = {"size": 60_000, "batch_seconds": 0.006}


def run_flow(scenario: Path, out: Path, **settings: Any) -> dict[str, Any]:
    """The content of run.json after the flow ended."""
    return synthesize(str(scenario), str(out), RunSettings(**{"workers": 1, **settings}))


def start_command(api: str, *arguments: str) -> subprocess.Popen[str]:
    """The `synthor` command as its own process, using the session's Prefect server."""
    command = [sys.executable, "-m", "cli.main", *arguments]
    environment = {**os.environ, "PREFECT_API_URL": api}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def dask_workers(pid: int) -> list[psutil.Process]:
    """The local workers of a command: forks of the process that holds their imports."""
    below = psutil.Process(pid).children(recursive=True)
    forkers = {child.pid for child in below if "multiprocessing.forkserver" in " ".join(child.cmdline())}
    return [child for child in below if child.ppid() in forkers]


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Return once the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def digests(dataset: Path) -> dict[str, str]:
    """SHA-256 of every file of a dataset, by its relative path."""
    files = sorted(path for path in dataset.rglob("*") if path.is_file())
    return {str(path.relative_to(dataset)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
