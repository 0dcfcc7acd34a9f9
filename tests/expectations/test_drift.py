"""Drift against the previous publication, and the age of a run."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from expectations.checkpoint import judge_drift, judge_freshness
from expectations.drift import drift_frame
from expectations.tolerance import judge_table
from schemas.model import Scenario
from schemas.settings import RunSettings

NOW = datetime(2026, 11, 1, tzinfo=UTC)
CLOSE = "expect_target_table_close_to_previous"


@pytest.fixture
def counted(aggregates: pd.DataFrame) -> pd.DataFrame:
    """The village's aggregates as the file has them: with what each table measures."""
    return aggregates.assign(measure=["count"] * 4 + ["share"] * 2)


def test_the_same_tables_have_not_drifted(village: Scenario, counted: pd.DataFrame) -> None:
    outcome = judge_drift(village, RunSettings(max_drift=0), counted, counted)

    assert (outcome.success, outcome.evaluated, outcome.warnings) == (True, 2, ())


@pytest.mark.parametrize(("on_drift", "succeeds"), [("warn", True), ("fail", False)])
def test_a_moved_share_is_named_with_both_shares(
    village: Scenario, counted: pd.DataFrame, on_drift: str, succeeds: bool
) -> None:
    before = counted.assign(synthetic=[10746, 21, 7, 0, 453, 547])
    settings = RunSettings.model_validate({"max_drift": 0.1, "on_drift": on_drift})

    outcome = judge_drift(village, settings, counted, before)

    assert outcome.success is succeeds
    (found,) = outcome.failures + outcome.warnings
    assert (found.expectation, found.table) == (CLOSE, "age")
    assert found.message == (
        "age: TVD 0.2000 from the previous publication, allowed 0.1; most at age=0-17: share 0.4530 before, 0.2530 now"
    )
    assert found.observed["tvd"] == pytest.approx(0.2)


def test_the_size_of_a_run_is_no_drift(village: Scenario, counted: pd.DataFrame) -> None:
    half = counted.assign(synthetic=counted["synthetic"] * 10)

    assert not judge_drift(village, RunSettings(max_drift=0), half, counted).warnings


def test_a_new_table_has_not_drifted_and_other_cells_have(village: Scenario, counted: pd.DataFrame) -> None:
    without = counted[counted["table"] == "tenure"]
    renamed = counted.assign(cell=counted["cell"].str.replace("age=", "age=about "))

    assert judge_drift(village, RunSettings(), counted, without).warnings == ()
    (found,) = judge_drift(village, RunSettings(), renamed, counted).warnings
    assert found.observed["tvd"] == pytest.approx(1)


def test_a_table_that_is_gone_is_named(village: Scenario, counted: pd.DataFrame) -> None:
    (found,) = judge_drift(village, RunSettings(), counted[counted["table"] == "tenure"], counted).warnings

    assert found.message.startswith("age: TVD 1.0000")


def test_means_and_quantiles_are_left_out(counted: pd.DataFrame) -> None:
    other = counted.assign(measure=["mean"] * 4 + ["share"] * 2)

    assert set(drift_frame(other, other)["table"]) == {"age"}


@pytest.mark.parametrize(
    ("hours", "limit", "said"),
    [
        (30, 48, None),
        (30, None, None),
        (50, 48, "age of the run: 50.0 h, expected at most 48 h"),
        (-2, None, "age of the run: -2.0 h, expected no limit"),
        (None, 48, "age of the run: unknown, run.json does not say when it was created"),
    ],
)
def test_a_run_too_old_or_of_unknown_age_is_told(hours: float | None, limit: float | None, said: str | None) -> None:
    created = None if hours is None else NOW - timedelta(hours=hours)

    failures = judge_freshness(created, NOW, limit).failures

    assert [failure.message for failure in failures] == ([] if said is None else [said])


def test_a_cell_is_told_in_standard_errors_where_its_margin_is_known(aggregates: pd.DataFrame) -> None:
    # Published 5,373 and aimed at 10,746: margin and error are scaled as the cells of the zone were.
    known = aggregates.assign(target=aggregates["reconciled"] / 2, moe=[16.45, None, None, None, None, None])
    known.loc[0, "synthetic"] += 30

    verdict = judge_table("tenure", known)

    worst = verdict.observed["worst_in_standard_errors"]
    assert (worst["cell"], worst["cells"]) == ("tenure=owned", 1)
    assert worst["standard_errors"] == pytest.approx(-1.5)
    assert verdict.message.endswith("at most 1.5 standard errors off")
    assert "worst_in_standard_errors" not in judge_table("age", known).observed
