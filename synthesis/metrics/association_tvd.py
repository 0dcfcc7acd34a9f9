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
SWEEPS = 10
MAX_STEPS = 100
MAX_LOG_STEP = 1.0
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
    """The table with these margins and its own odds ratios.

    A few sweeps of iterative proportional fitting, then Newton steps on its dual: near-empty cells that have to carry
    a margin would take sweeps without end.
    """
    held = rows > 0, columns > 0
    fitted = _fitted(table[np.ix_(*held)], rows[held[0]], columns[held[1]])
    result = np.zeros_like(table)
    result[np.ix_(*held)] = fitted
    return result


def _fitted(table: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    fitted = table
    for _ in range(SWEEPS):
        fitted = fitted * (rows / fitted.sum(axis=1))[:, None]
        fitted = fitted * (columns / fitted.sum(axis=0))
    for _ in range(MAX_STEPS):
        off = np.concatenate([rows - fitted.sum(axis=1), columns - fitted.sum(axis=0)])
        if np.abs(off).sum() <= MARGIN_SLACK:
            return fitted
        fitted = _stepped(fitted, off)
    raise MetricError(f"the synthetic table could not be raked to the reference's margins in {MAX_STEPS} steps")


def _stepped(fitted: FloatArray, off: FloatArray) -> FloatArray:
    """One Newton step on the multipliers' logarithms, shortened so that no cell changes beyond measure."""
    rows = len(fitted)
    hessian = np.diag(np.concatenate([fitted.sum(axis=1), fitted.sum(axis=0)]) * (1 + 1e-10) + 1e-300)
    hessian[:rows, rows:], hessian[rows:, :rows] = fitted, fitted.T
    step = np.linalg.lstsq(hessian, off, rcond=None)[0]
    step = step * min(1.0, MAX_LOG_STEP / max(np.abs(step).max(), 1e-300))
    return fitted * np.exp(step[:rows, None] + step[rows:])
