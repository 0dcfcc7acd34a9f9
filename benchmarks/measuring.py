"""Running a command as its own process tree and measuring it."""

import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.1
ROLES = {
    "spawn_main": "worker",
    "multiprocessing.forkserver": "worker",
    "dask_worker": "worker",
    "uvicorn": "server",
    "own_server": "server",
}
"""What of a command line tells a process's part; all others belong to the flow."""


@dataclass(frozen=True)
class Measured:
    """Wall seconds of a command; per process the highest resident memory and the CPU seconds, both by its part."""

    seconds: float
    peak_process_bytes: int
    processes: int
    peaks: dict[str, int]
    cpu: dict[str, float]

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all processes."""
        return sum(self.cpu.values())


def measure(command: list[str]) -> Measured:
    """Run the command to its end; a failure ends the benchmark."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    found: dict[int, tuple[str, int, float]] = {}
    watcher = threading.Thread(target=_watch, args=(process, found), daemon=True)
    watcher.start()
    if process.wait() != 0:
        sys.exit(f"failed: {' '.join(command)}")
    watcher.join()
    seconds = time.monotonic() - started
    peaks: dict[str, int] = defaultdict(int)
    cpu: dict[str, float] = defaultdict(float)
    for role, resident, spent in found.values():
        peaks[role] = max(peaks[role], resident)
        cpu[role] += spent
    return Measured(seconds, max(peaks.values()), len(found), dict(peaks), dict(cpu))


def synthor(*arguments: str | Path) -> list[str]:
    """The command line of synthor in this environment."""
    return [sys.executable, "-m", "cli.main", *map(str, arguments)]


def _watch(process: "subprocess.Popen[bytes]", found: dict[int, tuple[str, int, float]]) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for each in [root, *root.children(recursive=True)]:
                known = found.get(each.pid)
                role = known[0] if known and known[0] != "flow" else _role(each)
                spent = each.cpu_times()
                resident = max(known[1] if known else 0, each.memory_info().rss)
                found[each.pid] = role, resident, spent.user + spent.system
        except psutil.Error:
            pass  # a process ended between being listed and being asked
        time.sleep(POLL_SECONDS)


def _role(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    return next((role for mark, role in ROLES.items() if mark in line), "flow")
