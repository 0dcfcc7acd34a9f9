"""What a what-if has changed, for run.json and the report."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.object_path import location
from adapters.what_if_shifts import find_shifts
from synthesis.what_if import relaxed_tables
from tasks.context import Context

OFFLINE_NOTE = "the offline proposer reads no context: it is recorded and changes nothing"
NO_OTHER_NOTE = "not compared: expected --set without=RUN, a published run of the same scenario without the context"


@task(name="shifts", cache_policy=NO_CACHE)
def find_what_if(context: Context) -> dict[str, Any] | None:
    """The context, the tables that gave way, and the shifts from a run without it; None without a context."""
    settings = context.settings
    relaxed = relaxed_tables(context.scenario, settings)
    if not (settings.context or relaxed):
        return None
    said = {"context": settings.context, "context_strength": settings.context_strength, "relaxed": sorted(relaxed)}
    if settings.without is None:
        return {**said, "note": NO_OTHER_NOTE if settings.asks or relaxed else OFFLINE_NOTE, "shifts": []}
    shifts = find_shifts(context.run, location(settings.without), context.scenario, relaxed)
    note = "" if settings.asks else OFFLINE_NOTE
    return {**said, "without": settings.without, "note": note, "shifts": shifts}
