"""Diversity of records: how many are distinct, how many repeat another, and the entropy of their cells in bits."""

import math

import numpy as np
from numpy.typing import ArrayLike

from schemas.errors import MetricError
from synthesis.metrics.metric import Metric
from synthesis.metrics.shares import shares_of

DISTINCT = Metric("distinct_share", "distinct records", 0.0, 1.0, None, "nearer to best is better")
DUPLICATE = Metric("duplicate_share", "records that repeat another", 0.0, 1.0, None, "nearer to best is better")
ENTROPY = Metric("entropy", "entropy of the cells (bits)", 0.0, math.inf, None, "nearer to best is better")


def distinct_share(rows: ArrayLike) -> float:
    """Distinct rows per row, in (0, 1]."""
    return len(_repeats(rows)) / len(np.asarray(rows))


def duplicate_share(rows: ArrayLike) -> float:
    """Share of the rows that have a twin."""
    repeats = _repeats(rows)
    return float(repeats[repeats > 1].sum() / repeats.sum())


def entropy_bits(rows: ArrayLike) -> float:
    """Shannon entropy of the distribution over distinct rows."""
    shares = shares_of(_repeats(rows))
    return float(max(-(shares * np.log2(shares)).sum(), 0.0))


def _repeats(rows: ArrayLike) -> np.ndarray:
    held = np.asarray(rows)
    if not held.size:
        raise MetricError("there are no records")
    return np.unique(held.reshape(len(held), -1), axis=0, return_counts=True)[1]
