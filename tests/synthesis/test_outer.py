"""Outer tables: targets distributed over units, what a wave missed told to those that are left."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import FloatArray, Scenario, Tolerance, Zones
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, Counts, count_records, merge_counts, no_counts
from synthesis.aims import Aims, build_aims
from synthesis.outer import OuterCells, asked, inner_coder, outer_cells, spread
from synthesis.plan import plan_values
from synthesis.unit_plan import plan_unit, respond
from synthesis.units import UnitCut, cut_units
from tests.strategies import Example, compiled, nested_scenarios

SETTINGS = RunSettings(random_seed=5, plan_rows=500)


def cut_small(example: Example) -> tuple[Scenario, Aims, UnitCut, OuterCells]:
    """The scenario with a unit per county, whatever its tables reach over."""
    scenario = example.scenario
    cut = cut_units(scenario, max_cells=1)
    return scenario, build_aims(scenario, None), cut, outer_cells(scenario, cut)


def responses_of(outer: OuterCells, rng: np.random.Generator) -> list[FloatArray]:
    """What units might add, nobody's being nothing."""
    return [rng.uniform(0.5, 30.0, len(cells)) for cells in outer.of_unit]


def added(outer: OuterCells, parts: dict[int, FloatArray]) -> FloatArray:
    """The parts of all units, per outer cell."""
    total = np.zeros(outer.count)
    for unit, part in parts.items():
        np.add.at(total, outer.of_unit[unit], part)
    return total


def targets_of(outer: OuterCells, aims: Aims) -> FloatArray:
    return np.concatenate([aims.targets[table.name] for table in outer.tables])


@settings(max_examples=40, derandomize=True, deadline=None)
@given(nested_scenarios(120, zoned=True), st.integers(0, 99))
def test_parts_add_up_to_the_targets_and_keep_what_units_hold(example: Example, seed: int) -> None:
    scenario, aims, cut, outer = cut_small(example)
    if not cut.outer:
        return
    responses = responses_of(outer, np.random.default_rng(seed))
    parts = spread(outer, aims, responses, range(len(cut.units)), (), no_counts(scenario))

    assert all((part >= 0).all() for part in parts.values())
    total, target = added(outer, parts), targets_of(outer, aims)
    for table, start in zip(outer.tables, outer.starts, strict=True):
        cells = slice(start, start + table.cells)
        found = total[cells].reshape(table.units, -1)
        if table.binds == "share":
            found = found / np.maximum(found.sum(axis=1, keepdims=True), 1e-9)
        np.testing.assert_allclose(found.ravel(), target[cells], atol=1e-6)


def test_a_later_wave_is_told_what_the_first_left_over_and_no_more() -> None:
    outer, aims = four_units(target=(100, 20))
    scenario_counts = {"t": np.array([60, 2])}
    base = [np.array([30.0, 5.0])] * 4

    first = spread(outer, aims, base, (0, 1, 2), (3,), {"t": np.zeros(2, dtype=np.int64)})
    last = spread(outer, aims, base, (3,), (), scenario_counts)

    assert added(outer, first).tolist() == [75, 15]
    # 40 and 18 are left: as much as twice what the unit was meant to add (25 and 5) is asked of it.
    assert last[3].tolist() == [40, 10]


def test_waves_that_meet_their_parts_meet_the_target() -> None:
    outer, aims = four_units(target=(101, 19))
    base = [np.array([20.0, 4.0]), np.array([7.0, 2.0]), np.array([1.0, 1.0]), np.array([31.0, 3.0])]
    nothing = {"t": np.zeros(2, dtype=np.int64)}
    first = spread(outer, aims, base, (0, 2), (1, 3), nothing)
    # Records are whole: the first wave ends beside its parts.
    counted = np.floor(added(outer, first)).astype(np.int64)
    second = spread(outer, aims, base, (1, 3), (), {"t": counted})

    np.testing.assert_allclose(counted + added(outer, second), [101, 19])


def four_units(target: tuple[int, int]) -> tuple[OuterCells, Aims]:
    """Four units and one table of the whole with a universe, so that units' totals are free."""
    from schemas.expression import Compare, Constant
    from tests.strategies import category_axis, table
    from tests.synthesis.test_units import SEX

    whole = table("t", [category_axis(SEX)], target, universe=Compare(">", Constant(1), Constant(0)))
    return OuterCells((whole,), (0,), (np.array([0, 1]),) * 4), Aims(np.ones(4), {"t": np.array(target, float)}, ())


@settings(max_examples=8, derandomize=True, deadline=None)
@given(nested_scenarios(160, zoned=True))
def test_units_asked_for_their_parts_meet_the_outer_tables_together(example: Example) -> None:
    """Two waves; root tables of the whole end within a few records, as if all zones had been solved together."""
    scenario, aims, cut, outer = cut_small(example)
    if not cut.outer:
        return
    coder, total = compiled(scenario), dict(no_counts(scenario))
    responses = [respond(coder, SETTINGS, aims, outer, unit) for unit in cut.units]
    waves = [range(len(cut.units) - 1), [len(cut.units) - 1]]
    for index, wave in enumerate(waves):
        later = [unit for after in waves[index + 1 :] for unit in after]
        parts = spread(outer, aims, responses, wave, later, total)
        for unit in wave:
            total = merge_counts(total, planned_counts(coder, aims, cut, outer, unit, parts[unit]))

    assert total[ZONE_SIZES].tolist() == aims.zone_sizes.tolist()
    for table in scenario.tables:
        if table.entity == "household" and table.binds == "count":
            assert np.abs(total[table.name] - aims.targets[table.name]).max() <= 8, table.name


def planned_counts(coder, aims, cut, outer, unit, part) -> Counts:  # type: ignore[no-untyped-def]
    nothing = no_counts(coder.scenario)
    planned = plan_unit(coder, SETTINGS, aims, cut.units[unit], 1, 1.0, nothing, outer, part)
    values = plan_values(coder.scenario, coder.grids, planned.plan)
    return count_records(coder, values.take(np.repeat(np.arange(values.count), planned.counts)))


def test_a_unit_is_asked_softly_and_its_inner_tables_are_left_alone() -> None:
    example = next_zoned()
    scenario, aims, _, outer = cut_small(example)
    coder = compiled(scenario)
    part = np.arange(len(outer.of_unit[0]), dtype=float)
    told, told_aims, counts = asked(coder, aims, no_counts(scenario), outer, 0, part)

    inner = {table.name for table in inner_coder(coder, outer).scenario.tables}
    for table in told.scenario.tables:
        if table.name in inner:
            assert table is scenario.tables[[t.name for t in scenario.tables].index(table.name)]
            assert (told_aims.targets[table.name] == aims.targets[table.name]).all()
        else:
            assert table.tolerance == Tolerance("share_tvd", 0.0)
            assert not counts[table.name].any()


def next_zoned() -> Example:
    """A zoned scenario with a table of the whole."""
    from tests.synthesis.test_units import zoned

    scenario = zoned({"county": [0, 1, 2], "region": [0, 0, 1]}, ["county", None])
    assert isinstance(scenario.zones, Zones)
    return Example(replace(scenario, size=None), None)  # type: ignore[arg-type]


def test_no_outer_table_means_no_outer_cells() -> None:
    scenario = next_zoned().scenario
    outer = outer_cells(scenario, cut_units(scenario))

    assert outer.count == 0
    assert [len(cells) for cells in outer.of_unit] == [0] * len(outer.of_unit)
    with pytest.raises(IndexError):
        _ = outer.of_unit[len(outer.of_unit)]
