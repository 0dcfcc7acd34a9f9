"""What a scenario's prior changed: one unit planned with and without it."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from threadpoolctl import threadpool_limits

from synthesis.prior_effect import prior_effect
from tasks.context import Context


@task(name="measure prior", cache_policy=NO_CACHE)
def measure_prior(context: Context) -> dict[str, Any] | None:
    """The effect of the prior for run.json; nothing where none is used."""
    if context.scenario.prior is None:
        return None
    with threadpool_limits(1):
        return prior_effect(context.coder, context.settings, context.aims, context.units)
