"""The penalised dual of an allocation, and the damped Newton that minimises it.

    minimise over m   sum(w exp(A' m)) - m' t + 1/2 m' V m

A holds the centred cells (`centring`), t their constant targets, V a variance per cell: at the optimum a cell misses
its target by its variance times its multiplier. V > 0 makes the dual strictly convex with a finite minimum, whatever
the tables say of each other.
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from schemas.model import FloatArray
from synthesis.centring import Centring, centring_of
from synthesis.system import System

TOLERANCE_RECORDS = 1e-3
MAX_EXPONENT_CHANGE = 4.0
SUFFICIENT_DECREASE = 1e-4
SHORTEST_STEP = 1e-6
DENSE_ROWS_FACTOR = 6
"""A dense Gram product beats a sparse one up to this many cells per cell that a row touches (measured)."""
MAX_DENSE_ELEMENTS = 20_000_000


@dataclass(frozen=True, slots=True)
class Dual:
    """Matrix and adjoint (plan rows x cells, cells x plan rows), targets, and what a Gram product needs."""

    matrix: sparse.csr_matrix
    adjoint: sparse.csr_matrix
    centring: Centring
    target: FloatArray
    dense: FloatArray | None

    def gradient(self, weights: FloatArray, multipliers: FloatArray, variance: FloatArray) -> FloatArray:
        """How far each cell is beyond its target, the penalty included."""
        achieved = self.centring.centred(self.adjoint @ weights)
        return achieved - self.target + variance * multipliers

    def value(self, weights: FloatArray, multipliers: FloatArray, variance: FloatArray) -> float:
        """The dual's value at `multipliers`, whose primal weights are `weights`."""
        return float(weights.sum() - multipliers @ self.target + 0.5 * multipliers @ (variance * multipliers))

    def exponents(self, multipliers: FloatArray) -> FloatArray:
        """The logarithm of the factor that the multipliers put on each plan row."""
        return self.matrix @ self.centring.adjoint(multipliers)

    def gram(self, weights: FloatArray) -> FloatArray:
        """The Hessian of the dual without its penalty, dense."""
        if self.dense is not None:
            scaled = self.dense * np.sqrt(weights)[:, None]
            return self.centring.gram(scaled.T @ scaled)
        scaled = self.matrix.copy()
        scaled.data = scaled.data * np.repeat(weights, np.diff(scaled.indptr))
        return self.centring.gram((self.adjoint @ scaled).toarray())


@dataclass(frozen=True, slots=True)
class Solution:
    """Weights and multipliers where an optimiser stopped, after how many steps, and the gradient's largest entry."""

    weights: FloatArray
    multipliers: FloatArray
    steps: int
    residual: float

    @property
    def is_converged(self) -> bool:
        """Whether the optimum is reached."""
        return self.residual < TOLERANCE_RECORDS


def dual_of(system: System) -> Dual:
    """The dual of a system."""
    matrix = system.matrix
    rows, cells = matrix.shape
    is_dense = cells <= DENSE_ROWS_FACTOR * max(matrix.nnz / max(rows, 1), 1) and rows * cells <= MAX_DENSE_ELEMENTS
    target = system.wanted(np.zeros(cells))
    return Dual(matrix, matrix.T.tocsr(), centring_of(system), target, matrix.toarray() if is_dense else None)


def newton(dual: Dual, start: Solution, variance: FloatArray, max_steps: int) -> Solution:
    """The optimum of the penalised dual, or as near to it as `max_steps` lead."""
    weights, multipliers = start.weights, start.multipliers
    value = dual.value(weights, multipliers, variance)
    for step in range(max_steps + 1):
        gradient = dual.gradient(weights, multipliers, variance)
        residual = float(np.abs(gradient).max(initial=0.0))
        if residual < TOLERANCE_RECORDS or step == max_steps:
            break
        direction = -_solve(dual.gram(weights) + np.diag(variance), gradient)
        exponents = dual.exponents(direction)
        length = min(1.0, MAX_EXPONENT_CHANGE / max(float(np.abs(exponents).max(initial=0.0)), 1e-12))
        slope = float(gradient @ direction)
        while length >= SHORTEST_STEP:
            trial, shifted = weights * np.exp(length * exponents), multipliers + length * direction
            trial_value = dual.value(trial, shifted, variance)
            if trial_value <= value + SUFFICIENT_DECREASE * length * slope:
                break
            length /= 2
        else:
            break  # rounding errors hide what is left to gain
        weights, multipliers, value = trial, shifted, trial_value
    return Solution(weights, multipliers, step, residual)


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
