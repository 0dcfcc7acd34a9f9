"""Jensen-Shannon distance of two tables: square root of the divergence from their mean, base 2 (so at most 1)."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import rel_entr

from synthesis.metrics.metric import Metric
from synthesis.metrics.shares import both_shares

METRIC = Metric("jensen_shannon", "JSD (base 2)", 0.0, 1.0, 0.0, is_symmetric=True, note="distance, not divergence")


def jensen_shannon_distance(synthetic: ArrayLike, reference: ArrayLike) -> float:
    """The distance; scipy.spatial's own can be NaN where rounding makes the divergence of equal tables negative."""
    left, right = both_shares(synthetic, reference)
    middle = (left + right) / 2
    divergence = (rel_entr(left, middle).sum() + rel_entr(right, middle).sum()) / (2 * np.log(2))
    return float(np.sqrt(np.clip(divergence, 0.0, 1.0)))
