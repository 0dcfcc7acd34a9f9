"""Publishing: one rename of the staged dataset, after the audit."""

from collections.abc import Mapping, Sequence
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.manifest import write_manifest
from adapters.object_path import location
from adapters.publications import publish_to
from adapters.run_folder import RunFolder


@task(name="publish", cache_policy=NO_CACHE)
def publish(run: RunFolder, commits: Sequence[Mapping[str, Any]]) -> None:
    """Merge the lineage, list everything in the manifest, then let the dataset appear under its name."""
    run.merge_plans(sorted({commit["plan_id"] for commit in commits}))
    run.merge_exchanges()
    if run.staged_dataset.is_dir():
        write_manifest(run, commits)
    run.publish()


@task(name="make-current", cache_policy=NO_CACHE)
def make_current(run: RunFolder, root: str, anyway: bool) -> None:
    """Make the published run the current publication of `root`."""
    publish_to(run, location(root), anyway)
