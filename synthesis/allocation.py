"""Balanced allocation: the weights closest to the prior (KL) whose totals meet the cells.

minimise KL(x || w) subject to A x ~ wanted, solved on the dual (`dual`). A few raking sweeps give the start, a damped
Newton finishes. A cell that has to be met gets next to no variance; where exact cells contradict each other at the
edge of what the plan rows can reach, Newton cannot settle so close to the edge, and the variances are raised until it
does: the misses then go to the cells in proportion to their size. Beyond `MAX_NEWTON_CELLS` raking goes on alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.model import FloatArray
from synthesis.condensing import condense
from synthesis.dual import Dual, Solution, dual_of, newton
from synthesis.raking import rake
from synthesis.system import System

MAX_NEWTON_CELLS = 2500
RAKING_SWEEPS = 3
LONG_RAKING_SWEEPS = 400
NEWTON_STEPS = 25
EXACT_VARIANCE = 1e-9
"""Variance of an exact cell relative to its target: only keeps redundant cells from making the system singular."""
SOFT_VARIANCE = 1e-5
"""Variance of a soft cell relative to its target (in records): KL on counts makes n records act as evidence."""
VARIANCES = ((EXACT_VARIANCE, SOFT_VARIANCE), (1e-3, 1e-3), (1e-1, 1e-1))
"""Variances of exact and of soft cells, in turn, as long as Newton does not settle."""
VARIANCES_OF_FEASIBLE = tuple((EXACT_VARIANCE, soft) for soft in (SOFT_VARIANCE, 1e-3, 1e-2, 1e-1))
"""The same where exact cells are known to be within reach: then it is the soft ones that give way."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """`weights`: records per plan row, fractional; `missed`: largest distance of an exact cell from what it wanted."""

    weights: FloatArray
    steps: int
    missed: float


def allocate(system: System, prior: FloatArray, total: float, is_feasible: bool = False) -> Allocation:
    """Weights of the plan rows; they sum to about `total`, rows in a cell that wants nothing get none.

    `is_feasible`: all exact cells are known to be within reach of the prior's rows.
    """
    usable = _usable_prior(system, prior)
    if total <= 0 or usable.sum() <= 0:
        return Allocation(np.zeros(len(prior)), 0, float(np.abs(system.wanted(np.zeros(len(system.aim)))).max()))
    condensed = condense(system, usable)
    start = condensed.sums(usable) * (total / usable.sum())
    if len(system.aim) > MAX_NEWTON_CELLS:
        solved, steps = rake(condensed.system, start, LONG_RAKING_SWEEPS), LONG_RAKING_SWEEPS
    else:
        found = _solve(condensed.system, start, VARIANCES_OF_FEASIBLE if is_feasible else VARIANCES)
        solved, steps = found.weights, found.steps
    return Allocation(condensed.spread(solved, usable), steps, _missed(condensed.system, solved))


def _solve(system: System, prior: FloatArray, variances: Sequence[tuple[float, float]]) -> Solution:
    dual = dual_of(system)
    start = Solution(rake(system, prior, RAKING_SWEEPS), np.zeros(len(system.aim)), 0, np.inf)
    best = start
    steps = 0
    for exact, soft in variances:
        found = newton(dual, start, _variances(system, dual, start.weights, exact, soft), NEWTON_STEPS)
        steps += found.steps
        if found.residual < best.residual:
            best = found
        if found.is_converged:
            break
    return Solution(best.weights, best.multipliers, steps, best.residual)


def _usable_prior(system: System, prior: FloatArray) -> FloatArray:
    """The prior without rows that add to a cell that wants nothing (aims at zero, or is full already)."""
    nothing = (system.aim == 0) | (~system.shares & (system.aim - system.committed <= 0))
    hits = system.matrix @ nothing.astype(float)
    usable = np.where(hits > 0, 0.0, prior)
    if usable.sum() > 0:
        return usable
    # Everything is blocked: keep what only overfills, so that the shortfall shows up in cells instead of in n.
    hits = system.matrix @ (system.aim == 0).astype(float)
    return np.where(hits > 0, 0.0, prior)


def _missed(system: System, weights: FloatArray) -> float:
    achieved = system.matrix.T @ weights
    miss = np.abs(achieved - system.wanted(achieved))[system.exact]
    return float(miss.max(initial=0.0))


def _variances(system: System, dual: Dual, weights: FloatArray, exact: float, soft: float) -> FloatArray:
    achieved = dual.adjoint @ weights
    scale = np.maximum(np.maximum(system.wanted(achieved), achieved), 1.0)
    return scale * np.where(system.exact, exact, soft)
