"""A result that could not be computed is no success, whatever Great Expectations says of it."""

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from expectations.suites import volume_suite
from expectations.tallies import SuiteTally

RAISED = {"raised_exception": True, "exception_message": "no such column\nTraceback", "exception_traceback": "..."}
FINE = {"raised_exception": False, "exception_message": None, "exception_traceback": None}
UNMET = {"element_count": 3, "unexpected_count": 1, "partial_unexpected_list": [2]}


def tallied(success: bool, exception_info: Any, result: dict[str, Any] | None = None) -> list[str]:
    """The messages of the failures after one result of a suite of one expectation."""
    tally = SuiteTally(volume_suite("household"))
    (configuration,) = tally.suite.expectation_configurations
    given = {"success": success, "exception_info": exception_info, "result": result or {"element_count": 3}}
    tally.add([SimpleNamespace(expectation_config=configuration, **given)], pd.DataFrame())
    return [failure.message for failure in tally.failures()]


@pytest.mark.parametrize("success", [True, False])
@pytest.mark.parametrize(
    "info", [RAISED, {"(metric, 1)": FINE, "(metric, 2)": RAISED}], ids=["at the top", "by metric"]
)
def test_an_exception_is_a_failure_whatever_success_says(success: bool, info: Any) -> None:
    assert tallied(success, info) == ["household: volume: could not be computed: no such column"]


def test_a_result_without_an_exception_is_what_it_says() -> None:
    assert tallied(True, FINE) == []
    assert tallied(False, FINE, UNMET) == ["household: 1 zones hold another number of records than aimed at"]


def test_an_expectation_without_a_result_is_a_failure() -> None:
    (failure,) = SuiteTally(volume_suite("household")).failures()

    assert failure.message == "household: volume: was not evaluated"
