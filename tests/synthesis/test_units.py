"""Closed units: the finest sets of zones that no table reaches beyond."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Scenario, Variable, Zones
from synthesis.cells import unit_of_zones
from synthesis.units import closed_units
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
