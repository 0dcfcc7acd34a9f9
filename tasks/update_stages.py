"""What an update does around its batches: keep what is not touched, tell the batches their aims, merge, lineage."""

from collections.abc import Mapping, Sequence

import numpy as np
from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.aggregates_file import write_aggregates
from adapters.base_run import dataset_digests
from adapters.batch_writer import batch_partitions, files_of_batch
from adapters.dataset import read_commits
from adapters.inheritance import inherit
from adapters.manifest import damaged_files
from adapters.partitions import BatchFiles, batch_files, read_commit, verify_digest
from adapters.repair import withdraw_damaged, withdraw_publication
from adapters.update_files import Update, write_update
from adapters.update_lineage import merge_lineage, read_present
from schemas.batch import BatchSpec
from schemas.model import FloatArray
from synthesis.aggregates import Counts, dense_counts, merge_counts, no_counts
from synthesis.discrepancy import discrepancies, fit_of
from synthesis.diversity import EMPTY as NO_SKETCH
from synthesis.diversity import merge_sketches
from synthesis.held_out import held_out_discrepancies
from synthesis.moment_fit import moment_fits
from synthesis.outer import held_in_outer
from synthesis.plan import plan_values
from synthesis.stopping import over_corrected
from synthesis.summaries import EMPTY, merge_summaries
from synthesis.units import zones_of_units
from synthesis.update_aims import retained_aims
from tasks.merge import Merged
from tasks.open_update import Opened


@task(name="repair-update", cache_policy=NO_CACHE)
def repair_update(opened: Opened) -> list[str]:
    """What was found damaged, in words; batches with a damaged file are withdrawn, so that they are made again."""
    run, scenario = opened.context.run, opened.context.scenario
    if not run.has_publication():
        return withdraw_damaged(run, scenario, opened.first_batch)
    damaged = damaged_files(run)
    if damaged:
        withdraw_publication(run)
        withdraw_damaged(run, scenario, opened.first_batch)
    return [f"{run.root / name}: missing or altered since it was published" for name in damaged]


@task(name="inherit", cache_policy=NO_CACHE)
def inherit_untouched(opened: Opened, units: Sequence[int]) -> dict[str, int]:
    """Stage the base's files of partitions that no unit of `units` lies in; how many files and partitions."""
    context, digests = opened.context, dataset_digests(opened.base)
    touched = folders_of(opened, units)
    files = inherit(context.run, opened.base, digests, touched)
    folders = {name.split("/", 1)[1].rpartition("/")[0] for name in digests}
    return {"files": files, "partitions": len(folders - touched), "touched_partitions": len(touched)}


def folders_of(opened: Opened, units: Sequence[int]) -> set[str]:
    """The partitions that the units lie in."""
    if not units:
        return set()
    zones = zones_of_units([opened.context.units[i] for i in units])
    scenario = opened.context.scenario
    return set(batch_files(scenario, 0, batch_partitions(scenario, zones)).partitions)


@task(name="held-outer", cache_policy=NO_CACHE)
def held_outer(opened: Opened) -> list[FloatArray]:
    """What each unit holds in the cells of tables that reach beyond it."""
    context = opened.context
    present = read_present(opened.base, context.scenario, context.coder.grids)
    values = plan_values(context.scenario, context.coder.grids, present.plan)
    return list(held_in_outer(context.coder, context.outer, context.units, values, present.counts))


@task(name="aims", cache_policy=NO_CACHE)
def tell_batches(opened: Opened, round_index: int, parts: Mapping[int, FloatArray]) -> None:
    """Keep for the workers what there is to be in the end: new targets where they moved, what is there elsewhere."""
    context = opened.context
    aims = retained_aims(context.scenario, context.aims, opened.counts, opened.missed)
    write_update(context.run, round_index, Update(aims.targets, parts))


@task(name="add-counts", cache_policy=NO_CACHE)
def add_counts(opened: Opened, counts: Counts, batches: Sequence[BatchSpec]) -> Counts:
    """The counts with what the batches added and retired."""
    run, scenario = opened.context.run, opened.context.scenario
    for spec in batches:
        commit = read_commit(run.records, _files(opened, spec))
        assert commit is not None, "its receipt has been taken"
        counts = merge_counts(counts, dense_counts(scenario, commit["counts"]))
    return counts


def _files(opened: Opened, spec: BatchSpec) -> BatchFiles:
    zones = np.sort(zones_of_units([opened.context.units[i] for i in spec.units]))
    return files_of_batch(opened.context.scenario, spec, zones)


@task(name="merge-update", cache_policy=NO_CACHE)
def merge_update(opened: Opened, batches: Sequence[BatchSpec]) -> Merged:
    """Everything that is staged: what was inherited and what the update's batches changed."""
    context = opened.context
    run, scenario = context.run, context.scenario
    commits = read_commits(run.records, scenario)
    kept = dataset_digests(opened.base)
    for spec in batches:
        path = run.records / _files(opened, spec).commit
        verify_digest(path, run.read_digest(spec.batch_id), spec.batch_id)
    counts, summary, sketch, merged = no_counts(scenario), EMPTY, NO_SKETCH, []
    for commit in commits:
        counts = merge_counts(counts, dense_counts(scenario, commit.pop("counts")))
        summary = merge_summaries(summary, commit.pop("summary"))
        sketch = merge_sketches(sketch, commit.pop("diversity"))
        digest = kept.get(commit["file"]) or run.read_digest(commit["batch_id"])
        merged.append({**commit, "file_digest": digest})
    found = discrepancies(scenario, context.aims, counts)
    moments = moment_fits(scenario, context.aims, counts)
    held = held_out_discrepancies(scenario, context.settings.size, counts)
    write_aggregates(run.aggregates, scenario, [*found, *held], moments)
    fit, beyond = fit_of(scenario, found, None), over_corrected(scenario, context.aims, counts)
    is_met = fit.cells_within == fit.cells and all(moment.within.all() for moment in moments)
    return Merged(counts, summary, tuple(merged), sketch, fit, is_met, beyond)


@task(name="lineage", cache_policy=NO_CACHE)
def keep_lineage(opened: Opened, batches: Sequence[BatchSpec]) -> None:
    """plan.parquet, proposals.jsonl and retired.parquet, of base and update."""
    run = opened.context.run
    merge_lineage(run, opened.base, opened.context.scenario, [spec.batch_id for spec in batches])
