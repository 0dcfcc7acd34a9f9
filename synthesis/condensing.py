"""Plan rows that add the same to every cell are one unknown to the solver: merged before, shared out after."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from schemas.model import FloatArray, IntArray
from synthesis.system import System

HASH_KEY = 0x9E3779B97F4A7C15


@dataclass(frozen=True, slots=True)
class Condensed:
    """`system` has one row per distinct plan row in use; `rows` are those in use, `label` the distinct row of each."""

    system: System
    rows: IntArray
    label: IntArray

    def sums(self, values: FloatArray) -> FloatArray:
        """Values per plan row, summed over equal rows."""
        sums = np.bincount(self.label, weights=values[self.rows], minlength=self.system.matrix.shape[0])
        return sums.astype(float)

    def spread(self, totals: FloatArray, weights: FloatArray) -> FloatArray:
        """Totals per distinct row, shared out over its plan rows in proportion to `weights`."""
        sums = self.sums(weights)
        ratio = np.divide(totals, sums, out=np.zeros(len(sums)), where=sums > 0)
        result = np.zeros(len(weights))
        result[self.rows] = weights[self.rows] * ratio[self.label]
        return result


def condense(system: System, weights: FloatArray) -> Condensed:
    """The system with equal rows merged and rows without weight left out."""
    rows = np.flatnonzero(weights > 0)
    matrix = system.matrix if len(rows) == len(weights) else system.matrix[rows]
    first, label = distinct_rows(matrix)
    return Condensed(replace(system, matrix=matrix[first]), rows, label)


def distinct_rows(matrix: sparse.csr_matrix) -> tuple[IntArray, IntArray]:
    """The first row of each kind, and the kind of each row; kinds are in order of their first row."""
    _, first, inverse = np.unique(row_hashes(matrix), return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]


def row_hashes(matrix: sparse.csr_matrix) -> NDArray[np.uint64]:
    """A 64-bit hash of each row's cells and values (two of a million rows collide once in 37 million times)."""
    values = np.ascontiguousarray(matrix.data, dtype=np.float64).view(np.uint64)
    keys = _mixed(_mixed(matrix.indices.astype(np.uint64) + np.uint64(1)) + values)
    sums = np.concatenate((np.zeros(1, dtype=np.uint64), np.cumsum(keys, dtype=np.uint64)))
    hashes: NDArray[np.uint64] = sums[matrix.indptr[1:]] - sums[matrix.indptr[:-1]]  # modulo 2**64, as the sum is
    return hashes


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of splitmix64: every bit of the input reaches every bit of the output."""
    with np.errstate(over="ignore"):
        mixed = values * np.uint64(HASH_KEY)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(31))
    return result
