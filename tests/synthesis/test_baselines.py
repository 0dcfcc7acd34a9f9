"""Baselines: exact where tables suffice, and a sentence that says what a proposer added."""

from dataclasses import replace

import pytest

from schemas.expression import CategoryTest, Column
from schemas.model import Axis, Entity, Rule, Scenario, Variable
from synthesis.aggregates import ZONE_SIZES, no_counts
from synthesis.aims import build_aims
from synthesis.baselines import Baselines, Comparison, compare_baselines, describe_baselines, state_gain
from synthesis.discrepancy import discrepancies
from synthesis.held_out import held_out_discrepancies, hold_out
from tests.strategies import table

LABELS = ("x", "y")
A, B, C = (Axis(name, LABELS) for name in "abc")
TRIP = Entity("trip", tuple(Variable(name, "category", categories=LABELS) for name in "abc"))


def compared(scenario: Scenario, *held_out: str) -> Baselines:
    """The baselines of a run that drew exactly what the tables count."""
    apart = hold_out(scenario, held_out)
    counts = no_counts(apart)
    for one in scenario.tables:
        counts[one.name] = one.target.ravel().astype(int)
    counts[ZONE_SIZES][:] = 1000
    found = discrepancies(apart, build_aims(apart, None), counts)
    return compare_baselines(apart, found, held_out_discrepancies(apart, None, counts), 3)


def of(baselines: Baselines, name: str) -> Comparison:
    return next(one for one in baselines.tables if one.table == name)


def test_raking_reproduces_the_tables_used_and_independence_does_not() -> None:
    joint = table("ab", [A, B], [400, 100, 100, 400])
    found = of(compared(Scenario("trips", TRIP, (joint, table("c", [C], [300, 700])))), "ab")

    assert found.ipf < 1e-6
    assert found.offline < 1e-6
    assert found.run == 0
    assert abs(found.independence - 0.3) < 3 * found.noise


def test_what_follows_from_two_tables_is_known_to_the_offline_proposer() -> None:
    ab, bc = table("ab", [A, B], [400, 100, 100, 400]), table("bc", [B, C], [400, 100, 100, 400])
    ac = table("ac", [A, C], [340, 160, 160, 340])
    baselines = compared(Scenario("trips", TRIP, (ab, bc, ac)), "ac")
    found = of(baselines, "ac")

    assert found.is_held_out
    assert found.offline < 4 * found.noise
    assert found.ipf < 4 * found.noise
    assert abs(found.independence - 0.18) < 4 * found.noise
    assert compared(Scenario("trips", TRIP, (ab, bc, ac)), "ac") == baselines


def test_a_baseline_knows_neither_rules_nor_tables_that_are_held_out() -> None:
    rule = Rule("same", "trip", CategoryTest(Column("trip", "b"), (0,)), CategoryTest(Column("trip", "a"), (0,)))
    margins = table("a", [A], [500, 500]), table("b", [B], [500, 500]), table("ab", [A, B], [500, 0, 0, 500])
    found = of(compared(Scenario("trips", TRIP, margins, rules=(rule,)), "ab"), "ab")

    assert found.offline < 1e-6, "the rule and the margins leave one joint"
    assert abs(found.ipf - 0.5) < 4 * found.noise


COMPARISON = Comparison("ac", True, run=0.05, independence=0.2, ipf=0.15, offline=0.1, noise=0.01)


@pytest.mark.parametrize(
    ("proposer", "run", "told"),
    [
        ("offline", 0.05, "the best baseline (IPF) at 0.1500: the offline proposer added 0.1000."),
        ("anthropic", 0.05, "the best baseline (the offline proposer) at 0.1000: the anthropic proposer added 0.0500."),
        ("anthropic", 0.095, "the anthropic proposer added nothing beyond the noise of 0.0100."),
        ("anthropic", 0.3, "the anthropic proposer lost 0.2000."),
    ],
)
def test_the_gain_is_stated_against_the_best_rival(proposer: str, run: float, told: str) -> None:
    assert state_gain(Baselines((replace(COMPARISON, run=run),), 100), proposer).endswith(told)


def test_without_a_table_held_out_no_gain_is_claimed() -> None:
    described = describe_baselines(Baselines((replace(COMPARISON, is_held_out=False),), 100), "anthropic")
    assert described["statement"].startswith("No table was held out")
    assert described["tables"][0]["ipf"] == 0.15
