"""When rounds end: early ones are left out once all is met, and what no later round could take back is counted."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Scenario, Variable
from schemas.settings import RunSettings
from synthesis.aggregates import count_records, merge_counts, no_counts
from synthesis.aims import build_aims
from synthesis.sampling import draw
from synthesis.stopping import is_needless, over_corrected, stop_reason
from synthesis.unit_plan import plan_unit
from synthesis.units import closed_units
from tests.strategies import Example, category_axis, compiled, flat_scenarios, nested_scenarios, table


def test_an_early_round_is_left_out_once_everything_was_met_and_the_last_never_is() -> None:
    assert is_needless(0.08, True)
    assert not is_needless(0.08, False)
    assert not is_needless(1.0, True)


@pytest.mark.parametrize(
    ("is_met", "shortfall", "reason"),
    [(True, 0, "every target within tolerance"), (False, 0, "all records drawn"), (True, 2, "no rounds left")],
)
def test_the_reason_says_whether_targets_or_records_are_missing(is_met: bool, shortfall: int, reason: str) -> None:
    assert stop_reason(is_met, shortfall).startswith(reason)


def test_records_beyond_their_cells_final_aim_are_counted_in_the_worst_table() -> None:
    a, b = (Variable(name, "category", categories=("0", "1")) for name in "ab")
    tables = table("a", [category_axis(a)], [6, 4]), table("b", [category_axis(b)], [5.5, 4.5])
    shares = replace(table("c", [category_axis(a)], [0.5, 0.5]), measure="share", binds="share")
    scenario = Scenario("trips", Entity("trip", (a, b)), (*tables, shares), size=10)
    aims = build_aims(scenario, None)
    counts = {"a": np.array([7, 1]), "b": np.array([6, 2]), "c": np.array([8, 0])}

    assert over_corrected(scenario, aims, counts) == 1
    assert over_corrected(scenario, aims, counts | {"b": np.array([9, 0])}) == 3


@settings(max_examples=10, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(150), nested_scenarios(100)), st.sampled_from([0.04, 0.3]))
def test_an_early_round_adds_no_more_to_a_cell_than_it_is_to_hold_in_the_end(example: Example, fraction: float) -> None:
    scenario, coder = example.scenario, compiled(example.scenario)
    aims, counts = build_aims(scenario, None), no_counts(scenario)
    for unit in closed_units(scenario):
        planned = plan_unit(coder, RunSettings(), aims, unit, 1, fraction, no_counts(scenario))
        rows = np.repeat(np.arange(planned.plan.count), planned.counts)
        drawn = draw(scenario, coder.grids, planned.plan, rows, np.random.default_rng(0), 200)
        counts = merge_counts(counts, count_records(coder, drawn.records))

    assert over_corrected(scenario, aims, counts) == 0
