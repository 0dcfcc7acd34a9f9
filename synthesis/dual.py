"""The penalised dual of an allocation.

    minimise over m   sum(w exp(A' m)) - m' t + 1/2 m' V m

A holds the centred cells (`centring`), t their constant targets, V a variance per cell: at the optimum a cell misses
its target by its variance times its multiplier. V > 0 makes the dual strictly convex with a finite minimum, whatever
the tables say of each other.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from schemas.model import FloatArray
from synthesis.centring import Centring, centring_of
from synthesis.system import System


@dataclass(frozen=True, slots=True)
class Dual:
    """Matrix, adjoint (plan rows x cells, cells x plan rows), adjoint squared entry by entry, and targets.

    `dense` is the matrix once more, where Hessians are to be formed.
    """

    matrix: sparse.csr_matrix
    adjoint: sparse.csr_matrix
    squared: sparse.csr_matrix
    centring: Centring
    target: FloatArray
    variance: FloatArray
    dense: FloatArray | None

    def gradient(self, weights: FloatArray, multipliers: FloatArray) -> FloatArray:
        """How far each cell is beyond its target, the penalty included."""
        achieved = self.centring.centred(self.adjoint @ weights)
        return achieved - self.target + self.variance * multipliers

    def value(self, weights: FloatArray, multipliers: FloatArray) -> float:
        """The dual's value at `multipliers`, whose primal weights are `weights`."""
        return float(weights.sum() - multipliers @ self.target + 0.5 * multipliers @ (self.variance * multipliers))

    def exponents(self, multipliers: FloatArray) -> FloatArray:
        """The logarithm of the factor that the multipliers put on each plan row."""
        return self.matrix @ self.centring.adjoint(multipliers)

    def hessian(self, weights: FloatArray) -> FloatArray:
        """The Hessian, formed."""
        adds = (self.matrix.toarray() if self.dense is None else self.dense) * np.sqrt(weights)[:, None]
        return self.centring.gram(adds.T @ adds) + np.diag(self.variance)

    def curvature(self, weights: FloatArray, direction: FloatArray) -> FloatArray:
        """The Hessian times a direction."""
        weighted = self.adjoint @ (weights * self.exponents(direction))
        return self.centring.centred(weighted) + self.variance * direction

    def diagonal(self, weights: FloatArray) -> FloatArray:
        """The Hessian's diagonal (cells of a share block taken to overlap in no plan row)."""
        squares, share = self.squared @ weights, self.centring.share
        if not self.centring.is_identity:
            sums = np.add.reduceat(squares, self.centring.starts)[self.centring.block]
            squares = squares * (1 - 2 * share) + share**2 * sums
        diagonal: FloatArray = np.maximum(squares, 0.0) + self.variance
        return diagonal


def dual_of(system: System, variance: FloatArray, is_formed: bool = False) -> Dual:
    """The dual of a system whose centred cells have these variances; `is_formed`: its Hessians will be."""
    adjoint = system.matrix.T.tocsr()
    target = system.wanted(np.zeros(len(system.aim)))
    dense = system.matrix.toarray() if is_formed else None
    squared = adjoint.multiply(adjoint).tocsr()
    return Dual(system.matrix, adjoint, squared, centring_of(system), target, variance, dense)
