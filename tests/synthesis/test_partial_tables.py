"""Tables that count some of their own classes: what they leave out is everybody minus the counts."""

import numpy as np
import pytest

from schemas.expression import CategoryTest, Column
from schemas.model import Entity, Scenario, TargetTable, Variable, Zones
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, count_records, no_counts
from synthesis.aims import build_aims
from synthesis.cells import TableCells
from synthesis.partial_tables import completed, expected_records
from synthesis.plan import plan_values
from synthesis.unit_plan import plan_unit
from synthesis.units import cut_units
from tests.strategies import binned_axis, category_axis, compiled, table

TAZ = Variable("taz", "category", categories=("town", "campus"))
SIZE = Variable("np", "integer", low=1, high=7, prior_weights=(1, 1, 1, 1, 0.5, 0.25, 0.125))
STUDENT = Variable("student", "category", categories=("family", "nonfamily", "other"))
ZONES = Zones("taz", ("taz",), {"taz": TAZ.categories}, {"taz": np.arange(2)}, "taz")
STUDENTS = CategoryTest(Column("person", "student"), (0, 1))


def homes(students: object, sizes: object = ((10, 10, 0, 0), (0, 0, 0, 40)), **changes: object) -> Scenario:
    """Two zones, households by size and students among their members."""
    person = Entity("person", (STUDENT,), (), "household", "np")
    tables = (
        table("np", [binned_axis("np", 1, 2, 3, 4, 8)], sizes, "household", zone_level="taz"),
        table("student", [category_axis(STUDENT)], students, "person", zone_level="taz", **changes),
    )
    return Scenario("homes", Entity("household", (TAZ, SIZE)), tables, person, ZONES)


def filled(scenario: Scenario) -> TargetTable:
    coder = compiled(scenario)
    found: TableCells = completed(coder, coder.tables[1], expected_records(coder, "person"))
    return found.table


def test_members_outside_the_counted_classes_are_all_members_minus_the_counts() -> None:
    students = filled(homes([[3, 2, 0], [50, 50, 0]], universe=STUDENTS))
    large = (4 + 5 / 2 + 6 / 4 + 7 / 8) / (1 + 1 / 2 + 1 / 4 + 1 / 8)

    assert students.universe is None
    assert students.target[0].tolist() == [3, 2, pytest.approx(30 - 5)]
    assert students.target[1, 2] == pytest.approx(40 * large - 100, rel=0.05)


def test_more_counted_than_there_can_be_leave_a_few_uncounted() -> None:
    students = filled(homes([[40, 0, 0], [0, 0, 0]], universe=STUDENTS))

    assert students.target[0, 2] == pytest.approx(0.3)
    assert students.target[1, :2].sum() == 0


def test_a_table_of_everybody_or_of_another_universe_stays_as_it_is() -> None:
    everybody = homes([[3, 2, 5], [50, 50, 7]])
    of_others = homes([[3, 2, 0], [5, 5, 0]], universe=CategoryTest(Column("household", "taz"), (0,)))

    for scenario in (everybody, of_others):
        assert (filled(scenario).target == scenario.tables[1].target).all()


def test_large_households_of_a_zone_without_students_find_candidates() -> None:
    """With members drawn evenly, one household of seven in two thousand has no student."""
    scenario = homes([[3, 2, 0], [0, 0, 0]], [[10, 10, 0, 0], [1, 1, 0, 40]], universe=STUDENTS)
    coder, aims = compiled(scenario), build_aims(scenario, None)
    unit = cut_units(scenario).units[1]
    planned = plan_unit(coder, RunSettings(), aims, unit, 1, 1.0, no_counts(scenario))
    values = plan_values(scenario, coder.grids, planned.plan)
    counts = count_records(coder, values.take(np.repeat(np.arange(values.count), planned.counts)))

    assert planned.missed < 0.01
    assert counts["np"][4:].tolist() == [1, 1, 0, 40]
    assert counts["student"][3:5].tolist() == [0, 0]
    assert counts[ZONE_SIZES].tolist() == [0, 42]
