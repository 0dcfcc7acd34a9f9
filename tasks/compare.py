"""Comparing: what a run gave beside what the tables alone give, on tables used and held out."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from threadpoolctl import threadpool_limits

from adapters.dataset import read_commits
from adapters.object_path import Location, location
from adapters.run_folder import RunFolder
from schemas.errors import MetricError
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts, with_stored
from synthesis.baselines import compare_baselines, describe_baselines
from synthesis.discrepancy import discrepancies
from synthesis.held_out import held_out_discrepancies
from tasks.context import load_context


@task(name="compare", cache_policy=NO_CACHE)
def compare(run: str) -> dict[str, Any]:
    """The baselines of a run, from its committed batches."""
    return compare_run(location(run))


def compare_run(root: Location) -> dict[str, Any]:
    """As `compare`, without Prefect. Baselines that cannot be computed say why: they are no reason to fail a run."""
    run = RunFolder(root.absolute())
    stored = run.read_run()
    settings = RunSettings.model_validate(stored["settings"])
    context = load_context(str(run.root), stored["scenario"]["fingerprint"], settings)
    scenario = context.scenario
    commits = read_commits(run.records, scenario)
    counts = with_stored(no_counts(scenario), (commit["counts"] for commit in commits))
    held = held_out_discrepancies(scenario, settings.size, counts)
    try:
        with threadpool_limits(1):
            found = discrepancies(scenario, context.aims, counts)
            baselines = compare_baselines(scenario, found, held, settings.random_seed)
    except MetricError as exc:
        return {"statement": f"The baselines cannot be computed: {exc}.", "rows": 0, "tables": []}
    return describe_baselines(baselines, settings.proposer)
