"""Target tables: what is within tolerance passes, and a miss is told with its worst cell."""

import pandas as pd
import pytest

from expectations.checkpoint import judge_aggregates
from expectations.tolerance import judge_table
from schemas.model import Scenario

WITHIN = "expect_target_table_within_tolerance"


def with_synthetic(aggregates: pd.DataFrame, **counts: int) -> pd.DataFrame:
    """The aggregates with synthetic counts replaced, by row (`row3=5`)."""
    changed = aggregates.copy()
    for row, count in counts.items():
        changed.loc[int(row.removeprefix("row")), "synthetic"] = count
    return changed


def test_tables_within_their_tolerance_pass(village: Scenario, aggregates: pd.DataFrame) -> None:
    outcome = judge_aggregates(village, aggregates)

    assert outcome.success
    assert (outcome.suite, outcome.evaluated, outcome.failed) == ("aggregates", 2, 0)


def test_a_missed_cell_is_named_with_aim_and_count(village: Scenario, aggregates: pd.DataFrame) -> None:
    (failure,) = judge_aggregates(village, with_synthetic(aggregates, row0=10750, row2=6)).failures

    assert (failure.expectation, failure.table) == (WITHIN, "tenure")
    assert failure.message == (
        "tenure: 2 of 4 cells missed; worst county=50001, tenure=owned: aimed 10746, synthetic 10750 (4 too many)"
    )
    assert failure.observed["cells_missed"] == 2
    assert failure.observed["worst_cell"]["discrepancy"] == -4


def test_a_shifted_share_is_named_with_its_distance(village: Scenario, aggregates: pd.DataFrame) -> None:
    (failure,) = judge_aggregates(village, with_synthetic(aggregates, row4=260, row5=740)).failures

    assert failure.table == "age"
    assert failure.observed["worst_tvd"] == pytest.approx(0.01)
    assert failure.message.startswith(
        "age: TVD of shares 0.01, tolerance 0.005; furthest off age=0-17: aimed share 0.25"
    )


def test_the_column_within_is_not_trusted(village: Scenario, aggregates: pd.DataFrame) -> None:
    lying = with_synthetic(aggregates, row3=1).assign(within=True)

    assert judge_aggregates(village, lying).failed == 1


def test_lost_rows_are_a_failure(village: Scenario, aggregates: pd.DataFrame) -> None:
    lost_cell, lost_table = aggregates.drop(index=3), aggregates[aggregates["table"] == "tenure"]

    assert judge_aggregates(village, lost_cell).failures[0].message == "tenure: 3 cells found, expected 4"
    assert judge_aggregates(village, lost_table).failures[0].message == "age: 0 cells found, expected 2"


def test_what_cannot_be_computed_is_a_failure(village: Scenario, aggregates: pd.DataFrame) -> None:
    outcome = judge_aggregates(village, aggregates.drop(columns="tolerance"))

    assert outcome.failed == 2
    assert outcome.failures[0].message == "tenure: tolerance: could not be computed: 'tolerance'"


@pytest.mark.parametrize(("synthetic", "is_within"), [(19, False), (20, True), (21, True), (22, False)])
def test_a_fractional_aim_is_met_by_either_neighbour(aggregates: pd.DataFrame, synthetic: int, is_within: bool) -> None:
    assert judge_table("tenure", with_synthetic(aggregates, row1=synthetic)).is_within is is_within


def test_a_tolerance_in_records_allows_so_many(aggregates: pd.DataFrame) -> None:
    loose = with_synthetic(aggregates, row0=10750).assign(tolerance=4.0)
    assert judge_table("tenure", loose).is_within

    verdict = judge_table("tenure", loose.assign(tolerance=3.0))
    assert "1 of 4 cells missed by more than 3; worst county=50001" in verdict.message


def test_shares_are_judged_zone_by_zone(aggregates: pd.DataFrame) -> None:
    zones = aggregates.assign(tolerance_kind="share_tvd", tolerance=0.005)
    verdict = judge_table("tenure", with_synthetic(zones, row2=6, row3=1))

    assert verdict.observed["zones_missed"] == 1
    assert verdict.message.startswith("tenure: 1 of 2 zones missed; worst county=50003: TVD of shares 0.14286")


def test_a_zone_without_records_misses_its_shares(aggregates: pd.DataFrame) -> None:
    zones = aggregates.assign(tolerance_kind="share_tvd", tolerance=0.5)
    verdict = judge_table("tenure", with_synthetic(zones, row2=0))

    assert verdict.observed["worst_tvd"] == 1.0
    assert not verdict.is_within


@pytest.mark.parametrize("kind", [None, "percent"])
def test_an_unknown_tolerance_is_never_met(aggregates: pd.DataFrame, kind: str | None) -> None:
    assert not judge_table("tenure", aggregates.assign(tolerance_kind=kind)).is_within


def test_a_cell_without_a_count_is_missed(aggregates: pd.DataFrame) -> None:
    verdict = judge_table("tenure", aggregates.assign(synthetic=[10746, None, 7, 0, 253, 747]))

    assert verdict.observed["cells_missed"] == 1
    assert verdict.message.endswith("worst county=50001, tenure=rented: aimed 20.4, synthetic unknown (unknown)")
