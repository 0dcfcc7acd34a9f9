"""Wasserstein-1 distance of two samples of a number: the area between their distribution functions, in its unit."""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import wasserstein_distance

from schemas.errors import MetricError
from synthesis.metrics.metric import Metric

METRIC = Metric("wasserstein_1", "Wasserstein-1", 0.0, math.inf, 0.0, is_symmetric=True, note="in the variable's unit")


def wasserstein_1(synthetic: ArrayLike, reference: ArrayLike) -> float:
    """The mean distance by which values have to be moved; samples may differ in size."""
    left, right = np.asarray(synthetic, dtype=float), np.asarray(reference, dtype=float)
    if not len(left) or not len(right):
        raise MetricError("one of the samples is empty")
    if not np.isfinite(left).all() or not np.isfinite(right).all():
        raise MetricError("one of the samples holds a missing value")
    return float(wasserstein_distance(left, right))
