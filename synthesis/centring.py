"""Share blocks made linear: cell c of a block that binds shares counts as `A_c x - share_c * (everyone in the block)`.

That operator, its adjoint and its action on rows and Gram matrices; count blocks pass through unchanged.
"""

from dataclasses import dataclass

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray
from synthesis.system import System


@dataclass(frozen=True, slots=True)
class Centring:
    """`block`: the block of each cell; `starts`: each block's first cell; `share`: 0 where a block binds counts."""

    block: IntArray
    starts: IntArray
    share: FloatArray

    @property
    def is_identity(self) -> bool:
        """Whether no block binds shares."""
        return not self.share.any()

    def centred(self, achieved: FloatArray) -> FloatArray:
        """Records per cell, less the cell's share of its block's records."""
        if self.is_identity:
            return achieved.copy()
        sums = np.add.reduceat(achieved, self.starts)
        result: FloatArray = achieved - self.share * sums[self.block]
        return result

    def adjoint(self, multipliers: FloatArray) -> FloatArray:
        """What each cell passes on to its plan rows, given a multiplier per centred cell."""
        if self.is_identity:
            return multipliers.copy()
        sums = np.add.reduceat(self.share * multipliers, self.starts)
        result: FloatArray = multipliers - sums[self.block]
        return result

    def rows(self, adds: FloatArray) -> FloatArray:
        """What plan rows (rows of `adds`) add to the centred cells."""
        if self.is_identity or len(adds) == 0:
            return adds
        result: FloatArray = adds - np.add.reduceat(adds, self.starts, axis=1)[:, self.block] * self.share
        return result

    def gram(self, gram: FloatArray) -> FloatArray:
        """The Gram matrix of the centred cells."""
        return self.rows(self.rows(gram).T).T


def centring_of(system: System, cells: BoolArray | None = None) -> Centring:
    """The centring of a system, or of those of its `cells` that make up whole blocks."""
    sizes = np.array([b.stop - b.start for b in system.blocks])
    block = np.repeat(np.arange(len(sizes)), sizes)
    share = np.where(system.shares, system.aim, 0.0)
    if cells is not None:
        _, block = np.unique(block[cells], return_inverse=True)
        share = share[cells]
    starts = np.flatnonzero(np.diff(block, prepend=-1))
    return Centring(block, starts, share)
