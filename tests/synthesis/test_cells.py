"""Cells: every record falls where a slow loop over records, axes and bins puts it."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Scenario, TargetTable, Variable
from synthesis.cells import cell_ids, unit_of_zones
from synthesis.evaluation import holds
from synthesis.records import Records
from tests.strategies import Example, binned_axis, compiled, flat_scenarios, nested_scenarios, table


def slow_cells(scenario: Scenario, held: TargetTable, records: Records) -> list[int]:
    """The flat cell of each record, one by one."""
    of_members = held.entity != scenario.root.name
    inside = [True] * (records.member_count if of_members else records.count)
    if held.universe is not None:
        inside = holds(held.universe, records, of_members).tolist()
    return [_slow_cell(scenario, held, records, row, of_members) if fine else -1 for row, fine in enumerate(inside)]


def _slow_cell(scenario: Scenario, held: TargetTable, records: Records, row: int, of_members: bool) -> int:
    root_row = int(records.parent[row]) if of_members else row
    cell = 0
    if held.zone_level is not None:
        cell = int(scenario.zones.lookup[held.zone_level][records.root[scenario.zones.variable][root_row]])
    for axis in held.axes:
        is_own = of_members and axis.variable in records.members
        value = records.members[axis.variable][row] if is_own else records.root[axis.variable][root_row]
        if axis.lows is None:
            bins = [int(value)]
        else:
            bins = [i for i in range(len(axis)) if axis.lows[i] <= value < axis.highs[i]]
        if not bins:
            return -1
        cell = cell * len(axis) + bins[0]
    return cell


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(40), nested_scenarios(40)))
def test_every_record_falls_into_the_cell_that_a_slow_loop_finds(example: Example) -> None:
    scenario, population = example.scenario, example.population
    found = cell_ids(compiled(scenario), population)

    assert list(found) == [held.name for held in scenario.tables]
    for held in scenario.tables:
        assert found[held.name].tolist() == slow_cells(scenario, held, population)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(40), nested_scenarios(40)), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_change_their_cells(example: Example, random: object) -> None:
    population = example.population
    rows = np.random.default_rng(random.randrange(2**32)).permutation(population.count)
    coder = compiled(example.scenario)
    before, after = cell_ids(coder, population), cell_ids(coder, population.take(rows))

    for held in example.scenario.tables:
        if held.entity == example.scenario.root.name:
            assert after[held.name].tolist() == before[held.name][rows].tolist()
        assert sorted(after[held.name].tolist()) == sorted(before[held.name].tolist())


def test_a_value_without_a_bin_leaves_the_record_out_of_that_table_only() -> None:
    variables = (Variable("age", "integer", low=0, high=99), Variable("sex", "category", categories=("f", "m")))
    partial = table("partial", [binned_axis("age", 16, 65, 100)], [1, 1])
    whole = table("whole", [binned_axis("age", 0, 16, 100)], [1, 1])
    records = Records(4, {"age": np.array([15, 16, 64, 99]), "sex": np.zeros(4, dtype=np.int8)})
    found = cell_ids(compiled(Scenario("ages", Entity("trip", variables), (partial, whole))), records)

    assert found["partial"].tolist() == [-1, 0, 0, 1]
    assert found["whole"].tolist() == [0, 1, 1, 1]


@settings(max_examples=10, derandomize=True, deadline=None)
@given(nested_scenarios(20, zoned=True))
def test_a_table_of_the_whole_has_one_unit_and_a_zoned_one_its_levels(example: Example) -> None:
    scenario = example.scenario
    counties = len(scenario.zones.names["county"])
    whole, by_region = (replace(scenario.tables[0], zone_level=level) for level in (None, "region"))

    assert unit_of_zones(scenario, whole).tolist() == [0] * counties
    assert unit_of_zones(scenario, by_region).tolist() == [i % 2 for i in range(counties)]
    assert unit_of_zones(scenario, scenario.tables[0]).tolist() == list(range(counties))
