"""Raking (iterative proportional fitting) over plan rows: robust from any start, slow to finish.

Block by block the weights are scaled by wanted / achieved; a row that adds several members to a block takes a step
shortened by the block's largest count, so that no sweep overshoots.
"""

import numpy as np

from schemas.model import FloatArray
from synthesis.system import System

SETTLED = 1e-10
"""Relative change of the weights in a sweep below which more sweeps change nothing."""


def rake(system: System, weights: FloatArray, sweeps: int) -> FloatArray:
    """Weights after raking sweeps over the blocks."""
    by_cell = system.matrix.T.tocsr()
    blocks = [block for block in system.blocks if not block.is_moment]  # sums of either sign have no ratio
    adjoints = [by_cell[b.start : b.stop] for b in blocks]
    pieces = [adjoint.T.tocsr() for adjoint in adjoints]
    reach = [max(float(adjoint.sum(axis=0).max()), 1.0) for adjoint in adjoints]
    for _ in range(sweeps):
        before = weights
        for block, adjoint, piece, steepest in zip(blocks, adjoints, pieces, reach, strict=True):
            achieved = adjoint @ weights
            part = slice(block.start, block.stop)
            aim, committed = system.aim[part], system.committed[part]
            wanted = aim * (achieved.sum() + committed.sum()) if block.binds_share else aim
            wanted = np.maximum(wanted - committed, 0.0)
            ratio = np.divide(wanted, achieved, out=np.ones(len(wanted)), where=(achieved > 0) & (wanted > 0))
            if np.abs(ratio - 1).max(initial=0.0) > SETTLED:
                weights = weights * np.exp(piece @ (np.log(ratio) / steepest))
        if np.abs(weights - before).sum() <= SETTLED * before.sum():
            break
    return weights
