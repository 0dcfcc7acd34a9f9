"""Total variation with the margins removed: what is left of a pair's error once both its marginals are put right.

The synthetic table is raked to the reference's margins, which keeps its odds ratios, and compared then. Both tables
are first mixed with a trace of the independent table of their mean margins, so that a cell empty by chance can be
raked at all; equal tables still score 0.
"""

import numpy as np
from numpy.typing import ArrayLike

from schemas.errors import MetricError
from schemas.model import FloatArray
from synthesis.metrics.metric import Metric
from synthesis.metrics.shares import both_shares

METRIC = Metric("association_tvd", "TVD, margins removed", 0.0, 1.0, 0.0)
TRACE = 1e-4
MAX_SWEEPS = 5_000
MARGIN_SLACK = 1e-9


def association_tvd(synthetic: ArrayLike, reference: ArrayLike) -> float:
    """TVD of the raked synthetic table, shape (rows, columns), from the reference."""
    left, right = both_shares(synthetic, reference)
    if left.ndim != 2:
        raise MetricError(f"expected two dimensions, got {left.ndim}")
    mean = (left + right) / 2
    trace = TRACE * np.outer(mean.sum(axis=1), mean.sum(axis=0))
    wanted = (1 - TRACE) * right + trace
    raked = rake_to_margins((1 - TRACE) * left + trace, wanted.sum(axis=1), wanted.sum(axis=0))
    return float(min(np.abs(raked - wanted).sum() / 2, 1.0))


def rake_to_margins(table: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """The table with these margins and its own odds ratios, by iterative proportional fitting."""
    fitted = table
    for _ in range(MAX_SWEEPS):
        fitted = fitted * _ratio(rows, fitted.sum(axis=1))[:, None]
        off = columns - fitted.sum(axis=0)
        if np.abs(off).max(initial=0.0) <= MARGIN_SLACK:
            return fitted
        fitted = fitted * _ratio(columns, fitted.sum(axis=0))
    raise MetricError(f"raking did not reach the reference's margins in {MAX_SWEEPS} sweeps")


def _ratio(wanted: FloatArray, held: FloatArray) -> FloatArray:
    return np.divide(wanted, held, out=np.zeros_like(held), where=held > 0)
