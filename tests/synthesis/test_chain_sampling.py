"""Sampling along chains: for decomposable tables the distribution of maximum entropy, within Monte-Carlo error."""

import numpy as np
import pytest
from hypothesis import given, settings

from schemas.expression import CategoryTest, Column, Compare, Constant
from schemas.model import Entity, FloatArray, Rule, Scenario, TargetTable, Variable, Zones
from synthesis.chain import build_chain
from synthesis.chain_sampling import Codes, sample_chain
from tests.strategies import binned_axis, category_axis, compiled, rngs, table

ROWS = 40_000
WHOLE = np.zeros(1, dtype=np.int64)
A = Variable("a", "category", categories=("0", "1", "2"))
B = Variable("b", "category", categories=("0", "1"))
C = Variable("c", "category", categories=("0", "1", "2", "3"))
AGE = Variable("age", "integer", low=0, high=99)


def sample(
    scenario: Scenario,
    rng: np.random.Generator,
    entity: str = "trip",
    given_codes: Codes | None = None,
    zone_of_row: np.ndarray | None = None,
    flat: bool = False,
) -> Codes:
    coder = compiled(scenario)
    zones = np.zeros(ROWS, dtype=np.int64) if zone_of_row is None else zone_of_row
    return sample_chain(coder, build_chain(coder, entity, np.unique(zones)), given_codes or {}, zones, rng, flat)


def trips(*tables: TargetTable, variables: tuple[Variable, ...], rules: tuple[Rule, ...] = ()) -> Scenario:
    return Scenario("trips", Entity("trip", variables), tables, rules=rules)


def assert_distributed(found: Codes, names: list[str], probability: FloatArray) -> None:
    """Each cell's count is within five standard errors of its expectation, and zero where that is zero."""
    rows = len(found[names[0]])
    counts = np.zeros(probability.shape)
    np.add.at(counts, tuple(found[name] for name in names), 1)
    assert probability.sum() == pytest.approx(1)
    assert (np.abs(counts - rows * probability) <= 5 * np.sqrt(rows * probability * (1 - probability))).all()


@settings(max_examples=6, derandomize=True, deadline=None)
@given(rngs)
def test_decomposable_tables_are_sampled_at_maximum_entropy(rng: np.random.Generator) -> None:
    joint = rng.dirichlet(np.full(24, 0.7)).reshape(3, 2, 4)
    ab, bc = joint.sum(axis=2), joint.sum(axis=0)
    tables = [
        table("bc", [category_axis(B), category_axis(C)], 500 * bc),
        table("b", [category_axis(B)], ab.sum(axis=0)),
        table("ab", [category_axis(A), category_axis(B)], ab, measure="share", binds="share"),
    ]
    ordered = tuple(tables[i] for i in rng.permutation(3))
    found = sample(trips(*ordered, variables=(A, B, C)), rng)

    assert_distributed(found, ["a", "b", "c"], ab[:, :, None] * bc[None] / bc.sum(axis=1)[None, :, None])


@settings(max_examples=6, derandomize=True, deadline=None)
@given(rngs)
def test_tables_that_bin_a_number_differently_are_sampled_at_maximum_entropy(rng: np.random.Generator) -> None:
    joint = rng.dirichlet(np.ones(24)).reshape(4, 3, 2)  # ages 0-19, 20-39, 40-64, 65+
    by_a, by_b = joint.sum(axis=2), joint.reshape(2, 2, 3, 2).sum(axis=(1, 2))
    tables = [
        table("by_a", [binned_axis("age", 0, 20, 40, 65, 100), category_axis(A)], by_a),
        table("by_b", [binned_axis("age", 0, 40, 100), category_axis(B)], by_b),
    ]
    ordered = tuple(tables[i] for i in rng.permutation(2))
    found = sample(trips(*ordered, variables=(A, B, AGE)), rng)

    share_of_b = np.repeat(by_b / by_b.sum(axis=1, keepdims=True), 2, axis=0)
    assert_distributed(found, ["age", "a", "b"], by_a[:, :, None] * share_of_b[:, None, :])


def test_a_universe_is_given_its_table_and_the_rest_its_rules() -> None:
    tables = (
        table("age", [binned_axis("age", 0, 16, 100)], [1, 3]),
        table("work", [category_axis(A)], [0, 1, 4], universe=Compare(">=", Column("trip", "age"), Constant(16.0))),
    )
    young = Rule(
        "young", "trip", CategoryTest(Column("trip", "a"), (0,)), Compare("<", Column("trip", "age"), Constant(16.0))
    )
    found = sample(trips(*tables, variables=(A, AGE), rules=(young,)), np.random.default_rng(5))

    expected = np.array([[0.25, 0, 0], [0, 0.15, 0.6]])
    assert_distributed(found, ["age", "a"], expected)


def test_a_rule_between_exact_numbers_keeps_atoms_as_often_as_draws_obey_it() -> None:
    first, second = (Variable(name, "number", low=0, high=100) for name in ("first", "second"))
    halves = [table(v.name, [binned_axis(v.name, 0, 50, 100)], [1, 1]) for v in (first, second)]
    less = Rule("less", "trip", Compare("<", Column("trip", "first"), Column("trip", "second")))
    found = sample(trips(*halves, variables=(first, second), rules=(less,)), np.random.default_rng(14))
    shares = np.bincount(2 * found["first"] + found["second"]) / ROWS

    assert shares.tolist() == pytest.approx([1 / 6, 1 / 3, 0, 1 / 2], abs=0.01)


def test_variables_without_a_table_follow_their_prior_weights() -> None:
    weighted = Variable("w", "integer", low=0, high=2, prior_weights=(1, 0, 3))
    universe = Compare(">", Column("trip", "w"), Constant(0.0))
    tables = (table("b", [category_axis(B)], [1, 1]), table("a", [category_axis(A)], [1, 1, 1], universe=universe))
    found = sample(trips(*tables, variables=(B, A, weighted)), np.random.default_rng(6))

    assert_distributed(found, ["w", "b"], np.array([[0.125, 0.125], [0.375, 0.375]]))


def test_inside_a_coarse_bin_values_follow_their_prior_weights() -> None:
    weighted = Variable("w", "integer", low=0, high=2, prior_weights=(1, 0, 3))
    universe = Compare(">", Column("trip", "w"), Constant(1.0))
    coarse = table("coarse", [binned_axis("w", 0, 3), category_axis(B)], [1, 3])
    fine = table("fine", [category_axis(A)], [1, 1, 1], universe=universe)
    found = sample(trips(coarse, fine, variables=(B, A, weighted)), np.random.default_rng(6))

    assert_distributed(found, ["w", "b"], np.outer([0.25, 0.75], [0.25, 0.75]))


def test_who_is_outside_a_universe_is_unknown_to_tables_over_what_it_gives() -> None:
    d = Variable("d", "category", categories=tuple("01234567"))
    tables = (
        table("bd", [category_axis(B), category_axis(d)], np.ones(16)),
        table("ac", [category_axis(A), category_axis(C)], [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 2]]),
        table(
            "ad",
            [category_axis(A), category_axis(d)],
            np.repeat([1, 1, 2], 8),
            universe=CategoryTest(Column("trip", "b"), (1,)),
        ),
    )
    found = sample(trips(*tables, variables=(A, B, C, d)), np.random.default_rng(12))

    assert_distributed(found, ["b", "c"], np.outer([0.5, 0.5], [0.25, 0.25, 0, 0.5]))
    inside = found["b"] == 1
    assert (found["c"][inside] == np.array([0, 1, 3])[found["a"][inside]]).all()


def test_members_are_conditioned_on_their_root_record() -> None:
    size = Variable("size", "integer", low=1, high=2)
    person = Entity("person", (AGE,), (), "household", "size")
    crossed = table("crossed", [category_axis(B), binned_axis("age", 0, 18, 100)], [[1, 3], [4, 0]], "person")
    scenario = Scenario("homes", Entity("household", (B, size)), (crossed,), person)
    rng = np.random.default_rng(7)
    given_codes = {"b": (rng.random(ROWS) < 0.5).astype(np.int64), "size": np.zeros(ROWS, dtype=np.int64)}
    found = sample(scenario, rng, "person", given_codes)

    shares = np.bincount(given_codes["b"]) / ROWS
    assert (found["b"] == given_codes["b"]).all()
    assert_distributed(found, ["b", "age"], shares[:, None] * np.array([[0.25, 0.75], [1, 0]]))


def test_each_zone_is_sampled_from_its_own_figures() -> None:
    zones = Zones("county", ("county",), {}, {"county": np.arange(2)}, "county")
    county = Variable("county", "category", categories=("x", "y"))
    by_county = table("a", [category_axis(A)], [[1, 1, 2], [0, 5, 0]], zone_level="county")
    scenario = Scenario("homes", Entity("trip", (county, A)), (by_county,), zones=zones)
    zone_of_row = np.repeat([0, 1], ROWS // 2)
    found = sample(scenario, np.random.default_rng(8), given_codes={"county": zone_of_row}, zone_of_row=zone_of_row)

    assert_distributed(found, ["county", "a"], np.array([[0.125, 0.125, 0.25], [0, 0.5, 0]]))


def test_flat_sampling_makes_every_supported_cell_equally_likely() -> None:
    scenario = trips(table("ab", [category_axis(A), category_axis(B)], [[998, 0], [1, 0], [0, 1]]), variables=(A, B))
    found = sample(scenario, np.random.default_rng(9), flat=True)

    assert_distributed(found, ["a", "b"], np.array([[1, 0], [1, 0], [0, 1]]) / 3)


def test_a_row_that_the_next_table_does_not_know_still_gets_a_value() -> None:
    tables = (
        table("abc", [category_axis(A), category_axis(B)], [[1, 0], [1, 0], [1, 1]]),
        table("bc", [category_axis(B), category_axis(C)], [[1, 1, 0, 0], [0, 0, 0, 0]]),
    )
    found = sample(trips(*tables, variables=(A, B, C)), np.random.default_rng(10))

    assert ((found["c"] >= 0) & (found["c"] < 4)).all()
    assert set(found["c"][found["b"] == 0].tolist()) == {0, 1}


def test_the_same_generator_gives_the_same_rows() -> None:
    scenario = trips(table("ab", [category_axis(A), category_axis(B)], np.arange(6)), variables=(A, B, C, AGE))
    first, second, other = (sample(scenario, np.random.default_rng(key)) for key in (1, 1, 2))

    assert all((first[name] == second[name]).all() for name in first)
    assert any((first[name] != other[name]).any() for name in first)
