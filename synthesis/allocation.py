"""Balanced allocation: the weights closest to the prior (KL) whose totals meet the cells.

minimise KL(x || w) subject to A x ~ wanted, solved on the dual (`dual`). A few raking sweeps give the start, a damped
Newton (`newton`) finishes. A cell that has to be met gets next to no variance; where exact cells contradict each
other at the edge of what the plan rows can reach, Newton cannot settle so close to the edge, and the variance is
raised until it does: the misses then go to the cells in proportion to their size.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.model import BoolArray, FloatArray
from synthesis.condensing import condense
from synthesis.dual import dual_of
from synthesis.newton import Solution, conjugate, factorised, newton
from synthesis.raking import rake
from synthesis.system import System

RAKING_SWEEPS = 3
NEWTON_STEPS = 40
FEW_CELLS = 900
"""Squared number of cells, per cell that a plan row touches, up to which the Hessian is formed (measured)."""
MAX_FORMED_CELLS, MAX_FORMED_ELEMENTS = 1500, 40_000_000
CHEAP_PRODUCTS = 300_000_000
"""Multiplications of a Hessian up to which one is formed where conjugate gradients did not settle; beyond, raising
the variances settles in a hundredth of the time, and cells move by less than a record."""
EXACT_VARIANCE = 1e-9
"""Variance of an exact cell relative to its target: only keeps redundant cells from making the system singular."""
SOFT_VARIANCE = 1e-5
"""Variance of a soft cell relative to its target (in records): KL on counts makes n records act as evidence.

Where a standard error is known, the variance is its square over all records: the prior then weighs as one record
(a unit-information prior; Kass and Wasserman 1995, doi:10.1080/01621459.1995.10476592).
"""
VARIANCES = ((EXACT_VARIANCE, SOFT_VARIANCE), (1e-4, 1e-2), (1e-2, 1.0), (1.0, 100.0))
"""Least variances of exact and of soft cells, in turn, as long as Newton does not settle."""
VARIANCES_OF_FEASIBLE = tuple((EXACT_VARIANCE, soft) for soft in (SOFT_VARIANCE, 1e-3, 1e-2, 1e-1, 1.0))
"""The same where exact cells are known to be within reach: then it is the soft ones that give way."""
LEAST_ERROR_SHARE = 1e-2
"""Squared standard errors below this share of the target do not make exact cells stiffer."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """`weights`: records per plan row, fractional; `missed`: largest distance of an exact cell from what it wanted.

    `residual` is how far the optimum is missed, in records. `effective_rows` is the number of plan rows that would be
    as good if all weighed alike (Kish), `design_effect` the factor by which moving the prior's weights loses rows.
    """

    weights: FloatArray
    steps: int
    missed: float
    residual: float = 0.0
    effective_rows: float = 0.0
    design_effect: float = 1.0
    multipliers: FloatArray | None = None


def allocate(system: System, prior: FloatArray, total: float, is_feasible: bool = False) -> Allocation:
    """Weights of the plan rows; they sum to about `total`, rows in a cell that wants nothing get none.

    `is_feasible`: all exact cells are known to be within reach of the prior's rows.
    """
    usable = usable_prior(system, prior)
    if total <= 0 or usable.sum() <= 0:
        return Allocation(np.zeros(len(prior)), 0, float(np.abs(system.wanted(np.zeros(len(system.aim)))).max()))
    condensed = condense(system, usable)
    schedule = VARIANCES_OF_FEASIBLE if is_feasible else VARIANCES
    found = _solve(condensed.system, condensed.sums(usable) * (total / usable.sum()), schedule)
    weights = condensed.spread(found.weights, usable)
    return Allocation(
        weights,
        found.steps,
        _missed(condensed.system, found.weights),
        found.residual,
        effective_rows(weights),
        design_effect(weights, usable),
        found.multipliers,
    )


def effective_rows(weights: FloatArray) -> float:
    """Kish's effective sample size: rows of equal weight that vary as little."""
    squares = float(weights @ weights)
    return float(weights.sum()) ** 2 / squares if squares > 0 else 0.0


def design_effect(weights: FloatArray, prior: FloatArray) -> float:
    """1 + the squared coefficient of variation of weight over prior weight, rows counting by prior weight."""
    ratio = np.divide(weights, prior, out=np.zeros(len(weights)), where=prior > 0)
    mean = float(prior @ ratio)
    return float(prior.sum()) * float(prior @ ratio**2) / mean**2 if mean > 0 else 1.0


def _solve(system: System, prior: FloatArray, schedule: Sequence[tuple[float, float]] = VARIANCES) -> Solution:
    start = rake(system, prior, RAKING_SWEEPS)
    best, steps = Solution(start, np.zeros(len(system.aim)), 0, np.inf), 0
    rows, cells = system.matrix.shape
    has_few_cells = cells**2 <= FEW_CELLS * max(system.matrix.nnz / max(rows, 1), 1)
    can_form = cells <= MAX_FORMED_CELLS and rows * cells <= MAX_FORMED_ELEMENTS
    ways = [factorised] if has_few_cells and can_form else [conjugate, factorised] if can_form else [conjugate]
    is_cheap = rows * cells**2 <= CHEAP_PRODUCTS
    for number, (exact, soft) in enumerate(schedule):
        variance = _variances(system, start, exact, soft)
        for way in ways if number == 0 and is_cheap else ways[:1]:
            found = newton(dual_of(system, variance, is_formed=way is factorised), start, NEWTON_STEPS, way)
            steps += found.steps
            best = min(best, found, key=lambda solution: solution.residual)
            if found.is_converged:
                return Solution(found.weights, found.multipliers, steps, found.residual)
    return Solution(best.weights, best.multipliers, steps, best.residual)


def blocked_cells(system: System) -> BoolArray:
    """Cells that want nothing: they aim at zero, or are full already.

    A zero with a published margin of error is an estimate: it may have to yield to tables that contradict it.
    """
    is_full = ~system.shares & ~system.moments & (system.aim > 0) & (system.aim - system.committed <= 0)
    return _zero_cells(system) | is_full


def blocked_rows(system: System) -> BoolArray:
    """Plan rows that add to a cell that wants nothing."""
    rows: BoolArray = system.matrix @ blocked_cells(system).astype(float) > 0
    return rows


def unsupported_cells(system: System) -> BoolArray:
    """Cells that want records and that no plan row reaches but such as also add to a cell that wants nothing."""
    reached = np.asarray(system.matrix.T @ (~blocked_rows(system)).astype(float)) > 0
    wants = (system.aim > 0) & (system.shares | (system.aim - system.committed >= 0.5))
    unsupported: BoolArray = ~reached & wants & ~system.moments
    return unsupported


def _zero_cells(system: System) -> BoolArray:
    is_estimate = ~system.exact & (system.error_records(system.aim) > 0)
    return (system.aim == 0) & ~is_estimate & ~system.moments


def usable_prior(system: System, prior: FloatArray) -> FloatArray:
    """The prior without rows that add to a cell that wants nothing."""
    usable = np.where(blocked_rows(system), 0.0, prior)
    if usable.sum() > 0:
        return usable
    # Everything is blocked: keep what only overfills, so that the shortfall shows up in cells instead of in n.
    return np.where(system.matrix @ _zero_cells(system).astype(float) > 0, 0.0, prior)


def _missed(system: System, weights: FloatArray) -> float:
    achieved = system.matrix.T @ weights
    miss = np.abs(achieved - system.wanted(achieved))[system.exact]
    return float(miss.max(initial=0.0))


def _variances(system: System, weights: FloatArray, exact: float, soft: float) -> FloatArray:
    """The variance of each cell in the dual; `exact` and `soft` are the least relative to the cell's target."""
    achieved = system.matrix.T @ weights
    scale = np.maximum(np.maximum(system.wanted(achieved), achieved), 1.0)
    squared = system.error_records(achieved) ** 2
    is_known = np.isfinite(squared)
    of_exact = exact * np.where(is_known, np.maximum(squared, LEAST_ERROR_SHARE * scale), scale)
    least = EXACT_VARIANCE if soft == SOFT_VARIANCE else soft
    of_soft = np.where(is_known, np.maximum(squared / max(float(weights.sum()), 1.0), least * scale), soft * scale)
    return np.where(system.exact, of_exact, of_soft) / system.importance
