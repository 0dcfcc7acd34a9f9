"""Exact copies: the share of synthetic records that are, in every variable, a record of the reference."""

import numpy as np
from numpy.typing import ArrayLike

from schemas.errors import MetricError
from synthesis.metrics.metric import Metric

METRIC = Metric(
    "exact_copies", "exact copies", 0.0, 1.0, None, "nearer to best is better", note="as held-out real records"
)


def exact_copies(synthetic: ArrayLike, reference: ArrayLike) -> float:
    """Share of the synthetic rows that occur among the reference's."""
    left, right = np.asarray(synthetic), np.asarray(reference)
    if not len(left) or not len(right):
        raise MetricError("one of the samples is empty")
    held = _keys(right)
    return float(np.isin(_keys(left), held).mean())


def _keys(rows: np.ndarray) -> np.ndarray:
    """One opaque key per row. Adding 0.0 turns -0.0, which equals 0.0 in other bytes, into it."""
    plain = np.ascontiguousarray(rows.reshape(len(rows), -1).astype(np.float64) + 0.0)
    return plain.view(np.dtype((np.void, plain.dtype.itemsize * plain.shape[1]))).ravel()
