"""Drawing: what is accepted obeys all rules, what is rejected is counted, what is impossible stays missing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import Arithmetic, Column, Compare, Constant
from schemas.model import Derived, Entity, Rule, Scenario, Variable
from synthesis import sampling
from synthesis.evaluation import obeys
from synthesis.plan import Plan
from synthesis.records import Records
from synthesis.sampling import Drawn, chunks, draw
from tests.strategies import compiled, rngs

X, Y = Column("trip", "x"), Column("trip", "y")
AGE, PAY = Column("person", "age"), Column("person", "pay")
LESS = Rule("less", "trip", Compare("<", X, Y))


def trips(*rules: Rule) -> Scenario:
    """Trips with two real numbers from 0 to 10, cut at 5."""
    cuts = (Rule(f"cut_{c.variable}", "trip", Constant(True), Compare("<", c, Constant(5.0))) for c in (X, Y))
    double = Derived("double", "number", Arithmetic("*", X, Constant(2.0)))
    numbers = (Variable("x", "number", low=0, high=10), Variable("y", "number", low=0, high=10))
    scenario = Scenario("trips", Entity("trip", numbers), (), rules=(*rules, *cuts))
    return replace(scenario, root=Entity("trip", numbers, (double,))) if not rules else scenario


def plan_of(x: list[int], y: list[int]) -> Plan:
    atoms = Records(len(x), {"x": np.array(x), "y": np.array(y)})
    return Plan(atoms, np.ones(len(x)), np.zeros(len(x), dtype=np.int64))


def drawn_from(scenario: Scenario, plan: Plan, rows: list[int], max_redraws: int = 50, key: int = 0) -> Drawn:
    grids = compiled(scenario).grids
    return draw(scenario, grids, plan, np.array(rows, dtype=np.int64), np.random.default_rng(key), max_redraws)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=6),
    st.integers(0, 60),
    st.integers(0, 5),
    rngs,
)
def test_accepted_and_rejected_are_all_that_was_drawn(
    atoms: list[tuple[int, int]], wanted: int, max_redraws: int, rng: np.random.Generator
) -> None:
    scenario, plan = trips(LESS), plan_of(*(list(codes) for codes in zip(*atoms, strict=True)))
    rows = rng.integers(0, plan.count, wanted)
    found = draw(scenario, compiled(scenario).grids, plan, rows, rng, max_redraws)

    assert found.records.count + sum(found.rejections.values()) == found.drawn
    assert found.records.count + found.shortfall == wanted
    assert obeys(LESS, found.records, False).all()
    for name in ("x", "y"):
        assert (found.records.root[name] // 5 == plan.atoms.root[name][found.plan_rows]).all()


def test_an_impossible_plan_row_is_a_shortfall_and_not_filled_from_elsewhere() -> None:
    plan = plan_of([0, 1], [1, 0])  # x < y always, and never
    found = drawn_from(trips(LESS), plan, [0, 1, 0, 1, 1], max_redraws=7)

    assert (found.shortfall, found.records.count, found.drawn) == (3, 2, 5 + 7 * 3)
    assert found.rejections == {"less": 8 * 3}
    assert found.plan_rows.tolist() == [0, 0]
    assert found.rejected.count == 3
    assert found.rejected_rules == ("less",) * 3
    assert not obeys(LESS, found.rejected, False).any()


def test_rejected_records_are_drawn_anew_from_their_own_plan_row() -> None:
    plan = plan_of([0, 1], [0, 1])
    found = drawn_from(trips(LESS), plan, [0, 1] * 300)

    assert found.shortfall == 0
    assert found.plan_rows.tolist() == [0, 1] * 300
    assert 400 < sum(found.rejections.values()) < 800
    assert found.rejected.count == 5


def test_without_rules_everything_is_accepted_at_once_and_derived_variables_are_there() -> None:
    found = drawn_from(trips(), plan_of([0], [1]), [0] * 10)

    assert (found.drawn, found.rejections, found.shortfall, found.rejected) == (10, {}, 0, None)
    assert found.records.root["double"].tolist() == (2 * found.records.root["x"]).tolist()


def test_nothing_is_drawn_from_no_rows() -> None:
    found = drawn_from(trips(LESS), plan_of([0], [1]), [])

    assert (found.drawn, found.records.count, found.shortfall) == (0, 0, 0)


def homes() -> tuple[Scenario, Plan]:
    """A home of nobody, of one and of two persons; nobody earns more than a thousand times the age."""
    person = Entity(
        "person",
        (Variable("age", "integer", low=0, high=99), Variable("pay", "integer", low=0, high=100_000)),
        (),
        "home",
        "size",
    )
    fair = Rule("fair", "person", Compare("<=", PAY, Arithmetic("*", AGE, Constant(1000.0))))
    home = Entity("home", (Variable("size", "integer", low=0, high=2), Variable("rent", "number", low=0, high=9)))
    atoms = Records(
        3,
        {"size": np.array([0, 1, 2]), "rent": np.zeros(3, dtype=int)},
        {"age": np.array([40, 70, 0]), "pay": np.zeros(3, dtype=int)},
        np.array([1, 2, 2]),
    )
    return Scenario("homes", home, (), person, rules=(fair,)), Plan(atoms, np.ones(3), np.zeros(3, dtype=np.int64))


def test_members_are_drawn_with_their_root_record_and_rejected_with_it() -> None:
    scenario, plan = homes()
    found = drawn_from(scenario, plan, [0, 1, 2] * 100, max_redraws=30)

    assert found.shortfall == 100 - np.count_nonzero(found.plan_rows == 2)
    assert np.count_nonzero(found.plan_rows == 0) == np.count_nonzero(found.plan_rows == 1) == 100
    assert found.records.members_per_root().tolist() == found.records.root["size"].tolist()
    assert (found.records.members["pay"] <= found.records.members["age"] * 1000).all()
    assert found.records.count + sum(found.rejections.values()) == found.drawn


def test_the_same_generator_draws_the_same_records() -> None:
    scenario, plan = homes()
    first, second, other = (drawn_from(scenario, plan, [1, 0, 1] * 20, key=key) for key in (1, 1, 2))

    assert first.records.members["pay"].tolist() == second.records.members["pay"].tolist()
    assert first.records.root["rent"].tolist() == second.records.root["rent"].tolist()
    assert first.records.members["pay"].tolist() != other.records.members["pay"].tolist()


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=8), rngs)
def test_chunks_hold_every_plan_row_as_often_as_counted(counts: list[int], rng: np.random.Generator) -> None:
    parts = list(chunks(np.array(counts, dtype=np.int64), rng))
    together = np.concatenate([np.zeros(0, dtype=np.int64), *parts])

    assert np.bincount(together, minlength=len(counts)).tolist() == counts


def test_chunks_are_bounded_and_shuffled() -> None:
    total = sampling.CHUNK_RECORDS * 2 + 1
    parts = list(chunks(np.array([total // 2, total - total // 2]), np.random.default_rng(0)))

    assert [len(part) for part in parts] == [sampling.CHUNK_RECORDS, sampling.CHUNK_RECORDS, 1]
    assert parts[0].mean() == pytest.approx(0.5, abs=0.01)
