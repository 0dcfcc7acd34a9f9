"""Opening an update: its base, what its scenario changes, its folder and run.json."""

from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.base_run import BaseRun, find_base
from adapters.dataset import read_commits
from adapters.manifest import verify_manifest
from adapters.object_path import Location, location
from adapters.run_folder import RunFolder
from adapters.scenario_files import read_scenario
from schemas.errors import UserError
from schemas.settings import RunSettings
from synthesis.aggregates import Counts, dense_counts, merge_counts, no_counts
from synthesis.scenario_changes import check_changes
from synthesis.update_aims import Missed, moved_targets, touched_units
from tasks.context import Context, compile_context, load_context
from tasks.judge_scenario import judge_scenario
from tasks.prepare import check_same_run, create_run, holds_anything, with_absolute_paths


@dataclass(frozen=True, slots=True)
class Opened:
    """An update's own context, its base, what that holds, and which tables and units the new targets touch."""

    context: Context
    base: RunFolder
    counts: Counts
    missed: Missed
    touched: tuple[int, ...]
    first_batch: int
    first_round: int


@task(name="open-update", cache_policy=NO_CACHE)
def open_update(base: str, scenario: str, out: str, settings: RunSettings | None) -> Opened:
    """The update; a new folder is made, one that holds this very update is taken up again."""
    return open_folder(location(base), Path(scenario), location(out), settings or RunSettings())


def open_folder(given: Location, folder: Path, out: Location, settings: RunSettings) -> Opened:
    """As `open_update`, without Prefect. Nothing is written unless base, scenario and settings are fine."""
    run, found = RunFolder(out.absolute()), find_base(given)
    if (run.root / "run.json").is_file() and (kept := run.read_run().get("update")) is not None:
        # What `given` names may be this very update by now: it was published there.
        found = replace(find_base(location(kept["base"])), publications=found.publications)
    if run.root in (found.run.root, found.publications):
        raise UserError(f"{run.root}: is what is to be updated, expected a new folder")
    before = _base_context(found.run)
    settings = settings_of_update(before.settings, settings, found)
    scenario = read_scenario(folder)
    context = compile_context(run, scenario, settings)
    check_changes(before.scenario, context.scenario, str(folder))
    if (run.root / "run.json").exists():
        _check_same_update(run, found, scenario.fingerprint, settings)
    elif run.root.exists() and (not run.root.is_dir() or holds_anything(run.root)):
        raise UserError(f"{run.root}: exists and is no run folder, expected a new or empty folder")
    else:
        judged = judge_scenario(context.coder)
        create_run(run, folder, context, {**judged, "update": {"base": str(found.run.root), **_identity(found)}})
    return _opened(load_context(str(run.root), scenario.fingerprint, settings), before, found)


def settings_of_update(base: RunSettings, given: RunSettings, found: BaseRun) -> RunSettings:
    """The base's settings with those that are given; where it was made, and what it overruled, is its own affair.

    Nobody is asked: what is there is the proposal.
    """
    if given.asks or given.allocation != "balanced":
        raise UserError("update: works offline and meets the targets, expected proposer=offline, allocation=balanced")
    own: dict[str, Any] = {"proposer": "offline", "allocation": "balanced", "without": None}
    own |= {"workers": None, "dask_address": None, "publish_anyway": False}
    if found.publications is not None:
        own["publish_to"] = str(found.publications)
    changed = {**own, **with_absolute_paths(given).model_dump(exclude_unset=True)}
    return RunSettings.model_validate({**base.model_dump(), **changed})


def _base_context(base: RunFolder) -> Context:
    stored = base.read_run()
    settings = RunSettings.model_validate(stored["settings"])
    return load_context(str(base.root), stored["scenario"]["fingerprint"], settings)


def _identity(found: BaseRun) -> dict[str, Any]:
    return {"base_manifest_sha256": found.manifest_sha256, "base_publication": found.publication}


def _check_same_update(run: RunFolder, found: BaseRun, fingerprint: str, settings: RunSettings) -> None:
    stored = run.read_run()
    if stored.get("update") is None:
        raise UserError(f"{run.root}: holds a run, expected a new folder")
    if stored["update"]["base_manifest_sha256"] != found.manifest_sha256:
        raise UserError(f"{run.root}: holds an update of another state of {stored['update']['base']}")
    check_same_run(stored, fingerprint, settings, run.root, is_update=True)


def _opened(context: Context, before: Context, found: BaseRun) -> Opened:
    verify_manifest(found.run)
    commits = read_commits(found.run.records, before.scenario)
    given = (dense_counts(context.scenario, commit["counts"]) for commit in commits)
    counts = reduce(merge_counts, given, no_counts(context.scenario))
    missed = moved_targets(before.scenario, context.scenario, before.aims, context.aims, counts)
    touched = touched_units(context.scenario, context.cut, context.aims, counts, missed)
    first_batch = 1 + max((commit["batch_id"] for commit in commits), default=0)
    first_round = 1 + max((commit["round"] for commit in commits), default=0)
    return Opened(context, found.run, counts, missed, touched, first_batch, first_round)
