"""Publishing: one rename of the staged dataset, after the audit."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.run_folder import RunFolder


@task(name="publish", cache_policy=NO_CACHE)
def publish(run: RunFolder, plan_ids: list[int]) -> None:
    """Merge the lineage, then let the dataset appear under its name."""
    run.merge_plans(plan_ids)
    run.merge_exchanges()
    run.publish()
