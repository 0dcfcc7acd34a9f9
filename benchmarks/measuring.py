"""Running a command as its own process tree and measuring it."""

import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """Wall and CPU seconds of a command with all its processes, and the most resident memory that one of them had."""

    seconds: float
    cpu_seconds: float
    peak_process_bytes: int
    processes: int


def measure(command: list[str]) -> Measured:
    """Run the command to its end; a failure ends the benchmark."""
    started, spent = time.monotonic(), _of_children()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    watcher = threading.Thread(target=_watch, args=(process, peaks), daemon=True)
    watcher.start()
    if process.wait() != 0:
        sys.exit(f"failed: {' '.join(command)}")
    watcher.join()
    return Measured(time.monotonic() - started, _of_children() - spent, max(peaks.values()), len(peaks))


def synthor(*arguments: str | Path) -> list[str]:
    """The command line of synthor in this environment."""
    return [sys.executable, "-m", "cli.main", *map(str, arguments)]


def _of_children() -> float:
    """CPU seconds of all processes that ended below this one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _watch(process: "subprocess.Popen[bytes]", peaks: dict[int, int]) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for each in [root, *root.children(recursive=True)]:
                peaks[each.pid] = max(peaks.get(each.pid, 0), each.memory_info().rss)
        except psutil.Error:
            pass  # a process ended between being listed and being asked
        time.sleep(POLL_SECONDS)
