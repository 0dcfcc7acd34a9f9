"""Merging the batches of a round: their footers only, nothing that was counted before is read again."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.aggregates_file import write_aggregates
from adapters.batch_writer import files_of_batch
from adapters.partitions import read_commit, verify_commit, verify_digest
from schemas.batch import BatchSpec
from schemas.errors import BatchError
from schemas.model import IntArray
from synthesis import diversity
from synthesis.aggregates import ZONE_SIZES, Counts, no_counts, with_stored
from synthesis.discrepancy import RoundFit, discrepancies, fit_of
from synthesis.diversity import Sketch, merge_sketches
from synthesis.held_out import held_out_discrepancies
from synthesis.moment_fit import moment_fits
from synthesis.stopping import over_corrected
from synthesis.summaries import EMPTY, Summary, merge_all
from tasks.batch import zones_of
from tasks.context import Context


@dataclass(frozen=True, slots=True)
class Merged:
    """Everything committed so far."""

    counts: Counts
    summary: Summary
    commits: tuple[dict[str, Any], ...]
    sketch: Sketch
    fit: RoundFit | None = None
    is_met: bool = False
    over_corrected: int = 0


def nothing_merged(context: Context) -> Merged:
    """The empty value of the merge."""
    return Merged(no_counts(context.scenario), EMPTY, (), diversity.EMPTY)


@task(name="merge", cache_policy=NO_CACHE, task_run_name="merge-round-{round_index}")
def merge_round(
    context: Context, merged: Merged, batches: tuple[BatchSpec, ...], round_index: int, pending: IntArray
) -> Merged:
    """The aggregates with the new batches added; the zones `pending` are for later rounds."""
    return merge_batches(context, merged, batches, pending)


def merge_batches(
    context: Context, merged: Merged, batches: tuple[BatchSpec, ...], pending: IntArray | None = None
) -> Merged:
    """As `merge_round`, without Prefect."""
    committed = context.run.read_counts(batches[0].round)[ZONE_SIZES] if batches else np.zeros(0, dtype=np.int64)
    commits, stored = list(merged.commits), []
    for spec in batches:
        files = files_of_batch(context.scenario, spec, zones_of(context, spec, committed))
        commit = read_commit(context.run.records, files)
        if commit is None:
            raise BatchError(f"batch {spec.batch_id} of round {spec.round} is not committed")
        digest = context.run.read_digest(spec.batch_id)
        verify_digest(context.run.records / files.commit, digest, spec.batch_id)
        verify_commit(context.run.records, files, commit)
        stored.append((commit.pop("counts"), commit.pop("summary"), commit.pop("diversity")))
        commits.append({**commit, "file": files.commit, "file_digest": digest})
    counts = with_stored(merged.counts, (of_batch for of_batch, _, _ in stored))
    summary = merge_all([merged.summary, *(of_batch for _, of_batch, _ in stored)])
    sketch = merge_sketches(merged.sketch, *(of_batch for _, _, of_batch in stored))
    fraction = batches[0].fraction if batches else 1.0
    found = discrepancies(context.scenario, context.aims, counts, fraction)
    moments = moment_fits(context.scenario, context.aims, counts, fraction)
    held = held_out_discrepancies(context.scenario, context.settings.size, counts)
    write_aggregates(context.run.aggregates, context.scenario, [*found, *held], moments)
    fit, beyond = fit_of(context.scenario, found, pending), over_corrected(context.scenario, context.aims, counts)
    is_met = fit.cells_within == fit.cells and all(moment.within.all() for moment in moments)
    return Merged(counts, summary, tuple(commits), sketch, fit, is_met, beyond)
