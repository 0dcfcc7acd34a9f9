"""Conditional total variation: how far the distribution of one variable given another is off, on average."""

import numpy as np
from numpy.typing import ArrayLike

from schemas.errors import MetricError
from synthesis.metrics.metric import Metric
from synthesis.metrics.shares import both_shares

METRIC = Metric("conditional_tvd", "conditional TVD", 0.0, 1.0, 0.0, note="weighted by the reference's shares")


def conditional_tvd(synthetic: ArrayLike, reference: ArrayLike) -> float:
    """Mean TVD of the columns given the row, rows weighted by the reference.

    Tables have shape (condition, outcome). A row without synthetic records counts as wholly wrong: 1.
    """
    left, right = both_shares(synthetic, reference)
    if left.ndim != 2:
        raise MetricError(f"expected two dimensions, got {left.ndim}")
    weights = right.sum(axis=1)
    given = [np.divide(t, t.sum(axis=1, keepdims=True), out=np.zeros_like(t), where=t > 0) for t in (left, right)]
    distance = np.abs(given[0] - given[1]).sum(axis=1) / 2
    return float(min((weights * np.where(left.sum(axis=1) > 0, distance, 1.0)).sum(), 1.0))
