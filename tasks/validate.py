"""Validation: the suites over what is there, from footers and files, never from the flow's memory."""

import threading
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pyarrow.compute as pc
from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.aggregates_file import aggregates_table
from adapters.dataset import partition_frames, read_commits
from adapters.object_path import Location, location
from adapters.run_folder import RunFolder, write_table
from adapters.storage import replacing_files, write_json
from expectations.checkpoint import judge_aggregates, judge_freshness, judge_records, judge_summary, judge_volume
from expectations.outcomes import SuiteOutcome
from schemas.errors import CorruptionError
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, Counts, no_counts, with_stored
from synthesis.causes import DISTRIBUTION, REJECTION, cause_of_cells, merge_causes
from synthesis.cells import CellCoder
from synthesis.discrepancy import discrepancies, worst_cells
from synthesis.held_out import held_out_discrepancies
from synthesis.moment_fit import moment_fits
from synthesis.recount import recount_frames
from synthesis.summaries import merge_all
from tasks.context import load_context
from tasks.drift import drift_outcome

RECORDS_READ = 1_000_000
"""Up to this many records Great Expectations reads every one; beyond, it judges the summaries in the footers."""
SHOWN_CELLS = 20


def load_suites_ahead() -> None:
    """Import Great Expectations in the background, while the flow waits for something: it takes seconds."""

    def load() -> None:
        with suppress(Exception):  # what is wrong is told where it is needed
            import expectations.suites  # noqa: F401

    threading.Thread(target=load, name="suites", daemon=True).start()


@task(name="validate", cache_policy=NO_CACHE)
def validate(run: str, full: bool) -> dict[str, Any]:
    """The verdict on the staged dataset."""
    return validate_run(location(run), full)


def validate_run(root: Location, full: bool, recount: bool = False) -> dict[str, Any]:
    """validation.json: verdict, suites, failures and the cells missed; writes it with the suites and aggregates.

    `full` has every record judged, and so counted again; `recount` has it counted alone.
    """
    from expectations.suites import save_suites  # Great Expectations takes seconds to import

    run = RunFolder(root.absolute())
    stored = run.read_run()
    settings = RunSettings.model_validate(stored["settings"])
    context = load_context(str(run.root), stored["scenario"]["fingerprint"], settings)
    scenario = context.scenario
    commits = read_commits(run.records, scenario)
    if len(commits) != stored["batches"]["committed"]:
        raise CorruptionError(
            f"{run.records}: holds {len(commits)} committed batches, expected {stored['batches']['committed']}"
        )
    counts = with_stored(no_counts(scenario), (commit["counts"] for commit in commits))
    summary = merge_all(commit["summary"] for commit in commits)
    found = discrepancies(scenario, context.aims, counts)
    causes = merge_causes(commit["proposed"].get("causes", {}) for commit in commits)
    named = {
        part.table.name: cause_of_cells(
            causes, part.table.name, part.within, DISTRIBUTION if part.table.name in context.cut.outer else REJECTION
        )
        for part in found
    }
    held = held_out_discrepancies(scenario, settings.size, counts)
    aggregates = aggregates_table(scenario, [*found, *held], moment_fits(scenario, context.aims, counts), named)
    write_table(run.aggregates, aggregates)
    frame = aggregates.filter(pc.invert(aggregates["held_out"])).to_pandas()
    drift, told = drift_outcome(run, scenario, settings, frame)
    outcomes = [
        judge_aggregates(scenario, frame),
        judge_volume(scenario, context.aims.zone_sizes, counts[ZONE_SIZES]),
        judge_freshness(_created_at(stored), datetime.now(UTC), settings.max_age_hours),
        *([] if drift is None else [drift]),
    ]
    total = sum(commit["records"] + commit["members"] for commit in commits)
    reads_records = full or total <= RECORDS_READ
    if reads_records:
        outcomes.append(judge_records(scenario, partition_frames(run.records, scenario)))
    else:
        outcomes.append(judge_summary(scenario, summary))
    if full or recount:
        check_recount(context.coder, run, counts)
    with replacing_files(run.expectations) as folder:
        save_suites(scenario, folder, settings)
    missed = [cell for part in found for cell in worst_cells(scenario, part, SHOWN_CELLS, missed_only=True)]
    missed.sort(key=lambda cell: -abs(float(str(cell["discrepancy"]))))
    result = _result(outcomes, missed[:SHOWN_CELLS], "records" if reads_records else "summaries", total)
    result["drift"] = told
    result["recounted"] = total if full or recount else 0
    write_json(run.validation, result)
    return result


def check_recount(coder: CellCoder, run: RunFolder, counts: Counts) -> None:
    """Refuse aggregates that differ from a full count of the records, file by file."""
    recounted = recount_frames(
        coder, ((p.name, p.root, p.members) for p in partition_frames(run.records, coder.scenario))
    )
    for name, array in counts.items():
        if (array != recounted[name]).any():
            raise CorruptionError(f"{run.records}: a full recount of {name} differs from the merged aggregates")


def _created_at(stored: dict[str, Any]) -> datetime | None:
    text = stored.get("created_at")
    return None if text is None else datetime.fromisoformat(text)


def _result(outcomes: list[SuiteOutcome], missed: list[dict[str, Any]], judged: str, total: int) -> dict[str, Any]:
    return {
        "success": all(outcome.success for outcome in outcomes),
        "judged": judged,
        "records_judged": total,
        "suites": {
            outcome.suite: {"success": outcome.success, "evaluated": outcome.evaluated, "failed": outcome.failed}
            for outcome in outcomes
        },
        "failures": [failure for outcome in outcomes for failure in outcome.as_json()["failures"]],
        "warnings": [warning for outcome in outcomes for warning in outcome.as_json()["warnings"]],
        "missed_cells": missed,
    }
