"""Strata: slices of a plan that partition its records exactly."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Scenario, Variable
from synthesis.cells import cell_ids
from synthesis.plan import Plan, plan_values
from synthesis.records import Records
from synthesis.stratification import joint_order, stratum_counts
from tests.strategies import binned_axis, category_axis, compiled, rngs, table


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 12))
def test_strata_partition_the_records_exactly(listed: list[int], strata: int) -> None:
    counts = np.array(listed)
    parts = np.array([stratum_counts(counts, i, strata) for i in range(strata)])

    assert (parts >= 0).all()
    assert parts.sum(axis=0).tolist() == listed
    sizes = parts.sum(axis=1)
    assert sizes.max() - sizes.min() <= 1


@settings(max_examples=80, derandomize=True, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1, max_size=20), st.integers(1, 12))
def test_strata_follow_each_other_along_the_plan(listed: list[int], strata: int) -> None:
    counts = np.array(listed)
    slices = [np.repeat(np.arange(len(counts)), stratum_counts(counts, i, strata)) for i in range(strata)]

    assert np.concatenate(slices).tolist() == np.repeat(np.arange(len(counts)), counts).tolist()


@settings(max_examples=20, derandomize=True, deadline=None)
@given(rngs)
def test_plan_rows_are_ordered_by_the_cells_of_the_largest_joint(rng: np.random.Generator) -> None:
    sex, age = Variable("sex", "category", categories=("f", "m")), Variable("age", "integer", low=0, high=9)
    fine = table("fine", [binned_axis("age", *range(11))], np.ones(10))
    joint = table("joint", [category_axis(sex), binned_axis("age", 0, 5, 10)], np.ones(4))
    coder = compiled(Scenario("ages", Entity("trip", (sex, age)), (fine, joint)))
    plan = Plan(
        Records(30, {"sex": rng.integers(0, 2, 30), "age": rng.integers(0, 10, 30)}), np.ones(30), np.arange(30)
    )
    ordered = plan.take(joint_order(coder, plan))
    cells = cell_ids(coder, plan_values(coder.scenario, coder.grids, ordered))["joint"]

    assert sorted(ordered.proposal.tolist()) == list(range(30))
    steps = list(zip(cells.tolist(), ordered.proposal.tolist(), strict=True))
    assert steps == sorted(steps)


def test_without_a_root_table_the_order_stays() -> None:
    person = Entity("person", (Variable("age", "integer", low=0, high=9),), (), "home", "size")
    home = Entity("home", (Variable("size", "integer", low=1, high=1),))
    coder = compiled(Scenario("homes", home, (), person))
    atoms = Records(2, {"size": np.zeros(2, int)}, {"age": np.zeros(2, int)}, np.arange(2))

    assert joint_order(coder, Plan(atoms, np.ones(2), np.zeros(2, dtype=np.int64))).tolist() == [0, 1]
