"""Condensing: equal plan rows are one unknown, and what it gets is shared out over them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from synthesis.condensing import condense, distinct_rows
from synthesis.system import Block, System
from tests.strategies import rngs


@settings(max_examples=60, derandomize=True, deadline=None)
@given(rngs, st.integers(1, 200), st.integers(1, 4))
def test_rows_are_of_one_kind_if_and_only_if_they_are_equal(rng: np.random.Generator, rows: int, cells: int) -> None:
    adds = rng.integers(0, 3, (rows, cells)) * rng.choice([1.0, 0.5])
    first, kind = distinct_rows(sparse.csr_matrix(adds))

    assert len(first) == len(np.unique(adds, axis=0))
    assert (adds[first][kind] == adds).all()
    assert (np.diff(first) > 0).all()


@settings(max_examples=40, derandomize=True, deadline=None)
@given(rngs, st.integers(1, 60))
def test_totals_spread_over_equal_rows_add_to_the_cells_alike(rng: np.random.Generator, rows: int) -> None:
    matrix = sparse.csr_matrix(np.eye(3)[rng.integers(0, 3, rows)])
    system = System(matrix, (Block("t", 0, 0, 3, False, True, True),), np.ones(3), np.zeros(3))
    weights = rng.gamma(1, size=rows) * (rng.random(rows) < 0.8)
    condensed = condense(system, weights)
    totals = rng.gamma(1, size=condensed.system.matrix.shape[0])
    spread = condensed.spread(totals, weights)

    np.testing.assert_allclose(matrix.T @ spread, condensed.system.matrix.T @ totals, atol=1e-9)
    np.testing.assert_allclose(condensed.sums(spread), totals, atol=1e-9)
    assert (spread[weights == 0] == 0).all()
