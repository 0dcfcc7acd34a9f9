"""Repair, before a run is taken up again: what is damaged is withdrawn, so that it is made again."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.manifest import damage, refuse_lost_exchanges
from adapters.repair import withdraw_damaged, withdraw_publication
from tasks.context import Context


@task(name="repair", cache_policy=NO_CACHE)
def repair(context: Context) -> list[str]:
    """What was found damaged, in words; a damaged publication is staged again, less its damaged batches."""
    run = context.run
    if not run.has_publication():
        return withdraw_damaged(run, context.scenario)
    damaged = damage(run)
    if damaged:
        refuse_lost_exchanges(run, damaged)
        withdraw_publication(run)
        withdraw_damaged(run, context.scenario)
    return [f"{run.root / name}: missing or altered since it was published" for name in damaged]
