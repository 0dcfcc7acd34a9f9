"""Evidence classes of pairs, and bounds that hold."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings

from schemas.expression import CategoryTest, Column
from schemas.model import Axis, Entity, Rule, Scenario, Variable
from synthesis.evidence import describe_evidence, judge_pairs
from synthesis.evidence_bounds import cramers_v
from synthesis.spaces import build_spaces
from tests.strategies import Example, compiled, flat_scenarios, table

NAMES, LABELS = ("a", "b", "c", "d"), ("x", "y")


def trips(*joints: object, rules: tuple[Rule, ...] = ()) -> Scenario:
    """Tables over neighbours in a chain a, b, c, d."""
    trip = Entity("trip", tuple(Variable(name, "category", categories=LABELS) for name in NAMES))
    tables = [
        table(f"{one}_{other}", [Axis(one, LABELS), Axis(other, LABELS)], values)
        for (one, other), values in zip(pairwise(NAMES), joints, strict=False)
    ]
    return Scenario("trips", trip, tuple(tables), rules=rules)


def evidence(scenario: Scenario) -> dict[tuple[str, str], object]:
    pairs = judge_pairs(scenario, build_spaces(compiled(scenario)))
    return {(pair.one[1], pair.other[1]): pair for pair in pairs}


def test_classes_follow_the_tables() -> None:
    found = evidence(trips([[4, 1], [1, 4]], [[4, 1], [1, 4]]))

    assert {pair: held.evidence for pair, held in found.items()} == {
        ("a", "b"): "controlled",
        ("b", "c"): "controlled",
        ("a", "c"): "implied",
        ("a", "d"): "prior only",
        ("b", "d"): "prior only",
        ("c", "d"): "prior only",
    }
    assert found["a", "c"].through == ("a_b", "b_c")


def test_maximum_entropy_of_a_chain_is_the_product_of_its_associations() -> None:
    bounds = evidence(trips([[4, 1], [1, 4]], [[4, 1], [1, 4]]))["a", "c"].bounds

    assert abs(bounds.entropy - 0.36) < 1e-6  # two by two, V is the correlation: .6 * .6
    assert abs(bounds.high - 1.0) < 1e-6  # a = c is possible
    assert abs(bounds.low - 0.2) < 1e-4  # P(a = c) is at least .6


def test_a_pair_that_tables_fix_has_no_range() -> None:
    bounds = evidence(trips([[5, 0], [0, 5]], [[4, 1], [1, 4]]))["a", "c"].bounds
    np.testing.assert_allclose([bounds.low, bounds.entropy, bounds.high], 0.6, atol=1e-4)


def test_a_rule_links_variables() -> None:
    rule = Rule("both", "trip", CategoryTest(Column("trip", "d"), (0,)), CategoryTest(Column("trip", "a"), (0,)))
    assert evidence(trips([[4, 1], [1, 4]], rules=(rule,)))["a", "d"].through == ("rule both",)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(flat_scenarios(60))
def test_every_pair_has_one_class_and_bounds_enclose_the_entropy(example: Example) -> None:
    scenario = example.scenario
    pairs = judge_pairs(scenario, build_spaces(compiled(scenario)))
    count = len(scenario.root.variables)

    assert len({(pair.one, pair.other) for pair in pairs}) == len(pairs) == count * (count - 1) // 2
    for pair in pairs:
        if pair.bounds is not None:
            assert 0 <= pair.bounds.low <= pair.bounds.entropy <= pair.bounds.high <= 1
    described = describe_evidence(scenario, pairs)
    assert [v["name"] for v in described["variables"]] == [f"trip.{v.name}" for v in scenario.root.variables]


def test_association_of_known_joints() -> None:
    assert cramers_v(np.outer([0.3, 0.7], [0.5, 0.5])) < 1e-9
    assert abs(cramers_v(np.diag([0.3, 0.3, 0.4])) - 1) < 1e-9
    assert cramers_v(np.array([[0.4, 0.6]])) == 0
