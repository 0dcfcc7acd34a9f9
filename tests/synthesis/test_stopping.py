"""When rounds end: early ones are left out once all is met, and what no later round could take back is counted."""

from dataclasses import replace

import numpy as np
import pytest

from schemas.model import Entity, Scenario, Variable
from synthesis.aims import build_aims
from synthesis.discrepancy import RoundFit
from synthesis.stopping import is_needless, over_corrected, stop_reason
from tests.strategies import category_axis, table

MET, MISSED = (RoundFit(0.0, 0.0, within, 4, {}) for within in (4, 3))


def test_an_early_round_is_left_out_once_everything_was_met_and_the_last_never_is() -> None:
    assert is_needless(0.08, MET)
    assert not is_needless(0.08, MISSED)
    assert not is_needless(0.08, None)
    assert not is_needless(1.0, MET)


@pytest.mark.parametrize(
    ("fit", "shortfall", "reason"),
    [(MET, 0, "every target within tolerance"), (MISSED, 0, "all records drawn"), (MET, 2, "no rounds left")],
)
def test_the_reason_says_whether_targets_or_records_are_missing(fit: RoundFit, shortfall: int, reason: str) -> None:
    assert stop_reason(fit, shortfall).startswith(reason)


def test_records_beyond_their_cells_final_aim_are_counted_in_the_worst_table() -> None:
    a, b = (Variable(name, "category", categories=("0", "1")) for name in "ab")
    tables = table("a", [category_axis(a)], [6, 4]), table("b", [category_axis(b)], [5.5, 4.5])
    shares = replace(table("c", [category_axis(a)], [0.5, 0.5]), measure="share", binds="share")
    scenario = Scenario("trips", Entity("trip", (a, b)), (*tables, shares), size=10)
    aims = build_aims(scenario, None)
    counts = {"a": np.array([7, 1]), "b": np.array([6, 2]), "c": np.array([8, 0])}

    assert over_corrected(scenario, aims, counts) == 1
    assert over_corrected(scenario, aims, counts | {"b": np.array([9, 0])}) == 3
