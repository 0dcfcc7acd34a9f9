"""Share of zones whose table is met: total variation distance of the zone's shares within a stated limit."""

import numpy as np
from numpy.typing import ArrayLike

from schemas.errors import MetricError
from synthesis.metrics.metric import Metric

METRIC = Metric("zones_met", "zones met", 0.0, 1.0, 1.0, "higher is better", is_symmetric=True)
LIMIT = 0.05


def zones_met(synthetic: ArrayLike, reference: ArrayLike, limit: float = LIMIT) -> float:
    """Share of the zones, rows of both arrays, whose TVD is at most `limit`.

    A zone without records on either side is left out; one with records on one side only is missed.
    """
    left, right = np.asarray(synthetic, dtype=float), np.asarray(reference, dtype=float)
    left, right = left.reshape(len(left), -1), right.reshape(len(right), -1)
    sizes = left.sum(axis=1), right.sum(axis=1)
    is_anywhere = (sizes[0] > 0) | (sizes[1] > 0)
    if not is_anywhere.any():
        raise MetricError("no zone holds records")
    shares = [values / np.maximum(size, 1e-300)[:, None] for values, size in zip((left, right), sizes, strict=True)]
    distance = np.abs(shares[0] - shares[1]).sum(axis=1) / 2
    is_met = (distance <= limit) & (sizes[0] > 0) & (sizes[1] > 0)
    return float(is_met[is_anywhere].mean())
