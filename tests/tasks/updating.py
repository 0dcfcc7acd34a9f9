"""Runs and updates without Prefect: what the flows do, batch after batch in this process."""

from pathlib import Path

import numpy as np

from adapters.run_folder import RunFolder
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES
from synthesis.batching import cut_batches, plan_rounds
from synthesis.outer import moved_parts
from synthesis.units import zones_of_units
from synthesis.update_aims import outer_units, unit_growth
from synthesis.update_batches import cut_update, cut_waves, partition_groups
from tasks.batch import synthesize_batch
from tasks.merge import Merged, merge_batches, nothing_merged
from tasks.open_update import Opened, open_folder
from tasks.prepare import open_run
from tasks.publish import publish
from tasks.update_batch import update_batch
from tasks.update_stages import (
    add_counts,
    held_outer,
    inherit_untouched,
    keep_lineage,
    merge_update,
    repair_update,
    tell_batches,
)


def run_here(folder: Path, out: Path, settings: RunSettings) -> RunFolder:
    """A published run of a scenario whose tables lie within its units."""
    context = open_run(folder, out, settings)
    merged, first = nothing_merged(context), 1
    for this in plan_rounds(settings, context.aims, context.cut):
        context.run.write_counts(this.index, dict(merged.counts))
        at = merged.counts[ZONE_SIZES], this.index, this.fraction, first
        batches = cut_batches(context.scenario, settings, context.aims, this.units, *at)
        for spec in batches:
            synthesize_batch(str(context.run.root), context.scenario.fingerprint, settings, spec)
        merged, first = merge_batches(context, merged, batches, zones_of_units(())), first + len(batches)
    return finish(context.run, merged)


def finish(run: RunFolder, merged: Merged) -> RunFolder:
    """Publish, and say so."""
    publish.fn(run, merged.commits)
    run.write_run({**run.read_run(), "status": "published", "batches": {"committed": len(merged.commits)}})
    run.clear_staging()
    return run


def update_here(base: RunFolder, folder: Path, out: Path) -> tuple[Opened, Merged]:
    """A published update."""
    opened = open_folder(base.root, folder, out, RunSettings())
    context, counts = opened.context, opened.counts
    repair_update.fn(opened)
    aside = outer_units(context.scenario, context.cut, opened.missed)
    held = held_outer.fn(opened) if context.cut.outer else []

    def parts_of(units: list[int]) -> dict[int, np.ndarray]:
        growth = unit_growth(context.cut, context.aims, opened.counts)
        given = context.outer, context.aims, held, growth, units, opened.missed, counts
        return moved_parts(*given) if context.cut.outer else {}

    parts = parts_of(sorted({*opened.touched, *aside}))
    touched = sorted({*opened.touched, *(u for u in aside if (np.abs(parts[u] - held[u]) >= 1).any())})
    inherit_untouched.fn(opened, touched)
    batches = []
    waves = cut_waves(partition_groups(context.scenario, [context.units[i] for i in touched]), bool(aside))
    for number, wave in enumerate(waves):
        if number:
            parts = parts_of(sorted(unit.index for group in wave for unit in group))
        index, first = opened.first_round + number, opened.first_batch + len(batches)
        tell_batches.fn(opened, index, parts)
        new = cut_update(context.scenario, context.settings, wave, context.aims, index, first)
        given = str(context.run.root), context.scenario.fingerprint, context.settings, str(base.root)
        for spec in new:
            update_batch(*given, spec)
        batches += new
        if number + 1 < len(waves):
            counts = add_counts.fn(opened, counts, new)
    merged = merge_update.fn(opened, batches)
    keep_lineage.fn(opened, batches)
    finish(context.run, merged)
    return opened, merged
