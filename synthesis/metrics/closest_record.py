"""Distance to the closest record: whether synthetic records huddle closer to real ones than other real records do.

Rows are points whose city-block distance is Gower's (synthesis.metrics.features scales them). The figure is the ratio
of a low quantile of synthetic records' distances to that of held-out real records' distances, both to the same half
of the reference: 1 as a fresh sample, towards 0 when records were copied with little change.
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from schemas.errors import MetricError
from schemas.model import FloatArray
from synthesis.metrics.metric import Metric

METRIC = Metric(
    "closest_record_ratio",
    "distance to closest record, against hold-out",
    0.0,
    math.inf,
    1.0,
    "nearer to best is better",
    note="below 1: closer to real records than real records are",
)
CLOSER = Metric(
    "closer_than_holdout",
    "closer to one half than to the other",
    0.0,
    1.0,
    0.5,
    "nearer to best is better",
    note="0.5: neither half was copied",
)
QUANTILE = 0.5
CHUNK_CELLS = 4_000_000


def closest_distances(points: ArrayLike, others: ArrayLike) -> FloatArray:
    """Each point's city-block distance to the closest of `others`."""
    left, right = np.asarray(points, dtype=float), np.asarray(others, dtype=float)
    if not len(left) or not len(right):
        raise MetricError("one of the samples is empty")
    step = max(CHUNK_CELLS // len(right), 1)
    parts = [cdist(left[i : i + step], right, "cityblock").min(axis=1) for i in range(0, len(left), step)]
    return np.concatenate(parts)


def closest_record_ratio(synthetic: FloatArray, holdout: FloatArray, quantile: float = QUANTILE) -> float:
    """Ratio of the distances' quantiles, from `closest_distances` to the same half."""
    near, usual = float(np.quantile(synthetic, quantile)), float(np.quantile(holdout, quantile))
    if usual <= 0:
        raise MetricError(f"{1 - quantile:.0%} or more of the held-out records have a twin, so distances tell nothing")
    return near / usual


def closer_than_holdout(to_first: FloatArray, to_second: FloatArray) -> float:
    """Share of the records closer to the first half than to the second, ties counted half."""
    if not len(to_first):
        raise MetricError("there are no records")
    return float((to_first < to_second).mean() + (to_first == to_second).mean() / 2)
