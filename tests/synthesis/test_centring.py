"""Centring: share blocks as a linear operator, its adjoint and its Gram matrices."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.centring import Centring
from tests.strategies import rngs


def random_centring(rng: np.random.Generator, blocks: int) -> Centring:
    sizes = rng.integers(1, 5, blocks)
    shares = [rng.dirichlet(np.ones(size)) * (rng.random() < 0.6) for size in sizes]
    return Centring(np.repeat(np.arange(blocks), sizes), np.cumsum(sizes) - sizes, np.concatenate(shares))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(rngs, st.integers(1, 5), st.integers(1, 20))
def test_centred_rows_adjoint_and_gram_agree(rng: np.random.Generator, blocks: int, rows: int) -> None:
    centring = random_centring(rng, blocks)
    adds = rng.integers(0, 3, (rows, len(centring.share))).astype(float)
    weights, multipliers = rng.gamma(1, size=rows), rng.normal(size=len(centring.share))
    centred = centring.rows(adds)

    np.testing.assert_allclose(centred.T @ weights, centring.centred(adds.T @ weights), atol=1e-9)
    np.testing.assert_allclose(centred @ multipliers, adds @ centring.adjoint(multipliers), atol=1e-9)
    gram = adds.T @ (adds * weights[:, None])
    np.testing.assert_allclose(centring.gram(gram), centred.T @ (centred * weights[:, None]), atol=1e-9)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(rngs, st.integers(1, 5))
def test_records_in_the_shares_proportions_count_as_nothing(rng: np.random.Generator, blocks: int) -> None:
    centring = random_centring(rng, blocks)
    binds = centring.share > 0

    np.testing.assert_allclose(centring.centred(7 * centring.share)[binds], 0, atol=1e-9)
