"""Allocation: the weights nearest to the prior that meet the cells, or the best compromise."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from schemas.model import FloatArray
from synthesis.allocation import allocate, design_effect, effective_rows, unsupported_cells
from synthesis.dual import dual_of
from synthesis.newton import conjugate, factorised, newton
from synthesis.raking import rake
from synthesis.system import Block, System
from tests.strategies import rngs

Part = tuple[FloatArray, object, str]
"""What each row adds to each cell of a block, the cells' aims, and the block's traits."""


def system_of(*parts: Part, committed: object = 0.0) -> System:
    """A system of blocks with traits among "share", "soft" (not exact) and "member"."""
    blocks, start = [], 0
    for number, (adds, _, traits) in enumerate(parts):
        stop, is_root = start + adds.shape[1], "member" not in traits
        is_exact = is_root and "soft" not in traits
        blocks.append(Block(f"t{number}", 0, start, stop, "share" in traits, is_exact, is_root))
        start = stop
    aim = np.concatenate([np.asarray(aims, dtype=float) for _, aims, _ in parts])
    matrix = sparse.csr_matrix(np.concatenate([adds for adds, _, _ in parts], axis=1))
    return System(matrix, tuple(blocks), aim, np.broadcast_to(np.asarray(committed, dtype=float), aim.shape).copy())


def one_of(codes: FloatArray, size: int | None = None) -> FloatArray:
    """Each row adds one to the cell it is in."""
    return np.eye(size or int(codes.max()) + 1)[codes]


def random_parts(rng: np.random.Generator, rows: int, weights: FloatArray) -> list[Part]:
    """Blocks of root cells and member counts that `weights` meet exactly, after a block of all rows."""
    parts: list[Part] = [(np.ones((rows, 1)), [weights.sum()], "")]
    for traits in rng.choice(["", "share", "member", "member share"], rng.integers(1, 5)):
        cells = int(rng.integers(2, 7))
        codes = rng.integers(0, cells, (rows, 3 if "member" in traits else 1))
        adds = sum((one_of(codes[:, i], cells) for i in range(1, codes.shape[1])), one_of(codes[:, 0], cells))
        achieved = adds.T @ weights
        parts.append((adds, achieved / achieved.sum() if "share" in traits else achieved, str(traits)))
    return parts


@settings(max_examples=60, derandomize=True, deadline=None)
@given(rngs, st.integers(20, 200), st.sampled_from([50.0, 2000.0, 100_000.0]))
def test_feasible_exact_targets_are_met(rng: np.random.Generator, rows: int, total: float) -> None:
    true = rng.gamma(1, size=rows)
    parts = random_parts(rng, rows, true * total / true.sum())
    system = system_of(*parts)
    found = allocate(system, rng.gamma(1, size=rows) + 0.01, total)
    achieved = system.matrix.T @ found.weights

    assert found.missed < 1e-3
    assert np.abs(achieved - system.wanted(achieved))[system.exact].max() < 1e-3
    assert found.weights.sum() == pytest.approx(total, abs=1e-3)
    assert (found.weights >= 0).all()
    soft = ~system.exact
    assert (np.abs(achieved - system.wanted(achieved))[soft] <= 1e-3 * total).all()


@settings(max_examples=40, derandomize=True, deadline=None)
@given(rngs)
def test_the_solution_is_the_prior_times_a_factor_per_cell(rng: np.random.Generator) -> None:
    rows = 60
    prior, true = rng.gamma(1, size=(2, rows)) + 0.05
    codes = [rng.integers(0, cells, rows) for cells in (3, 4)]
    parts = [(one_of(code, size), one_of(code, size).T @ true, "") for code, size in zip(codes, (3, 4), strict=True)]
    found = allocate(system_of(*parts), prior, true.sum())

    # The nearest weights in KL are prior * exp(A m): the logarithm of the change is a combination of cells.
    design = np.concatenate([adds for adds, _, _ in parts], axis=1)
    change = np.log(found.weights / prior)
    combination = design @ np.linalg.lstsq(design, change, rcond=None)[0]
    np.testing.assert_allclose(combination, change, atol=1e-6)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists(st.floats(0.05, 20), min_size=4, max_size=4), st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_odds_ratios_of_the_prior_are_kept_where_no_table_speaks(
    prior: list[float], first: float, second: float
) -> None:
    row, column = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    margins = [(one_of(code), [1000 * p, 1000 * (1 - p)], "") for code, p in ((row, first), (column, second))]
    found = allocate(system_of(*margins), np.array(prior), 1000).weights

    a, b, c, d = found
    assert a * d / (b * c) == pytest.approx(prior[0] * prior[3] / (prior[1] * prior[2]), rel=1e-3)
    assert (a + b, a + c) == pytest.approx((1000 * first, 1000 * second), abs=2e-3)


def test_where_a_table_holds_the_joint_the_targets_win() -> None:
    joint = [10.0, 20.0, 30.0, 40.0]
    found = allocate(system_of((np.eye(4), joint, "")), np.array([1e-3, 5, 1, 100]), 100)

    assert found.weights.tolist() == pytest.approx(joint, abs=1e-3)


def test_shares_bind_whatever_the_number_in_their_universe() -> None:
    code = np.array([0, 1, 0, 1, 0, 1])
    in_universe = np.array([1, 1, 1, 1, 0, 0])[:, None]
    parts = [(np.ones((6, 1)), [600], ""), (one_of(code) * in_universe, [0.3, 0.7], "share")]
    found = allocate(system_of(*parts), np.ones(6), 600).weights

    inside = found[:4].sum()
    assert found[[0, 2]].sum() == pytest.approx(0.3 * inside, abs=1e-3)
    assert found.sum() == pytest.approx(600, abs=1e-3)
    assert found[4] == pytest.approx(found[5])
    assert 300 < inside < 500


def test_committed_shares_are_made_up_for() -> None:
    parts = [(np.ones((2, 1)), [100], ""), (np.eye(2), [0.5, 0.5], "share")]
    found = allocate(system_of(*parts, committed=[40, 30, 10]), np.ones(2), 60).weights

    assert found.tolist() == pytest.approx([20, 40], abs=1e-3)


def test_members_are_counted_as_often_as_a_row_holds_them() -> None:
    # Households of 1 adult, 2 adults, 1 adult and 2 children; 100 households, 150 adults, 40 children.
    members = np.array([[1.0, 0], [2, 0], [1, 2]])
    found = allocate(system_of((np.ones((3, 1)), [100], ""), (members, [150, 40], "member")), np.ones(3), 100).weights

    assert found.tolist() == pytest.approx([30, 50, 20], abs=0.05)


def test_cells_that_want_nothing_or_are_full_get_nothing() -> None:
    cells = (np.eye(4), [0, 30, 30, 40], "")
    found = allocate(system_of(cells, committed=[0, 30, 31, 0]), np.ones(4), 40).weights

    assert found.tolist() == pytest.approx([0, 0, 0, 40], abs=1e-3)
    shares = allocate(system_of((np.eye(3), [0, 0.5, 0.5], "share")), np.ones(3), 40).weights
    assert shares[0] == 0


def test_a_cell_is_unsupported_if_only_rows_that_may_get_nothing_reach_it() -> None:
    # The second row is the only one of cell 1, and lies in the member cell 0, which wants nobody.
    parts: list[Part] = [(np.eye(2), [9, 1], ""), (np.array([[0.0, 1], [1, 1]]), [0, 10], "member")]
    alone = system_of(*parts)
    helped = system_of(*((np.append(adds, adds[[1]] * [0, 1], axis=0), *rest) for adds, *rest in parts))

    assert unsupported_cells(alone).tolist() == [False, True, False, False]
    assert unsupported_cells(helped).tolist() == [False, False, False, False]


def test_if_every_cell_is_full_the_records_overfill_cells_that_may_be_filled() -> None:
    found = allocate(system_of((np.eye(3), [0, 30, 30], ""), committed=[0, 30, 30]), np.ones(3), 10).weights

    assert found[0] == 0
    assert found.sum() > 0


@pytest.mark.parametrize(("prior", "total"), [([1.0, 1.0], 0), ([0.0, 0.0], 10), ([1.0, 0.0], 10)])
def test_without_records_or_usable_rows_there_are_no_weights(prior: list[float], total: int) -> None:
    found = allocate(system_of((np.eye(2), [0, total], "")), np.array(prior), total)

    assert found.weights.tolist() == [0, 0]
    assert found.missed == total


@settings(max_examples=80, derandomize=True, deadline=None)
@given(rngs, st.integers(2, 60), st.sampled_from([1.0, 2000.0, 100_000.0]))
def test_contradictory_targets_end_in_a_finite_compromise(rng: np.random.Generator, rows: int, total: float) -> None:
    parts: list[Part] = []
    for traits in rng.choice(["", "soft", "share", "member", "member share"], rng.integers(2, 5)):
        cells = int(rng.integers(1, 6))
        adds = one_of(rng.integers(0, cells, rows), cells) * (rng.integers(0, 3) if "member" in traits else 1)
        aims = np.round(rng.dirichlet(np.full(cells, 0.4)), 2) * (1 if "share" in traits else rng.choice([1, total]))
        parts.append((adds, aims, str(traits)))
    prior = rng.gamma(0.5, size=rows) * (rng.random(rows) < 0.8)
    system = system_of(*parts)
    error = np.where(rng.random(len(system.aim)) < 0.5, np.nan, system.aim * rng.gamma(0.5, size=len(system.aim)))
    blocks = tuple(replace(block, importance=float(rng.choice([0.01, 1, 100]))) for block in system.blocks)
    found = allocate(replace(system, error=error, blocks=blocks), prior, total)

    assert np.isfinite(found.weights).all()
    assert (found.weights >= 0).all()
    assert (found.weights[prior == 0] == 0).all()
    assert np.isfinite(found.missed)
    assert np.isfinite(found.residual)
    assert found.weights.sum() <= 1000 * max(total, system.aim.sum())


def test_two_exact_tables_that_disagree_meet_between_their_targets() -> None:
    cells = [(np.eye(2), [60, 40], ""), (np.eye(2), [40, 60], "")]
    found = allocate(system_of(*cells), np.ones(2), 100)

    assert found.weights.tolist() == pytest.approx([48.99, 48.99], abs=2)
    assert 9 < found.missed < 12


def test_an_exact_table_wins_over_a_soft_one() -> None:
    found = allocate(system_of((np.eye(2), [60, 40], ""), (np.eye(2), [0.4, 0.6], "soft share")), np.ones(2), 100)

    assert found.weights.tolist() == pytest.approx([60, 40], abs=0.1)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(rngs, st.integers(20, 200))
def test_both_ways_of_newton_lead_to_the_same_optimum(rng: np.random.Generator, rows: int) -> None:
    system = system_of(*random_parts(rng, rows, rng.gamma(1, size=rows) * 10))
    prior, variance = rng.gamma(1, size=rows) + 0.01, np.full(len(system.aim), 1e-3)
    dual = dual_of(system, variance)
    found = [newton(dual, prior, 60, way) for way in (factorised, conjugate)]

    assert all(solution.is_converged for solution in found)
    np.testing.assert_allclose(found[0].weights, found[1].weights, rtol=0.02, atol=0.02)


def test_a_joint_of_thousands_of_cells_is_met() -> None:
    rng = np.random.default_rng(1)
    side = 51
    joint = rng.gamma(1, size=(side, side)) + 0.01
    row, column = np.repeat(np.arange(side), side), np.tile(np.arange(side), side)
    pairs = [(sparse.eye(side * side).toarray(), joint.ravel(), ""), (one_of(row), joint.sum(axis=1), "")]
    found = allocate(
        system_of(*pairs, (one_of(column), joint.sum(axis=0), "")), rng.gamma(1, size=side * side) + 0.01, joint.sum()
    )

    assert found.missed < 1e-3


def at_odds(errors: tuple[float, float], importances: tuple[float, float], traits: str) -> System:
    """100 records, of which one table says that 60 are in the first cell, and another 40."""
    parts = [(np.ones((2, 1)), [100], ""), (np.eye(2), [60, 40], traits), (np.eye(2), [40, 60], traits)]
    system = system_of(*parts)
    blocks = (
        system.blocks[0],
        *(replace(b, importance=i) for b, i in zip(system.blocks[1:], importances, strict=True)),
    )
    return replace(system, blocks=blocks, error=np.array([np.nan, *np.repeat(errors, 2)]))


@pytest.mark.parametrize("traits", ["soft", ""])
@pytest.mark.parametrize(
    ("errors", "importances", "first"),
    [
        ((10.0, 10.0), (1, 1), 50),
        # Weighed by the inverse of the variance: 60 * .9 + 40 * .1.
        ((10.0, 30.0), (1, 1), 58),
        ((np.nan, np.nan), (1, 9), 42),
        ((10.0, 10.0), (9, 1), 58),
    ],
)
def test_tables_at_odds_are_weighed_by_their_errors_and_importance(
    errors: tuple[float, float], importances: tuple[float, float], first: float, traits: str
) -> None:
    found = allocate(at_odds(errors, importances, traits), np.ones(2), 100)

    assert found.weights.tolist() == pytest.approx([first, 100 - first], abs=1.5)


def test_where_tables_agree_margins_of_error_cost_next_to_nothing() -> None:
    system = system_of((np.ones((2, 1)), [1000], ""), (np.eye(2), [900, 100], "soft"))
    found = allocate(replace(system, error=np.array([np.nan, 60, 30])), np.ones(2), 1000)

    # The prior of one record pulls by a part of a standard error.
    assert found.weights.tolist() == pytest.approx([900, 100], abs=6)


def test_an_estimate_of_zero_yields_to_exact_tables_and_a_plain_zero_does_not() -> None:
    estimate, exact = (np.eye(2), [0, 100], "soft"), (np.eye(2), [10, 90], "")
    system = system_of(estimate, exact)
    found = allocate(replace(system, error=np.array([12.0, 30, np.nan, np.nan])), np.ones(2), 100)

    assert found.weights.tolist() == pytest.approx([10, 90], abs=0.1)
    assert allocate(system, np.ones(2), 100).weights[0] == 0


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=50))
def test_effective_rows_lie_between_one_and_all(values: list[float]) -> None:
    weights = np.array(values)

    assert 1 - 1e-9 <= effective_rows(weights) <= len(values) + 1e-9
    assert design_effect(weights, np.ones(len(values))) == pytest.approx(len(values) / effective_rows(weights))
    assert design_effect(3 * weights, weights) == pytest.approx(1)


def test_raking_alone_keeps_what_is_met_already() -> None:
    weights = np.array([1.0, 2, 3])
    system = system_of((np.eye(3), weights, ""), (np.array([[1.0], [1], [0]]), [3], ""))

    assert rake(system, weights, 5).tolist() == pytest.approx(weights.tolist())
