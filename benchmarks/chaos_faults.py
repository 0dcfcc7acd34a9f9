"""What goes wrong in a crash campaign: each fault is injected into a run that goes on, or into what one left."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.chaos_stage import Cluster, Model, Started, worker_processes

UNTOUCHED = ("run.json", "log.jsonl", ".lock")
"""The run's own book, which nothing else could restore."""


@dataclass
class Scene:
    """A run that goes on."""

    rng: random.Random
    run: Path
    process: Started
    cluster: Cluster | None
    model: Model | None


def kill_worker(scene: Scene) -> bool:
    """Kill -9 a worker."""
    return _signal(_a_worker(scene), signal.SIGKILL)


def stop_worker(scene: Scene) -> bool:
    """Stop a worker, continue it after some seconds."""
    return _pause(scene, _a_worker(scene))


def kill_flow(scene: Scene) -> bool:
    """Kill -9 the flow's process."""
    return _signal(scene.process.pid, signal.SIGKILL)


def stop_flow(scene: Scene) -> bool:
    """Stop the flow's process, its scheduler and nannies with it; continue it after some seconds."""
    return _pause(scene, scene.process.pid)


def interrupt_flow(scene: Scene) -> bool:
    """Ctrl-C, or SIGTERM."""
    return _signal(scene.process.pid, scene.rng.choice((signal.SIGINT, signal.SIGTERM)))


def kill_scheduler(scene: Scene) -> bool:
    """Kill -9 the scheduler of an external cluster."""
    assert scene.cluster is not None
    assert scene.cluster.scheduler is not None
    return _signal(scene.cluster.scheduler.pid, signal.SIGKILL)


def stop_scheduler(scene: Scene) -> bool:
    """Stop the scheduler, continue it after some seconds."""
    assert scene.cluster is not None
    assert scene.cluster.scheduler is not None
    return _pause(scene, scene.cluster.scheduler.pid)


def cut_connection(scene: Scene) -> bool:
    """Cut the connection to an external scheduler, and refuse others for two seconds."""
    assert scene.cluster is not None
    assert scene.cluster.relay is not None
    return _signal(scene.cluster.relay.pid, signal.SIGUSR1)


def fail_model(scene: Scene) -> bool:
    """Every call of the model fails for some seconds."""
    assert scene.model is not None
    scene.model.switch(**{scene.rng.choice(("529", "500", "reset", "html")): 1.0})
    _sleep_while_running(scene, scene.rng.uniform(1, 5))
    scene.model.switch()
    return True


def fill_disk(scene: Scene) -> bool:
    """Nothing: the file system was made too small before the run began."""
    return True


LOCAL: dict[str, Callable[[Scene], bool]] = {
    found.__name__: found for found in (kill_worker, stop_worker, kill_flow, stop_flow, interrupt_flow)
}
EXTERNAL = LOCAL | {found.__name__: found for found in (kill_scheduler, stop_scheduler, cut_connection)}
ASKING = {found.__name__: found for found in (fail_model, kill_flow, interrupt_flow, kill_worker)}
BARE = {found.__name__: found for found in (kill_worker, stop_worker, kill_flow, stop_flow)}
FULL_DISK = {"fill_disk": fill_disk}


def corrupt(rng: random.Random, run: Path) -> tuple[str, Path] | None:
    """Truncate or remove a file that a run has left, or flip a byte of it; returns the fault and the file."""
    folders = [run / "dataset", run / "staging" / "dataset"] if rng.random() < 0.6 else [run]
    files = sorted(
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
        and path.name not in UNTOUCHED
        and run / "scenario" not in path.parents
        and path.stat().st_size
    )
    if not files:
        return None
    path, kind = rng.choice(files), rng.choice(("truncate_file", "flip_byte", "remove_file"))
    if kind == "remove_file":
        path.unlink()
    elif kind == "truncate_file":
        os.truncate(path, rng.randrange(path.stat().st_size))
    else:
        content = bytearray(path.read_bytes())
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
    return kind, path


class SmallDisk:
    """A file system in memory of a size that can be changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._is_mounted = False

    def resize(self, kilobytes: int) -> None:
        """Make it so large; raises CalledProcessError where this process may not mount."""
        self.folder.mkdir(exist_ok=True)
        options = f"{'remount,' if self._is_mounted else ''}size={kilobytes}k"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", self.folder], check=True, capture_output=True)
        self._is_mounted = True

    def remove(self) -> None:
        """Unmount it."""
        if self._is_mounted:
            subprocess.run(["umount", self.folder], check=True, capture_output=True)
            self._is_mounted = False


def _a_worker(scene: Scene) -> int | None:
    if scene.cluster is not None:
        pids = [worker.pid for worker in scene.cluster.workers if worker.poll() is None]
    else:
        pids = [process.pid for process in worker_processes(scene.process.pid)]
    return scene.rng.choice(pids) if pids else None


def _signal(pid: int | None, number: int) -> bool:
    if pid is None:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def _pause(scene: Scene, pid: int | None) -> bool:
    if not _signal(pid, signal.SIGSTOP):
        return False
    try:
        time.sleep(scene.rng.uniform(0.3, 4))
    finally:
        _signal(pid, signal.SIGCONT)
    return True


def _sleep_while_running(scene: Scene, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and scene.process.poll() is None:
        time.sleep(0.05)


def leftovers(process: Started) -> list[int]:
    """Processes of the command's session, and workers of its own cluster, that still live."""
    mine = {found.pid for found in worker_processes(process.pid)}
    alive = []
    for found in psutil.process_iter():
        with suppress(psutil.Error, ProcessLookupError):
            is_mine = found.pid in mine or os.getsid(found.pid) == process.pid
            if is_mine and found.status() != psutil.STATUS_ZOMBIE:
                alive.append(found.pid)
    return alive
