"""Total variation distance of two tables: the share of records that would have to change their cell."""

import numpy as np
from numpy.typing import ArrayLike

from synthesis.metrics.metric import Metric
from synthesis.metrics.shares import both_shares

METRIC = Metric("total_variation", "TVD", 0.0, 1.0, 0.0, is_symmetric=True)


def total_variation(synthetic: ArrayLike, reference: ArrayLike) -> float:
    """Half the summed absolute differences of the cells' shares."""
    left, right = both_shares(synthetic, reference)
    return float(min(np.abs(left - right).sum() / 2, 1.0))
