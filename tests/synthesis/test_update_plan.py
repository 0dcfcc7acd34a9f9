"""A unit's least change, on random nested scenarios whose population is the present one."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings

from schemas.model import Scenario
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, count_records, merge_counts, no_counts
from synthesis.aims import Aims, build_aims
from synthesis.discrepancy import discrepancies
from synthesis.plan import plan_values
from synthesis.scenario_changes import find_changes
from synthesis.unit_plan import plan_unit
from synthesis.units import cut_units
from synthesis.update_aims import moved_targets, retained_aims, touched_units
from synthesis.update_plan import UnitChange, change_unit
from tests.strategies import Example, compiled, nested_scenarios, rngs

SETTINGS = RunSettings(least_plan_rows=300, plan_rows=300)


def present_of(example: Example):
    """Per unit its plan rows with their records, and the counts of all."""
    scenario = example.scenario
    coder, aims, cut = compiled(scenario), build_aims(scenario, None), cut_units(scenario)
    nothing, units = no_counts(scenario), []
    counts = nothing
    for unit in cut.units:
        found = plan_unit(coder, SETTINGS, aims, unit, 1, 1.0, nothing)
        units.append((unit, found.plan, found.counts))
        counts = merge_counts(counts, counted(coder, found.plan, found.counts))
    return coder, aims, cut, units, counts


def counted(coder, plan, counts):
    rows = np.repeat(np.arange(plan.count), counts)
    return count_records(coder, plan_values(coder.scenario, coder.grids, plan.take(rows)))


def changed(coder, aims, unit, plan, counts) -> UnitChange:
    return change_unit(coder, SETTINGS, aims, unit, plan, counts, 2)


@settings(max_examples=8, deadline=None)
@given(nested_scenarios(size=120))
def test_targets_that_stay_touch_nothing(example: Example) -> None:
    coder, aims, cut, units, counts = present_of(example)
    scenario = example.scenario
    missed = moved_targets(scenario, scenario, aims, aims, counts)
    assert not any(part.any() for part in missed.values())
    assert find_changes(scenario, scenario) == []
    short = aims.zone_sizes != counts[ZONE_SIZES]
    if not short.any():
        assert touched_units(scenario, cut, aims, counts, missed) == ()
    kept = retained_aims(scenario, aims, counts, missed)
    for unit, plan, present in units:
        if short[unit.zone_array].any() or plan.count == 0:
            continue
        change = changed(coder, kept, unit, plan, present)
        assert change.retired.sum() == change.added.counts.sum() <= 1


def moved(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    """Some records of the first table's first zone moved from one cell to another."""
    table = scenario.tables[0]
    target = table.target.copy()
    flat = target[0].reshape(-1)
    giver, taker = int(np.argmax(flat)), int(rng.integers(len(flat)))
    step = np.floor(flat[giver] * 0.2)
    flat[giver] -= step
    flat[taker] += step
    return replace(scenario, tables=(replace(table, target=target), *scenario.tables[1:]))


@settings(max_examples=8, deadline=None)
@given(nested_scenarios(size=120, zoned=True), rngs)
def test_a_moved_table_is_met_and_records_add_up(example: Example, rng: np.random.Generator) -> None:
    # One table alone: others might contradict what has moved.
    only = replace(example.scenario, tables=example.scenario.tables[:1])
    coder, old, cut, units, counts = present_of(Example(only, example.population))
    after = moved(only, rng)
    new: Aims = build_aims(after, None)
    missed = moved_targets(only, after, old, new, counts)
    touched = touched_units(after, cut, new, counts, missed)
    aims, coder = retained_aims(after, new, counts, missed), replace(coder, scenario=after)
    final = no_counts(after)
    for unit, plan, present in units:
        if unit.index not in touched:
            final = merge_counts(final, counted(coder, plan, present))
            continue
        change = changed(coder, aims, unit, plan, present)
        assert (change.retired <= present).all()
        assert not (change.retired[change.source[change.source >= 0]] > 0).any()
        final = merge_counts(final, counted(coder, plan, present - change.retired))
        final = merge_counts(final, counted(coder, change.added.plan, change.added.counts))
    assert (final[ZONE_SIZES] == new.zone_sizes).all()
    assert all(part.within.all() for part in discrepancies(after, new, final))
