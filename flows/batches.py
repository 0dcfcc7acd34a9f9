"""Steps of a run on Dask: many plain futures, and a Prefect task by name for each that fails."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from prefect import Task
from prefect.futures import PrefectFuture
from prefect_dask import DaskTaskRunner

from schemas.errors import BatchError, SynthorError
from schemas.settings import RunSettings
from tasks.retried import give_up, is_worth_retrying, retry_options

TRIES_OF_DASK = 4
"""A task whose worker dies is given to a worker again; after four deaths Dask raises KilledWorker."""
PATIENCE_SECONDS = 300
"""Beyond all its tries, how long a batch is waited for before its state is taken to be lost."""


@dataclass(frozen=True, slots=True)
class Step:
    """A function that workers call, and the task that it becomes when its first attempt fails."""

    function: Callable[..., Any]
    retried: "Task[..., Any]"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a step: its name for people, the name of its task, and its arguments."""

    name: str
    key: str
    arguments: Mapping[str, Any]


def results(
    runner: DaskTaskRunner, settings: RunSettings, step: Step, calls: Sequence[Call]
) -> Iterator[tuple[int, Any]]:
    """The position and result of every call, those that failed at first last; one that fails for good is raised.

    Always takes `.result()`: waiting for a state instead would let work go missing when workers are lost for good.
    """
    limit = _limit(settings)
    submit = runner.client.submit
    futures = [submit(step.function, **call.arguments, key=f"{call.key}-{uuid4()}", pure=False) for call in calls]
    again: list[tuple[int, PrefectFuture[Any]]] = []
    for position, (call, future) in enumerate(zip(calls, futures, strict=True)):
        try:
            result = future.result(timeout=limit)
        except Exception as error:
            again.append((position, _tried_again(runner, settings, step, call, error)))
        else:
            yield position, result
    for position, retried in again:
        try:
            result = retried.result(timeout=limit)
        except Exception as error:
            raise _named(calls[position], error, limit) from error
        yield position, result


def _tried_again(
    runner: DaskTaskRunner, settings: RunSettings, step: Step, call: Call, error: Exception
) -> PrefectFuture[Any]:
    """The call as a Prefect task with the attempts that are left; raises the error where there are none.

    Workers that died of it have had their attempts: Dask made them.
    """
    is_lost = type(error).__name__ == "KilledWorker" or isinstance(error, TimeoutError)
    if is_lost or settings.batch_retries == 0 or not is_worth_retrying(error):
        named = _named(call, error, _limit(settings))
        give_up(call.key, named, return_state=True)
        raise named from error
    return runner.submit(step.retried.with_options(**retry_options(settings)), dict(call.arguments))


def _limit(settings: RunSettings) -> float:
    """How long a task is waited for: as long as all its tries may take."""
    return settings.batch_timeout_seconds * TRIES_OF_DASK * (settings.batch_retries + 1) + PATIENCE_SECONDS


def _named(call: Call, error: Exception, limit: float) -> SynthorError:
    if isinstance(error, SynthorError):
        return error
    if isinstance(error, TimeoutError):
        return BatchError(f"{call.name} did not end within {limit:g} s")
    return BatchError(f"{call.name} failed: {type(error).__name__}: {error}")
