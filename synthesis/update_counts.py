"""The composition nearest to the present one that meets new targets, in whole records.

The allocation closest to what is there (KL) would change every record's weight a little. The change is concentrated
instead on the records of most leverage, those that the targets' multipliers move most, for as long as no plan row is
more than doubled or halved by it: fewer records are touched, and none of the rest.
"""

from dataclasses import dataclass, replace

import numpy as np

from schemas.model import FloatArray, IntArray
from synthesis.allocation import allocate
from synthesis.centring import centring_of
from synthesis.condensing import distinct_rows
from synthesis.integerization import adjust, approach, fit_totals, systematic_rounding
from synthesis.system import System

SHARES = (0.5, 0.25, 0.125, 0.0625, 0.03125)
"""Of the records, those of most leverage that may change: ever fewer are tried."""
MOST_CHANGE = 2.0
BY_LOT = 0.5
"""Of the way to the new weights, the part that rounding goes."""
AS_GOOD = 0.5
"""Records by which a concentrated change may miss a cell more than the change of all."""


@dataclass(frozen=True, slots=True)
class Change:
    """Records per plan row to retire and to add."""

    retired: IntArray
    added: IntArray


def least_change(system: System, present: IntArray, weights: FloatArray, total: int) -> FloatArray:
    """Weights that meet the cells as `weights` do, with fewer records moved away from `present`."""
    base = present * (total / present.sum()) if present.any() else np.zeros(len(present))
    best, allowed = weights, _distance(system, weights) + AS_GOOD
    most = MOST_CHANGE * max(_most(base, weights), 1.0)
    leverage = np.abs(np.log(np.maximum(weights, 1e-12) / np.maximum(base, 1e-12)))
    leverage[base == 0] = np.inf  # rows that are new carry nothing that could be kept
    order = np.argsort(-leverage, kind="stable")
    reach = np.cumsum(base[order])
    for share in SHARES:
        free = np.zeros(len(base), dtype=bool)
        free[order[reach <= share * total]] = True
        found = _with_others_frozen(system, base, weights, free)
        if _distance(system, found) > allowed or _most(base, found) > most:
            break
        if _moved(present, found) < _moved(present, best):
            best = found
    return best


def whole_change(
    system: System, present: IntArray, weights: FloatArray, total: int, rng: np.random.Generator
) -> Change:
    """The change from `present` to whole numbers near `weights` whose sum is `total`."""
    # Swaps do the rest of the way: each of them moves what is still missing, where rounding moves at random.
    near = present * (total / max(int(present.sum()), 1)) * (1 - BY_LOT) + weights * BY_LOT
    less, more = np.maximum(present - near, 0.0), np.maximum(near - present, 0.0)
    grown = total - int(present.sum())
    gone = max(round(float(less.sum())), -grown)
    start = np.maximum(present - _rounded(less, gone, rng) + _rounded(more, grown + gone, rng), 0)
    start = fit_totals(start, start - near, np.zeros(len(start), dtype=np.int64), np.array([total]))
    counts = adjust(system, weights, approach(system, weights, start)) if total else start
    return _without_exchanges(system, np.maximum(present - counts, 0), np.maximum(counts - present, 0))


def _without_exchanges(system: System, retired: IntArray, added: IntArray) -> Change:
    """The change without records that would be replaced by others that add the same to every cell."""
    _, label = distinct_rows(system.matrix)
    gone, come = np.bincount(label, weights=retired), np.bincount(label, weights=added)
    for kind in np.flatnonzero((gone > 0) & (come > 0)).tolist():
        rows = np.flatnonzero(label == kind)
        needless = min(int(gone[kind]), int(come[kind]))
        for side in (retired, added):
            side[rows] -= np.diff(np.minimum(np.cumsum(side[rows]), needless), prepend=0)
    return Change(retired, added)


def _rounded(weights: FloatArray, total: int, rng: np.random.Generator) -> IntArray:
    if total <= 0 or weights.sum() <= 0:
        return np.zeros(len(weights), dtype=np.int64)
    return systematic_rounding(weights, total, rng)


def _with_others_frozen(system: System, base: FloatArray, weights: FloatArray, free: np.ndarray) -> FloatArray:
    """The allocation of the free rows, all others staying as they are."""
    rows = np.flatnonzero(free)
    kept = np.where(free, 0.0, base)
    part = replace(system, matrix=system.matrix[rows], committed=system.committed + system.matrix.T @ kept)
    prior = np.where(base > 0, base, weights)[rows]
    kept[rows] = allocate(part, prior, float(base[rows].sum())).weights
    return kept


def _distance(system: System, weights: FloatArray) -> float:
    """Records by which the cell that is furthest off misses what it wants."""
    counted = ~system.moments
    centred = centring_of(system).centred(system.matrix.T @ weights)
    return float(np.abs(centred - system.wanted(np.zeros(len(system.aim))))[counted].max(initial=0.0))


def _most(base: FloatArray, weights: FloatArray) -> float:
    """The largest factor by which a plan row that has records gains or loses."""
    rows = np.flatnonzero(base > 0)
    ratio = np.maximum(weights[rows], 1e-12) / base[rows]
    return float(np.maximum(ratio, 1 / ratio).max(initial=1.0))


def _moved(present: IntArray, weights: FloatArray) -> float:
    return float(np.maximum(present - weights, 0.0).sum())
