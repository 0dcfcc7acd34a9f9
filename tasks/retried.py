"""Batches as Prefect tasks, for those whose first attempt failed: shown by name, tried again with pauses.

A Prefect task under Dask costs a tenth of a second of the flow's own process, a plain future hundredths of that. So
every batch is tried as a plain future first, and what fails becomes a task.
"""

import time
from dataclasses import replace
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.runtime import task_run
from prefect.tasks import exponential_backoff

from schemas.batch import BatchSpec, Receipt
from schemas.errors import CorruptionError, UserError
from schemas.model import FloatArray
from schemas.settings import RunSettings
from tasks import batch
from tasks import update_batch as changing

FIRST_ATTEMPTS = 1
"""Attempts that were made as a plain future."""


def is_worth_retrying(error: BaseException) -> bool:
    """Whether another attempt can help: a scenario's mistake or a corrupt file stays what it is."""
    return not isinstance(error, (UserError, CorruptionError))


def _is_state_worth_retrying(task: Any, run: Any, state: Any) -> bool:
    try:
        state.result()
    except Exception as error:
        return is_worth_retrying(error)
    return False


RETRIED: dict[str, Any] = {
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _is_state_worth_retrying,
    "cache_policy": NO_CACHE,
}


def retry_options(settings: RunSettings) -> dict[str, Any]:
    """Prefect's options for the attempts that are left."""
    left = settings.batch_retries - FIRST_ATTEMPTS
    return {"retries": left, "retry_delay_seconds": exponential_backoff(2 * settings.retry_backoff_seconds)}


@task(name="plan", task_run_name="plan-{spec.plan_id}", **RETRIED)
def plan_strata(run: str, fingerprint: str, settings: RunSettings, spec: BatchSpec) -> float:
    """As `batch.plan_strata`."""
    _pause(settings)
    return batch.plan_strata(run, fingerprint, settings, spec)


@task(name="response", task_run_name="response-{first}", **RETRIED)
def take_responses(
    run: str, fingerprint: str, settings: RunSettings, units: tuple[int, ...], first: int
) -> tuple[float, dict[int, FloatArray]]:
    """As `batch.take_responses`."""
    _pause(settings)
    return batch.take_responses(run, fingerprint, settings, units, first)


@task(name="batch", task_run_name="batch-{spec.batch_id}", **RETRIED)
def synthesize_batch(run: str, fingerprint: str, settings: RunSettings, spec: BatchSpec) -> Receipt:
    """As `batch.synthesize_batch`."""
    _pause(settings)
    receipt = batch.synthesize_batch(run, fingerprint, settings, spec)
    return replace(receipt, attempt=FIRST_ATTEMPTS + (task_run.run_count or 1))


@task(name="update-batch", task_run_name="update-batch-{spec.batch_id}", **RETRIED)
def update_batch(run: str, fingerprint: str, settings: RunSettings, base: str, spec: BatchSpec) -> Receipt:
    """As `update_batch.update_batch`."""
    _pause(settings)
    receipt = changing.update_batch(run, fingerprint, settings, base, spec)
    return replace(receipt, attempt=FIRST_ATTEMPTS + (task_run.run_count or 1))


@task(name="given-up", task_run_name="{name}", cache_policy=NO_CACHE)
def give_up(name: str, error: Exception) -> None:
    """A failed task run by the batch's name, where no attempt is left or another would not help."""
    raise error


def _pause(settings: RunSettings) -> None:
    """The pause before the second attempt, which Prefect takes for the first."""
    if (task_run.run_count or 1) == 1:
        time.sleep(settings.retry_backoff_seconds)
