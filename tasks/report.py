"""The report."""

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.report import write_report
from adapters.run_folder import RunFolder
from tasks.explain import follow_worst_cells


@task(name="report", cache_policy=NO_CACHE)
def report(run: RunFolder) -> None:
    """Write report.html."""
    write_report(run.root, follow_worst_cells(run.root))
