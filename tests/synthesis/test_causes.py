"""Every missed cell has the cause of the stage that lost it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import CategoryTest, Column
from schemas.model import Entity, Rule, Scenario, Variable
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts
from synthesis.aims import build_aims
from synthesis.causes import cause_of_cells, merge_causes
from synthesis.unit_plan import plan_unit
from synthesis.units import closed_units
from tests.strategies import category_axis, compiled, table

LETTER = Variable("a", "category", categories=("x", "y", "z"))
stored = st.dictionaries(
    st.sampled_from(["no support", "contradiction: a, b", "integerization"]),
    st.dictionaries(st.sampled_from(["a", "b"]), st.lists(st.integers(0, 5), max_size=3), max_size=2),
    max_size=3,
)


def causes_of(*tables: list[float], rules: tuple[Rule, ...] = (), fraction: float = 1.0) -> dict:  # type: ignore[type-arg]
    held = tuple(table(f"t{i}", [category_axis(LETTER)], target) for i, target in enumerate(tables))
    scenario = Scenario("letters", Entity("trip", (LETTER,)), held, rules=rules)
    aims, counts = build_aims(scenario, None), no_counts(scenario)
    return dict(
        plan_unit(compiled(scenario), RunSettings(), aims, closed_units(scenario)[0], 1, fraction, counts).causes
    )


def test_a_plan_that_meets_its_cells_has_no_causes_and_an_early_round_names_none() -> None:
    assert causes_of([50, 30, 20]) == {}
    assert causes_of([50, 30, 20], [50, 20, 30], fraction=0.5) == {}


def test_tables_at_odds_are_named_and_the_later_one_is_missed() -> None:
    assert causes_of([50, 30, 20], [50, 20, 30]) == {"contradiction: t0, t1": {"t1": [1, 2]}}


def test_a_cell_that_no_candidate_reaches_has_no_support() -> None:
    never = Rule("never_z", "trip", CategoryTest(Column("trip", "a"), (0, 1)))
    found = causes_of([50, 30, 20], rules=(never,))

    assert found["no support"] == {"t0": [2]}


def test_the_earliest_stage_names_a_cell_and_what_is_within_has_no_cause() -> None:
    causes = {"integerization": {"t": [0, 1, 2]}, "contradiction: a, b": {"t": [1]}, "no support": {"u": [3]}}
    within = np.array([[False, False], [True, False]])

    assert cause_of_cells(causes, "t", within, "rejection") == [
        "integerization",
        "contradiction: a, b",
        None,
        "rejection",
    ]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(stored, stored, stored)
def test_causes_merge_in_any_order(first: dict, second: dict, third: dict) -> None:  # type: ignore[type-arg]
    merged = merge_causes([merge_causes([first, second]), third])

    assert merged == merge_causes([third, merge_causes([second, first])])
    assert merge_causes([merged, merged]) == merged
