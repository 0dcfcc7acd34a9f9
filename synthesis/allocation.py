"""Balanced allocation: the weights closest to the prior (KL) whose totals meet the cells.

minimise KL(x || w) subject to A x ~ wanted, solved on the dual: x = w exp(A' m), one multiplier m per cell. Raking
sweeps (iterative proportional fitting, members as count vectors) come first: robust from any start, slow to finish.
A damped Newton on the dual, each multiplier shrunk by its cell's variance, finishes in a few steps and lands on the
best compromise where tables contradict each other: it never diverges. Beyond `MAX_NEWTON_CELLS` raking goes on alone.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from schemas.model import FloatArray
from synthesis.system import System

MAX_NEWTON_CELLS = 2500
RAKING_SWEEPS = 12
LONG_RAKING_SWEEPS = 400
NEWTON_STEPS = 60
MAX_EXPONENT_CHANGE = 4.0
EXACT_VARIANCE = 1e-9
"""Variance of an exact cell relative to its target: only keeps redundant cells from making the system singular."""
SOFT_VARIANCE = 1e-5
"""Variance of a soft cell relative to its target (in records): KL on counts makes n records act as evidence."""
TOLERANCE_RECORDS = 1e-3


@dataclass(frozen=True, slots=True)
class Allocation:
    """`weights`: records per plan row, fractional; `missed`: largest distance of an exact cell from what it wanted."""

    weights: FloatArray
    steps: int
    missed: float


def allocate(system: System, prior: FloatArray, total: float) -> Allocation:
    """Weights of the plan rows; they sum to about `total`, rows in a cell that wants nothing get none."""
    weights = _usable_prior(system, prior)
    if total <= 0 or weights.sum() <= 0:
        return Allocation(np.zeros(len(prior)), 0, float(np.abs(system.wanted(np.zeros(len(system.aim)))).max()))
    weights = weights * (total / weights.sum())
    is_large = len(system.aim) > MAX_NEWTON_CELLS
    start = rake(system, weights, LONG_RAKING_SWEEPS if is_large else RAKING_SWEEPS)
    solved, steps = (start, LONG_RAKING_SWEEPS) if is_large else newton(system, start)
    return Allocation(solved, steps, _missed(system, solved))


def rake(system: System, weights: FloatArray, sweeps: int) -> FloatArray:
    """Weights after raking sweeps over the blocks; a member block's step is shortened by its largest count."""
    by_cell = system.matrix.T.tocsr()
    pieces = [by_cell[b.start : b.stop].T.tocsr() for b in system.blocks]
    reach = [max(float(piece.sum(axis=1).max()), 1.0) for piece in pieces]
    for _ in range(sweeps):
        before = weights
        for block, piece, steepest in zip(system.blocks, pieces, reach, strict=True):
            achieved = piece.T @ weights
            part = slice(block.start, block.stop)
            aim, committed = system.aim[part], system.committed[part]
            wanted = aim * (achieved.sum() + committed.sum()) if block.binds_share else aim
            wanted = np.maximum(wanted - committed, 0.0)
            ratio = np.divide(wanted, achieved, out=np.ones(len(wanted)), where=(achieved > 0) & (wanted > 0))
            weights = weights * np.exp(piece @ (np.log(ratio) / steepest))
        if np.abs(weights - before).sum() <= 1e-10 * before.sum():
            break
    return weights


def newton(system: System, start: FloatArray) -> tuple[FloatArray, int]:
    """Weights at the optimum of the penalised dual, and the number of steps; `start` is the prior of the multipliers.

    Cells of a share block enter centred: (A_c - share_c * everyone) x, so that their target is a constant.
    """
    multipliers = np.zeros(len(system.aim))
    target = _constant_target(system)
    variance = _variances(system, start)
    transposed = system.matrix.T.tocsr()
    weights, value = start, _dual(system, start, multipliers, target, variance)
    for step in range(NEWTON_STEPS):
        achieved = transposed @ weights
        gradient = _centred(system, achieved) - target + variance * multipliers
        if np.abs(gradient).max() < TOLERANCE_RECORDS:
            return weights, step
        hessian = _hessian(system, transposed, weights) + np.diag(variance)
        direction = -_solve(hessian, gradient)
        # A row without weight keeps none, however large its exponent (0 * inf is not a number).
        exponents = np.where(weights > 0, system.matrix @ _adjoint(system, direction), 0.0)
        length = min(1.0, MAX_EXPONENT_CHANGE / max(float(np.abs(exponents).max(initial=0)), 1e-12))
        slope = float(gradient @ direction)
        while True:
            trial = weights * np.exp(length * exponents)
            shifted = multipliers + length * direction
            trial_value = _dual(system, trial, shifted, target, variance)
            if trial_value <= value + 1e-4 * length * slope or length < 1e-6:
                break
            length /= 2
        if length < 1e-6:
            return weights, step
        weights, multipliers, value = trial, shifted, trial_value
    return weights, NEWTON_STEPS


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


def _variances(system: System, start: FloatArray) -> FloatArray:
    achieved = system.matrix.T @ start
    scale = np.maximum(np.maximum(system.wanted(achieved), achieved), 1.0)
    return scale * np.where(system.exact, EXACT_VARIANCE, SOFT_VARIANCE)


def _constant_target(system: System) -> FloatArray:
    """The right-hand side once share blocks are centred: share * everyone committed - committed."""
    return system.wanted(np.zeros(len(system.aim)))


def _centred(system: System, achieved: FloatArray) -> FloatArray:
    result = achieved.copy()
    for block in system.blocks:
        if block.binds_share:
            part = slice(block.start, block.stop)
            result[part] -= system.aim[part] * achieved[part].sum()
    return result


def _adjoint(system: System, multipliers: FloatArray) -> FloatArray:
    """The transpose of `_centred`: the exponent that each cell passes on to its plan rows."""
    result = multipliers.copy()
    for block in system.blocks:
        if block.binds_share:
            part = slice(block.start, block.stop)
            result[part] -= float(system.aim[part] @ multipliers[part])
    return result


def _dual(
    system: System, weights: FloatArray, multipliers: FloatArray, target: FloatArray, variance: FloatArray
) -> float:
    return float(weights.sum() - multipliers @ target + 0.5 * multipliers @ (variance * multipliers))


def _hessian(system: System, transposed: sparse.csr_matrix, weights: FloatArray) -> FloatArray:
    gram = (transposed.multiply(weights[None, :]).tocsr() @ system.matrix).toarray()
    for block in system.blocks:
        if block.binds_share:
            part = slice(block.start, block.stop)
            gram[part] -= np.outer(system.aim[part], gram[part].sum(axis=0))
            gram[:, part] -= np.outer(gram[:, part].sum(axis=1), system.aim[part])
    return gram


def _solve(hessian: FloatArray, gradient: FloatArray) -> FloatArray:
    scale = 1 / np.sqrt(np.maximum(np.diag(hessian), 1e-12))
    scaled = hessian * scale[:, None] * scale[None, :]
    ridge = 1e-12
    while True:
        try:
            factor = linalg.cho_factor(scaled + ridge * np.eye(len(scaled)), check_finite=False)
            solution: FloatArray = scale * linalg.cho_solve(factor, scale * gradient, check_finite=False)
            return solution
        except linalg.LinAlgError:
            ridge *= 100
