"""Units: the finest sets of zones that no inner table reaches beyond, and the tables that are outer for it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Scenario, Variable, Zones
from synthesis.cells import unit_of_zones
from synthesis.units import closed_units, cut_units, zones_of_units
from tests.strategies import category_axis, table

SEX = Variable("sex", "category", categories=("f", "m"))


def zoned(lookups: dict[str, list[int]], used: list[str | None]) -> Scenario:
    """A scenario with these levels, the first the finest, and one table per used level."""
    names = {level: tuple(f"{level}{i}" for i in range(max(units) + 1)) for level, units in lookups.items()}
    levels = {level: np.array(units) for level, units in lookups.items()}
    tables = []
    for i, level in enumerate(used):
        units = 1 if level is None else len(names[level])
        tables.append(table(f"t{i}", [category_axis(SEX)], np.ones(2 * units), zone_level=level))
    finest = next(iter(lookups))
    zones = Zones(finest, tuple(lookups), names, levels, finest)
    root = Entity("trip", (Variable(finest, "category", categories=names[finest]), SEX))
    return Scenario("zoned", root, tuple(tables), None, zones)


def slow_groups(scenario: Scenario) -> set[frozenset[int]]:
    """Zones joined, two by two, as long as some table puts two groups in one unit."""
    groups = [{zone} for zone in range(len(scenario.zones.lookup[scenario.zones.variable]))]
    for held in scenario.tables:
        units = unit_of_zones(scenario, held)
        for unit in set(units.tolist()):
            touched = [group for group in groups if any(units[zone] == unit for zone in group)]
            groups = [group for group in groups if group not in touched] + [set().union(*touched)]
    return {frozenset(group) for group in groups}


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.integers(1, 9), st.data())
def test_units_are_closed_under_every_table_and_no_larger_than_need_be(zones: int, data: st.DataObject) -> None:
    coarser = {
        level: data.draw(st.lists(st.integers(0, 3), min_size=zones, max_size=zones))
        for level in ("region", "district")
    }
    used = data.draw(st.lists(st.sampled_from(["county", "region", "district", None]), min_size=1, max_size=3))
    scenario = zoned({"county": list(range(zones)), **coarser}, used)
    units = closed_units(scenario)

    assert sorted(zone for unit in units for zone in unit.zones) == list(range(zones))
    assert {frozenset(unit.zones) for unit in units} == slow_groups(scenario)
    assert [unit.index for unit in units] == list(range(len(units)))
    assert all(list(unit.zones) == sorted(unit.zones) == unit.zone_array.tolist() for unit in units)


def test_overlapping_levels_chain_zones_together() -> None:
    scenario = zoned({"county": [0, 1, 2, 3], "region": [0, 0, 1, 2], "district": [0, 1, 1, 2]}, ["region", "district"])

    assert [unit.zones for unit in closed_units(scenario)] == [(0, 1, 2), (3,)]


def test_without_zones_there_is_one_unit() -> None:
    scenario = Scenario("whole", Entity("trip", (SEX,)), (table("sex", [category_axis(SEX)], [1, 1]),))

    assert [(unit.index, unit.zones) for unit in closed_units(scenario)] == [(0, (0,))]


levels = st.lists(st.sampled_from(["county", "region", "district", None]), min_size=1, max_size=4)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.integers(1, 9), levels, st.integers(1, 60), st.data())
def test_units_are_closed_under_inner_tables_and_bounded_unless_a_zone_alone_is_larger(
    zones: int, used: list[str | None], most: int, data: st.DataObject
) -> None:
    coarser = {
        level: data.draw(st.lists(st.integers(0, 3), min_size=zones, max_size=zones))
        for level in ("region", "district")
    }
    scenario = zoned({"county": list(range(zones)), **coarser}, used)
    cut = cut_units(scenario, max_cells=most)
    inner = [held for held in scenario.tables if held.name not in cut.outer]

    assert sorted(zones_of_units(cut.units).tolist()) == list(range(zones))
    for unit in cut.units:
        for held in inner:
            units = unit_of_zones(scenario, held)
            assert not set(units[list(unit.zones)]) & set(np.delete(units, unit.zones))
        cells = len(unit.zones) + sum(2 * len(set(unit_of_zones(scenario, t)[list(unit.zones)])) for t in inner)
        # Tables of one reach are judged one by one: the last of them may add its cells to a unit that was full.
        assert len(unit.zones) == 1 or cells <= most + 2 * len(scenario.tables)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.integers(1, 9), levels, st.data())
def test_with_room_for_all_no_table_is_outer(zones: int, used: list[str | None], data: st.DataObject) -> None:
    coarser = {
        level: data.draw(st.lists(st.integers(0, 3), min_size=zones, max_size=zones))
        for level in ("region", "district")
    }
    scenario = zoned({"county": list(range(zones)), **coarser}, used)
    cut = cut_units(scenario, max_cells=10**6)

    assert cut.outer == ()
    assert cut.units == closed_units(scenario)


def test_a_table_of_the_whole_is_outer_where_zones_are_many() -> None:
    scenario = zoned({"county": list(range(50)), "region": [i // 5 for i in range(50)]}, [None, "county", "region"])
    cut = cut_units(scenario, max_cells=40)

    assert cut.outer == ("t0",)
    assert [unit.zones for unit in cut.units] == [tuple(range(5 * i, 5 * i + 5)) for i in range(10)]
