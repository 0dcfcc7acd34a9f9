"""Running a command as its own process tree and measuring it."""

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
    """Wall and CPU seconds of a command, and the highest resident memory that any one of its processes reached."""

    seconds: float
    peak_process_bytes: int
    processes: int
    cpu_seconds: float
    """Of all its processes, up to the last look at each."""


@dataclass
class _Seen:
    peak_bytes: int = 0
    cpu_seconds: float = 0.0


def measure(command: list[str]) -> Measured:
    """Run the command to its end; a failure ends the benchmark."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    seen: dict[int, _Seen] = {}
    watcher = threading.Thread(target=_watch, args=(process, seen), daemon=True)
    watcher.start()
    if process.wait() != 0:
        sys.exit(f"failed: {' '.join(command)}")
    elapsed = time.monotonic() - started
    watcher.join()
    cpu = sum(each.cpu_seconds for each in seen.values())
    return Measured(elapsed, max(each.peak_bytes for each in seen.values()), len(seen), cpu)


def synthor(*arguments: str | Path) -> list[str]:
    """The command line of synthor in this environment."""
    return [sys.executable, "-m", "cli.main", *map(str, arguments)]


def _watch(process: "subprocess.Popen[bytes]", seen: dict[int, _Seen]) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for each in [root, *root.children(recursive=True)]:
                held = seen.setdefault(each.pid, _Seen())
                held.peak_bytes = max(held.peak_bytes, each.memory_info().rss)
                held.cpu_seconds = sum(each.cpu_times()[:2])
        except psutil.Error:
            pass  # a process ended between being listed and being asked
        time.sleep(POLL_SECONDS)
