"""Damped Newton on the penalised dual, its steps solved directly or by conjugate gradients.

With few cells the Hessian is formed (a dense product) and factorised: most robust where tables are redundant. With
more, conjugate gradients need only products with the sparse matrix, so that time grows with the plan rows alone
(`benchmarks/solvers.py` compares both with raking, coordinate ascent, sparse factorisation and L-BFGS).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import linalg
from scipy.sparse.linalg import LinearOperator, cg

from schemas.model import FloatArray
from synthesis.dual import Dual

TOLERANCE_RECORDS = 1e-3
TOLERANCE_SHARE = 1e-9
"""Of all records: where there are billions of them, floats cannot tell a thousandth of one."""
MAX_GROWTH = 8.0
"""Logarithm of the factor by which a plan row's weight may grow in one step."""
SUFFICIENT_DECREASE = 1e-4
SHORTEST_STEP = 1e-6
INNER_ITERATIONS = 250
INNER_TOLERANCE = 0.1


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
        return self.residual < tolerance(self.weights)


Direction = Callable[[Dual, FloatArray, FloatArray], FloatArray]
"""The Newton direction at weights with a gradient."""


def tolerance(weights: FloatArray) -> float:
    """Records by which a cell may miss its optimum."""
    return TOLERANCE_RECORDS + TOLERANCE_SHARE * float(weights.sum())


def newton(dual: Dual, weights: FloatArray, max_steps: int, direction_of: Direction) -> Solution:
    """The optimum of the penalised dual, or as near to it as `max_steps` lead; `weights` are those of multiplier 0."""
    start, logs, multipliers = weights, np.zeros(len(weights)), np.zeros(len(dual.target))
    value, wanted = dual.value(weights, multipliers), tolerance(weights)
    for step in range(max_steps + 1):
        gradient = dual.gradient(weights, multipliers)
        residual = float(np.abs(gradient).max(initial=0.0))
        if residual < wanted or step == max_steps:
            break
        direction = direction_of(dual, weights, gradient)
        exponents = dual.exponents(direction)
        # Only growth is bounded: where tables leave no choice but zero, weights have to vanish in few steps.
        length = min(1.0, MAX_GROWTH / max(float(exponents.max(initial=0.0)), 1e-12))
        slope = float(gradient @ direction)
        while length >= SHORTEST_STEP:
            trial, shifted = start * np.exp(logs + length * exponents), multipliers + length * direction
            trial_value = dual.value(trial, shifted)
            if trial_value <= value + SUFFICIENT_DECREASE * length * slope:
                break
            length /= 2
        else:
            break  # rounding errors hide what is left to gain
        logs += length * exponents
        weights, multipliers, value = trial, shifted, trial_value
    return Solution(weights, multipliers, step, residual)


def factorised(dual: Dual, weights: FloatArray, gradient: FloatArray) -> FloatArray:
    """The Newton direction by a Cholesky factorisation; a ridge is added until the Hessian is positive definite."""
    hessian = dual.hessian(weights)
    scale = 1 / np.sqrt(np.maximum(np.diag(hessian), 1e-12))
    hessian *= scale[:, None] * scale[None, :]
    ridge = 1e-12
    while True:
        try:
            factor = linalg.cho_factor(hessian + ridge * np.eye(len(hessian)), check_finite=False)
            solution: FloatArray = -scale * linalg.cho_solve(factor, scale * gradient, check_finite=False)
            return solution
        except linalg.LinAlgError:
            ridge *= 100


def conjugate(dual: Dual, weights: FloatArray, gradient: FloatArray) -> FloatArray:
    """The Newton direction by conjugate gradients, the more exact the nearer the optimum is."""
    scale = 1 / np.sqrt(np.maximum(dual.diagonal(weights), 1e-12))
    size = len(gradient)
    scaled = LinearOperator((size, size), matvec=lambda u: scale * dual.curvature(weights, scale * u), dtype=float)
    needed = float(np.sqrt(np.linalg.norm(gradient) / max(float(weights.sum()), 1.0)))
    solution, _ = cg(scaled, scale * gradient, rtol=min(INNER_TOLERANCE, needed), maxiter=INNER_ITERATIONS)
    direction: FloatArray = -scale * solution
    return direction
