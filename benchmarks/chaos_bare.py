"""The flow's own steps without Prefect and Dask: campaigns of them cost little, and try files, locks and repair alone.

Everything that a run leaves on disk is written by the same functions in the same order; each batch is a forked process,
given out again if it dies, as Dask does it.
"""

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

TRIES = 4


class BareTask:
    """A Prefect task's function, called as the flow calls the task."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self.work = work

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.work(*given, **named)


class BareFuture:
    """A batch in a process of its own."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work, self._tries = work, 0
        self._start()

    def result(self, timeout: float) -> Any:
        """What it returned; what it raised is raised; one that died is given out again."""
        while True:
            with os.fdopen(self._reader, "rb") as reader:
                content = reader.read()
            os.waitpid(self._pid, 0)
            if content:
                is_good, found = pickle.loads(content)
                if is_good:
                    return found
                raise found
            if self._tries == TRIES:
                raise RuntimeError("a batch's process died four times")
            self._start()

    def _start(self) -> None:
        self._tries += 1
        self._reader, writer = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._reader)
            try:
                outcome: tuple[bool, Any] = True, self._work()
            except Exception as error:
                outcome = False, _packed(error)
            os.write(writer, pickle.dumps(outcome))
            os._exit(0)
        os.close(writer)


def _packed(error: Exception) -> Exception:
    """The error, or what can be told of it where it cannot be sent."""
    try:
        pickle.dumps(error)
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


class BareClient:
    """Calls every function in a process of its own, all at once."""

    def submit(self, function: Callable[..., Any], key: str, pure: bool, **arguments: Any) -> BareFuture:
        """A future of the function's result."""
        return BareFuture(partial(function, **arguments))


class BareRunner:
    """As a task runner with its client."""

    client = BareClient()

    def submit(self, task: Any, given: dict[str, Any]) -> BareFuture:
        """A future of the task's result."""
        return BareFuture(partial(task.fn, **given))


class NoArtifacts:
    """Nobody looks."""

    def __init__(self, *given: Any) -> None:
        pass

    def start(self) -> None:
        """Nothing."""

    def add(self, records: int) -> None:
        """Nothing."""

    def finish(self, run: Any) -> None:
        """Nothing."""


@contextmanager
def _runner(settings: Any) -> Iterator[tuple[BareRunner, int]]:
    yield BareRunner(), 2


def strip_flow() -> None:
    """Take Prefect and Dask out of the flow, in this process."""
    from prefect import Task

    import flows.batches
    import flows.record
    import flows.synthesize as module

    for name, value in list(vars(module).items()):
        if isinstance(value, Task):
            setattr(module, name, BareTask(value.fn))
    module.dask_runner = _runner
    module.name_flow_run = lambda scenario, size: None
    flows.record.Artifacts = NoArtifacts
    flows.batches.give_up = lambda *given, **named: None


def run_bare(scenario: Path, out: Path) -> None:
    """A run, begun or taken up again, in this process; exits with the command's code."""
    from adapters.object_path import location
    from flows import synthesize as module
    from schemas.errors import SynthorError, UserError
    from schemas.settings import RunSettings
    from tasks.prepare import held

    signal.signal(signal.SIGINT, signal.default_int_handler)
    settings = RunSettings(batch_seconds=0.01, plan_rows=1000, early_round_share=0.2, least_plan_rows=500)
    try:
        with held(str(location(str(out)))):
            module._synthesize(str(scenario), str(out), settings, time.monotonic())
    except UserError as error:
        sys.exit(_told(error, 2))
    except (SynthorError, OSError) as error:
        sys.exit(_told(error, 1))


def _told(error: Exception, code: int) -> int:
    print(f"synthor: {' '.join(str(error).split())}", file=sys.stderr)
    return code
