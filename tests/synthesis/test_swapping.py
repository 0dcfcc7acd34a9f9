"""Swaps: records move between plan rows as long as cells come nearer to what they want."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from schemas.model import FloatArray
from synthesis import swapping
from synthesis.centring import Centring
from synthesis.swapping import Swaps, adds_of, swap_among, swap_listed, swap_pairs, swap_scanned, swaps_of
from tests.strategies import rngs


def random_swaps(rng: np.random.Generator, rows: int, total: int) -> Swaps:
    """Counts of rows in two blocks, the second of which binds shares, with targets that may be out of reach."""
    sizes = rng.integers(1, 6, 2)
    block = np.repeat([0, 1], sizes)
    share = np.concatenate((np.zeros(sizes[0]), rng.dirichlet(np.ones(sizes[1]))))
    adds = rng.integers(0, 3, (rows, sizes.sum()))
    counts = rng.multinomial(total, np.full(rows, 1 / rows))
    centring = Centring(block, np.array([0, sizes[0]]), share)
    target = rng.gamma(1, total, sizes.sum())
    return swaps_of(
        adds_of(sparse.csr_matrix(adds, dtype=float), centring), rng.gamma(1, size=len(share)), counts, target
    )


def cost(state: Swaps) -> float:
    return float(state.importance @ state.distance**2)


def counted_distance(state: Swaps, target: FloatArray) -> FloatArray:
    return state.adds.centring.centred(state.adds.matrix.T @ state.counts.astype(float)) - target


@settings(max_examples=60, derandomize=True, deadline=None)
@given(rngs, st.integers(2, 80), st.integers(1, 300), st.sampled_from(["among", "listed", "scanned", "pairs"]))
def test_swaps_keep_n_and_never_make_it_worse(rng: np.random.Generator, rows: int, total: int, kind: str) -> None:
    state = random_swaps(rng, rows, total)
    target = counted_distance(state, np.zeros(len(state.distance))) - state.distance
    before, every = cost(state), np.arange(rows)
    {
        "among": lambda: swap_among(state, every, every, 100),
        "listed": lambda: swap_listed(state),
        "scanned": lambda: swap_scanned(state),
        "pairs": lambda: swap_pairs(state, np.full(len(target), True)),
    }[kind]()

    assert state.counts.sum() == total
    assert (state.counts >= 0).all()
    assert cost(state) <= before + 1e-6
    np.testing.assert_allclose(counted_distance(state, target), state.distance, atol=1e-6)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(rngs, st.integers(2, 30), st.integers(1, 100))
def test_after_swaps_among_all_rows_no_single_swap_helps(rng: np.random.Generator, rows: int, total: int) -> None:
    state = random_swaps(rng, rows, total)
    every = np.arange(rows)
    swap_among(state, every, every, 10_000)
    best = min(
        state.importance @ ((state.distance + state.step(i, j)) ** 2)
        for i in np.flatnonzero(state.counts)
        for j in every
    )

    assert best >= cost(state) - 1e-5


@settings(max_examples=30, derandomize=True, deadline=None)
@given(rngs, st.integers(2, 60), st.integers(1, 200))
def test_rows_too_many_to_be_held_dense_are_swapped_alike(rng: np.random.Generator, rows: int, total: int) -> None:
    state = random_swaps(rng, rows, total)
    lazy = swaps_of(
        swapping.Adds(state.adds.matrix, state.adds.centring, None),
        state.importance,
        state.counts.copy(),
        counted_distance(state, np.zeros(len(state.distance))) - state.distance,
    )
    for each in (state, lazy):
        swap_listed(each)
        swap_scanned(each)

    assert cost(lazy) == pytest.approx(cost(state), rel=1e-6, abs=1e-6)


def test_a_cycle_of_cells_that_only_two_swaps_mend_is_mended() -> None:
    # A 2 x 2 joint off by one around the cycle, its margins being right: one swap mends two cells and spoils two.
    row, column = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    matrix = sparse.csr_matrix(np.concatenate([np.eye(4), np.eye(2)[row], np.eye(2)[column]], axis=1))
    centring = Centring(np.repeat([0, 1, 2], [4, 2, 2]), np.array([0, 4, 6]), np.zeros(8))
    target = np.array([5.0] * 4 + [10.0] * 4)
    state = swaps_of(adds_of(matrix, centring), np.ones(8), np.array([6, 4, 4, 6]), target)
    swap_scanned(state)
    assert state.counts.tolist() == [6, 4, 4, 6]
    swap_pairs(state, np.full(8, True))

    assert state.counts.tolist() == [5, 5, 5, 5]
