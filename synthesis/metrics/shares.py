"""Counts as shares: the one place that refuses an empty table."""

import numpy as np
from numpy.typing import ArrayLike

from schemas.errors import MetricError
from schemas.model import FloatArray


def shares_of(counts: ArrayLike, what: str = "a table") -> FloatArray:
    """The counts divided by their sum, in their own shape."""
    values = np.asarray(counts, dtype=float)
    if not np.isfinite(values).all() or (values < 0).any():
        raise MetricError(f"{what} holds a negative or missing count")
    total = values.sum()
    if total <= 0:
        raise MetricError(f"{what} holds no records")
    return values / total


def both_shares(synthetic: ArrayLike, reference: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Shares of two tables over the same cells."""
    left, right = shares_of(synthetic, "the synthetic table"), shares_of(reference, "the reference table")
    if left.shape != right.shape:
        raise MetricError(f"the tables differ in shape, {left.shape} and {right.shape}")
    return left, right
