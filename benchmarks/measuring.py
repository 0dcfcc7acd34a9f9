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
    """Wall seconds of a command, and the highest resident memory that any one of its processes reached."""

    seconds: float
    peak_process_bytes: int
    processes: int


def measure(command: list[str]) -> Measured:
    """Run the command to its end; a failure ends the benchmark."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    watcher = threading.Thread(target=_watch, args=(process, peaks), daemon=True)
    watcher.start()
    if process.wait() != 0:
        sys.exit(f"failed: {' '.join(command)}")
    watcher.join()
    return Measured(time.monotonic() - started, max(peaks.values()), len(peaks))


def synthor(*arguments: str | Path) -> list[str]:
    """The command line of synthor in this environment."""
    return [sys.executable, "-m", "cli.main", *map(str, arguments)]


def _watch(process: "subprocess.Popen[bytes]", peaks: dict[int, int]) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for each in [root, *root.children(recursive=True)]:
                peaks[each.pid] = max(peaks.get(each.pid, 0), each.memory_info().rss)
        except psutil.Error:
            pass  # a process ended between being listed and being asked
        time.sleep(POLL_SECONDS)
