"""Controlled rounding: weights taken down or up such that whole targets are met."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from schemas.model import FloatArray, IntArray
from synthesis import controlled_rounding as module
from synthesis.allocation import allocate
from synthesis.controlled_rounding import controlled_rounding
from synthesis.integerization import integerize
from synthesis.system import Block, System
from tests.strategies import rngs


def two_tables(rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Plan rows that lie in a cell of either of two tables, and whole records of a sparse population."""
    sizes = rng.integers(2, 25, 2)
    rows = int(rng.integers(sizes.max(), 4 * sizes.sum()))
    adds = np.column_stack([np.eye(size)[rng.integers(0, size, rows)] for size in sizes])
    return adds, rng.poisson(rng.gamma(0.5, 20, rows)) + 1


@settings(max_examples=60, derandomize=True, deadline=None)
@given(rngs)
def test_two_tables_of_whole_numbers_are_met_exactly(rng: np.random.Generator) -> None:
    adds, true = two_tables(rng)
    total, cells = int(true.sum()), adds.shape[1]
    cut = int(np.flatnonzero((adds.cumsum(axis=1) >= 2).all(axis=0))[0]) if cells > 2 else 1
    blocks = [Block("", 0, 0, 1, False, True, True)]
    blocks += [Block(f"t{i}", 0, a, b, False, True, True) for i, (a, b) in enumerate([(1, cut), (cut, cells + 1)])]
    matrix = sparse.csr_matrix(np.column_stack([np.ones(len(adds)), adds]))
    system = System(matrix, tuple(blocks), matrix.T @ true.astype(float), np.zeros(cells + 1))
    weights = allocate(system, rng.gamma(1, size=len(adds)) + 0.01, total).weights
    counts = integerize(system, weights, total, rng)

    assert (matrix.T @ counts).tolist() == system.aim.tolist()


@settings(max_examples=40, derandomize=True, deadline=None)
@given(rngs)
def test_every_weight_is_rounded_down_or_up_and_the_sum_stays(rng: np.random.Generator) -> None:
    adds, true = two_tables(rng)
    mixed = 0.5 * (true + rng.permutation(true))
    mixed *= true.sum() / mixed.sum()
    start = rng.multinomial(true.sum(), mixed / mixed.sum())
    counts = controlled_rounding(adds, np.ones(adds.shape[1]), mixed, start, adds.T @ mixed)

    assert counts is not None
    assert counts.sum() == true.sum()
    assert (np.abs(counts - mixed) <= 1 + 1e-5).all()
    # The weights are a way to meet the target, so rounding misses no cell by a record.
    assert np.abs(adds.T @ (counts - mixed)).max() < 1


@given(st.integers(1, 50))
@settings(max_examples=10, derandomize=True, deadline=None)
def test_what_is_too_large_is_left_to_the_swaps(rows: int) -> None:
    cells = module.MAX_ELEMENTS // rows + 1
    adds = np.broadcast_to(np.zeros(1), (rows, cells))

    assert controlled_rounding(adds, np.zeros(0), np.ones(rows), np.ones(rows, dtype=int), np.zeros(0)) is None
