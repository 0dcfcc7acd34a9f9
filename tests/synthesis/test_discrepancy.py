"""Discrepancy: + means too few; what counts as within tolerance."""

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Scenario, TargetTable, Tolerance, Variable, Zones
from synthesis.aggregates import ZONE_SIZES, count_records
from synthesis.aims import Aims, build_aims
from synthesis.discrepancy import (
    TableDiscrepancy,
    cell_name,
    discrepancies,
    fit_of,
    unit_name,
    worst_cells,
)
from tests.strategies import Example, binned_axis, category_axis, compiled, flat_scenarios, nested_scenarios, table

SEX = Variable("sex", "category", categories=("f", "m"))
AGE = binned_axis("age", 0, 5, 10)
COUNTIES = Zones("county", ("county",), {"county": ("x", "y")}, {"county": np.arange(2)}, "county")


def scenario_of(*tables: TargetTable, zones: Zones | None = None) -> Scenario:
    return Scenario("small", Entity("trip", (SEX,)), tables, None, zones)


def compare(
    held: TargetTable, aim: list[float], synthetic: list[int], fraction: float = 1.0, records: int = 100
) -> TableDiscrepancy:
    """A table of the whole, compared after `records` root records."""
    aims = Aims(np.array([records]), {held.name: np.array(aim, float)}, ())
    counts = {held.name: np.array(synthetic), ZONE_SIZES: np.array([records])}
    return discrepancies(scenario_of(held), aims, counts, fraction)[0]


def sexes(**changes: object) -> TargetTable:
    return table("sexes", [category_axis(SEX)], [0, 0], **changes)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(40), nested_scenarios(40)))
def test_the_population_that_was_counted_misses_nothing(example: Example) -> None:
    scenario = example.scenario
    counts = count_records(compiled(scenario), example.population)
    found = discrepancies(scenario, build_aims(scenario, None), counts)
    fit = fit_of(scenario, found)

    assert all(np.abs(part.discrepancy).max() < 1e-9 for part in found)
    assert (fit.max_tvd, fit.mean_tvd) == (pytest.approx(0), pytest.approx(0))
    assert fit.cells_within == fit.cells == sum(held.cells for held in scenario.tables)


def test_plus_means_that_records_are_too_few() -> None:
    found = compare(sexes(), [10, 20], [7, 25])

    assert found.discrepancy.tolist() == [[3, -5]]
    assert (found.reconciled.tolist(), found.synthetic.tolist()) == ([[10, 20]], [[7, 25]])
    assert found.within.tolist() == [[False, False]]


def test_shares_are_of_the_records_in_the_table() -> None:
    found = compare(sexes(binds="share"), [0.25, 0.75], [30, 50])

    assert found.reconciled.tolist() == [[20, 60]]
    assert found.discrepancy.tolist() == [[-10, 10]]
    assert found.tvd.tolist() == [pytest.approx(0.125)]


def test_an_early_round_is_due_its_fraction_of_counts_but_all_of_shares() -> None:
    assert compare(sexes(), [10, 20], [1, 2], 0.1).discrepancy.tolist() == [[0, 0]]
    assert compare(sexes(binds="share"), [0.25, 0.75], [1, 3], 0.1).discrepancy.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("aim", "synthetic", "allowed", "within"),
    [
        (10.0, 10, 0, True),
        (10.0, 11, 0, False),
        (10.4, 10, 0, True),
        (10.4, 11, 0, True),
        (10.4, 12, 0, False),
        (10.4, 9, 0, False),
        (10.4, 9, 1, True),
        (10.4, 13, 1, False),
        (10.0000000001, 10, 0, True),
        (9.9999999999, 10, 0, True),
        (0.0, 0, 0, True),
        (0.0, 1, 0, False),
    ],
)
def test_a_count_within_tolerance_of_either_whole_neighbour_is_within(
    aim: float, synthetic: int, allowed: int, within: bool
) -> None:
    found = compare(sexes(tolerance=Tolerance("records", allowed)), [aim, 0], [synthetic, 0])

    assert found.within.tolist() == [[within, True]]


def test_a_table_of_shares_is_within_as_a_whole_by_its_distance() -> None:
    loose = sexes(binds="share", tolerance=Tolerance("share_tvd", 0.005))

    assert compare(loose, [0.5, 0.5], [1010, 990]).within.tolist() == [[True, True]]
    assert compare(loose, [0.5, 0.5], [1011, 989]).within.tolist() == [[False, False]]


def test_shares_of_nobody_are_missed_where_there_are_records_and_fine_where_there_are_none() -> None:
    shares = sexes(binds="share", tolerance=Tolerance("share_tvd", 0.005))
    nobody, empty = (compare(shares, [0.25, 0.75], [0, 0], records=records) for records in (10, 0))

    assert (nobody.tvd.tolist(), nobody.within.tolist()) == ([1.0], [[False, False]])
    assert (nobody.discrepancy > 0).all()
    assert (empty.tvd.tolist(), empty.within.tolist()) == ([0.0], [[True, True]])


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=2), st.randoms())
def test_distance_is_between_nought_and_one_and_blind_to_the_order_of_cells(
    cells: list[tuple[int, int]], random: object
) -> None:
    (a, b), (c, d) = cells
    straight, swapped = compare(sexes(), [a, c], [b, d]), compare(sexes(), [c, a], [d, b])

    assert 0 <= straight.tvd[0] <= 1
    assert straight.tvd[0] == pytest.approx(swapped.tvd[0])
    assert straight.discrepancy.tolist() == [swapped.discrepancy[0][::-1].tolist()]
    assert np.isfinite(straight.tvd).all()


def zoned_discrepancy(synthetic: list[int], target: list[int]) -> tuple[Scenario, list[TableDiscrepancy]]:
    held = table("ages", [category_axis(SEX), AGE], np.zeros(8), zone_level="county")
    scenario = scenario_of(held, zones=COUNTIES)
    counts: Mapping[str, np.ndarray] = {"ages": np.array(synthetic), ZONE_SIZES: np.array([20, 20])}
    return scenario, discrepancies(scenario, Aims(np.zeros(2), {"ages": np.array(target, float)}, ()), counts)


def test_the_worst_cells_are_named_with_their_zone() -> None:
    scenario, (part,) = zoned_discrepancy([5, 5, 5, 5, 5, 5, 0, 5], [5, 5, 5, 5, 5, 2, 9, 5])

    assert worst_cells(scenario, part, 2) == [
        {"table": "ages", "zone": "y", "cell": "sex=m, age=[0, 5)", "target": 9, "synthetic": 0, "discrepancy": 9},
        {"table": "ages", "zone": "y", "cell": "sex=f, age=[5, 10)", "target": 2, "synthetic": 5, "discrepancy": -3},
    ]
    assert len(worst_cells(scenario, part, 5)) == 5
    assert len(worst_cells(scenario, part, 5, missed_only=True)) == 2


def test_the_fit_of_a_round_sums_up_all_units() -> None:
    scenario, found = zoned_discrepancy([5, 5, 5, 5, 0, 0, 0, 10], [5, 5, 5, 5, 0, 0, 10, 0])
    fit = fit_of(scenario, found)

    assert (fit.mean_tvd, fit.max_tvd) == (0.5, 1.0)
    assert (fit.cells_within, fit.cells) == (6, 8)
    assert fit.worst["zone"] == "y"
    assert abs(fit.worst["discrepancy"]) == 10


def test_a_table_of_the_whole_names_no_zone() -> None:
    assert unit_name(scenario_of(sexes()), sexes(), 0) is None
    assert cell_name(table("ages", [category_axis(SEX), AGE], np.zeros(4)), 3) == "sex=m, age=[5, 10)"
