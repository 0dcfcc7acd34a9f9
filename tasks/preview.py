"""A few records in memory, drawn as a run would draw them: no flow, no cluster, nothing written."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adapters.run_folder import RunFolder
from schemas.errors import RunError
from schemas.model import IntArray, Scenario
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts
from synthesis.plan import Plan
from synthesis.randomness import keyed_rng
from synthesis.records import Records, concatenate
from synthesis.sampling import draw
from synthesis.unit_plan import plan_unit, respond
from synthesis.units import Unit
from tasks.context import Context, compile_context

MAX_UNITS = 8
"""Units that are planned; where there are more, the records come from so many of them."""
ALL_ROWS, MAX_ROWS, MIN_ROWS = 24_000, 3000, 100
"""Candidate plan rows of all zones that are planned, and of one: a run takes ten times as many, for rarer cells."""
ROUND = 1


@dataclass(frozen=True, slots=True)
class Preview:
    """Records, and how many of how many units they come from."""

    records: Records
    units: int
    all_units: int
    size: int


def preview_records(scenario: Scenario, settings: RunSettings, count: int) -> Preview:
    """`count` root records at random out of those that a run would draw, at most as many as it has."""
    # A context belongs to a run; this one has none, and its folder is never touched.
    context = compile_context(RunFolder(Path()), scenario, settings)
    sizes = np.array([context.aims.zone_sizes[unit.zone_array].sum() for unit in context.units])
    rng = keyed_rng(settings.random_seed, "preview")
    wanted = _records_of_units(sizes, count, rng)
    chosen = np.flatnonzero(wanted)
    zones = sum(len(context.units[i].zones) for i in chosen)
    rows = int(np.clip(ALL_ROWS // zones, MIN_ROWS, MAX_ROWS))
    context = replace(context, settings=settings.model_copy(update={"plan_rows": rows}))
    parts = [_draw_unit(context, context.units[i], int(wanted[i]), rng) for i in chosen]
    records = concatenate(parts)
    if records.count == 0:
        raise RunError(f"{scenario.name}: the rules accept no record that was drawn")
    order = rng.permutation(records.count) if len(parts) > 1 else np.arange(records.count)
    return Preview(records.take(order), len(chosen), int((sizes > 0).sum()), int(sizes.sum()))


def _records_of_units(sizes: IntArray, count: int, rng: np.random.Generator) -> IntArray:
    """How many records each unit gives: in proportion to its size, from few of them, never more than it has."""
    few = min(MAX_UNITS, int((sizes > 0).sum()))
    chosen = np.sort(rng.choice(len(sizes), few, replace=False, p=sizes / sizes.sum()))
    given = np.zeros_like(sizes)
    given[chosen] = rng.multivariate_hypergeometric(sizes[chosen], min(count, int(sizes[chosen].sum())), method="count")
    return given


def _draw_unit(context: Context, unit: Unit, count: int, rng: np.random.Generator) -> Records:
    plan, counts = _plan_unit(context, unit)
    ends = np.cumsum(counts)
    # Positions, not repeated rows: a unit may have millions of records.
    picked = rng.choice(int(ends[-1]), min(count, int(ends[-1])), replace=False)
    rows = np.searchsorted(ends, picked, side="right")
    settings, scenario = context.settings, context.scenario
    return draw(scenario, context.coder.grids, plan, rows, rng, settings.max_redraws).records


def _plan_unit(context: Context, unit: Unit) -> tuple[Plan, IntArray]:
    """The unit's allocation for the whole of its aims, as in a run of one round.

    What other units add to the tables beyond it is not known here: its own part is what it adds anyway.
    """
    given, nothing = (context.coder, context.settings, context.aims), no_counts(context.scenario)
    part = respond(*given, context.outer, unit) if context.cut.outer else None
    found = plan_unit(*given, unit, ROUND, 1.0, nothing, context.outer, part)
    return found.plan, found.counts
