"""The stage of a crash campaign: a small scenario, and the processes that its runs need.

Runs are forked from a process that has imported everything, workers from another such: a campaign's CPU time goes to
its runs. What runs is the command itself, `synthor run` and `synthor resume`, with real processes, sockets and files.
"""

import asyncio
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import forkserver
from pathlib import Path

import psutil

COUNTIES = ("01", "02", "03", "04")
SCENARIO = """\
name: villages
entities:
  household:
    variables:
      size: {type: integer, range: [1, 5]}
      tenure: {type: category, categories: [owned, rented]}
      rent: {type: number, range: [0, 2000]}
  person:
    parent: household
    count: size
    variables:
      age: {type: integer, range: [0, 99]}
zones: {variable: county, crosswalk: zones.csv}
targets:
  size: {entity: household, variables: [size], zone: county, file: size.csv, measure: count}
  tenure: {entity: household, variables: [tenure], zone: county, file: tenure.csv, measure: count}
  age: {entity: person, variables: [age], zone: county, file: age.csv, measure: share}
rules:
  - {name: has_adult, entity: household, then: any(person.age >= 18)}
"""
SETTINGS = ("--max-rounds", "2", "--set", "batch_seconds=0.01", "--set", "plan_rows=1000")
SETTINGS += (
    "--set",
    "early_round_share=0.2",
    "--set",
    "least_plan_rows=500",
    "--set",
    "retry_backoff_seconds=0.1",
    "--set",
    "max_backoff_seconds=0.3",
)
SETTINGS += ("--set", "call_retries=50", "--quiet")


def write_scenario(folder: Path) -> Path:
    """Households and persons of four counties, each a unit of its own."""
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text(SCENARIO)
    rows = [(zone, 40 + 10 * int(zone)) for zone in COUNTIES]
    files = {
        "zones.csv": ["county", *COUNTIES],
        "size.csv": ["county,size,count", *(f"{zone},{size},{n}" for zone, n in rows for size in range(1, 6))],
        "tenure.csv": ["county,tenure,count", *(f"{z},owned,{3 * n}\n{z},rented,{2 * n}" for z, n in rows)],
        "age.csv": ["county,age,share", *(f"{zone},under 18,0.2\n{zone},18+,0.8" for zone in COUNTIES)],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


@dataclass
class Started:
    """A command in a process of its own."""

    pid: int
    told: Path
    code: int | None = None

    def poll(self) -> int | None:
        """Its exit code, once it has ended; killed ones have the negative signal."""
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code

    def wait(self, seconds: float) -> bool:
        """Whether it ended in time."""
        return wait_for(lambda: self.poll() is not None, seconds)


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition came to hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def fork(work: Callable[[], object], told: Path) -> Started:
    """Do the work in a child process with a session of its own; its output goes to the file."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return Started(pid, told)
    code = 1
    try:
        os.setsid()
        output = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        # The fork server belongs to the parent of this process, which alone could ask after it.
        forkserver.ensure_running = forkserver._forkserver.ensure_running = lambda: None
        work()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        os._exit(code)


def command(arguments: list[str], told: Path) -> Started:
    """`synthor` with the arguments."""

    def work() -> None:
        from cli.entry import main

        sys.argv = ["synthor", *arguments]
        main()

    return fork(work, told)


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Cluster:
    """A Dask scheduler and workers as processes of their own, and a relay through which a run reaches the scheduler."""

    folder: Path
    port: int = field(default_factory=free_port)
    relay_port: int = field(default_factory=free_port)
    scheduler: Started | None = None
    relay: Started | None = None
    workers: list[Started] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Where a run finds it."""
        return f"tcp://127.0.0.1:{self.relay_port}"

    def start(self) -> None:
        """Start what is not running."""
        told = self.folder / "cluster.log"
        if self.scheduler is None or self.scheduler.poll() is not None:
            self.scheduler = fork(lambda: asyncio.run(_scheduler(self.port)), told)
            assert wait_for(lambda: _answers(self.port), 60)
        if self.relay is None or self.relay.poll() is not None:
            self.relay = fork(lambda: asyncio.run(_relay(self.relay_port, self.port)), told)
            assert wait_for(lambda: _answers(self.relay_port), 60)
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < 2:
            self.workers.append(fork(lambda: asyncio.run(_worker(self.port)), told))

    def stop(self) -> None:
        """Kill all of it."""
        for started in (self.scheduler, self.relay, *self.workers):
            if started is not None and started.poll() is None:
                os.kill(started.pid, signal.SIGKILL)
                started.wait(30)
        self.scheduler, self.relay, self.workers = None, None, []


def _answers(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    return False


async def _scheduler(port: int) -> None:
    from distributed import Scheduler

    async with Scheduler(host="127.0.0.1", port=port, dashboard=False) as scheduler:
        await scheduler.finished()


async def _worker(port: int) -> None:
    from distributed import Worker

    async with Worker(f"tcp://127.0.0.1:{port}", nthreads=1, death_timeout=20) as worker:
        await worker.finished()


async def _relay(port: int, target: int) -> None:
    """Pass on what comes; SIGUSR1 cuts all connections and refuses others for two seconds."""
    open_ones: set[asyncio.StreamWriter] = set()
    closed_until = 0.0

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await reader.read(1 << 16):
                writer.write(content)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if time.monotonic() < closed_until:
            writer.transport.abort()
            return
        with suppress(OSError):
            there, away = await asyncio.open_connection("127.0.0.1", target)
            open_ones.update((writer, away))
            await asyncio.gather(pump(reader, away), pump(there, writer))
            open_ones.difference_update((writer, away))
        writer.close()

    def cut() -> None:
        nonlocal closed_until
        closed_until = time.monotonic() + 2
        for writer in open_ones:
            writer.transport.abort()

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, cut)
    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        await server.serve_forever()


@dataclass
class Model:
    """The simulated language model's server."""

    address: str

    def switch(self, **rates: float) -> None:
        """Which share of the calls fails how."""
        body = json.dumps({"rates": rates}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self.address}/control", body), timeout=60).close()


@contextmanager
def model_server() -> Iterator[Model]:
    """A server of the Messages API on loopback."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.simulated_llm"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        os.environ.update(ANTHROPIC_BASE_URL=address, ANTHROPIC_API_KEY="sk-none")
        try:
            yield Model(address)
        finally:
            process.terminate()


def prepare_forks() -> None:
    """Import everything, here and in the server that workers are forked from."""
    os.environ.update(OPENBLAS_NUM_THREADS="1", DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD="forkserver")
    import distributed.utils

    import flows.synthesize  # noqa: F401

    distributed.utils.get_mp_context()
    multiprocessing.set_forkserver_preload(["tasks.worker", "distributed.nanny", "distributed.worker", "pandas"])
    forkserver.ensure_running()


def worker_processes(flow: int) -> list[psutil.Process]:
    """The worker processes of a run's own cluster that live: forked for it, or by it."""
    found: list[psutil.Process] = []
    for parent in (forkserver._forkserver._forkserver_pid, flow):
        with suppress(psutil.Error):
            found += psutil.Process(parent).children()
    return found
