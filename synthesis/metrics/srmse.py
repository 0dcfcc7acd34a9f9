"""Standardised root mean square error of a table: cell errors relative to the mean cell.

The field's measure for synthetic populations (Müller and Axhausen 2011): sqrt(mean((x - t)²)) / mean(t). Over shares,
so that samples of different sizes compare. A table of many cells reaches sqrt(2 × cells) at worst.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

from synthesis.metrics.metric import Metric
from synthesis.metrics.shares import both_shares

METRIC = Metric("srmse", "SRMSE", 0.0, math.inf, 0.0, is_symmetric=True, note="at most sqrt(2 × cells)")


def srmse(synthetic: ArrayLike, reference: ArrayLike) -> float:
    """The error over all cells, empty ones included."""
    left, right = both_shares(synthetic, reference)
    return float(np.sqrt(((left - right) ** 2).mean()) * left.size)
