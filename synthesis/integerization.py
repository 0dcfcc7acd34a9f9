"""Whole numbers of records per plan row: systematic rounding along the plan order, then a swap pass.

A swap takes a record from one plan row and gives it to another, so n stays. It changes the cost (squared distance of
each cell from what it wants, exact cells weighing more) by |a_j - a_i|^2 + 2 d.(a_j - a_i): rows that are alike but
for the missed cells make good pairs. Short candidate lists do the bulk; then every plan row is scanned as a taker for
blocks of givers, until a stretch of blocks offers no improvement; last, pairs of swaps that only help together are
tried where exact cells are still missed (joint cells off by one around a cycle, their margins being right).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from schemas.model import BoolArray, FloatArray, IntArray
from synthesis.system import System

LISTED = 96
"""Givers and takers considered at a time while there is much to gain."""
MAX_LIST_PASSES = 200
SCANNED = 48
"""Givers matched with every possible taker at a time."""
PAIRED = 48
"""The same, where each match is followed by a search for a second swap."""
MAX_IDLE_SCANS = 12
MAX_SCANS = 400
MAX_PAIRS = 40
EXACT_IMPORTANCES = (40.0, 1e4)
ROOT_IMPORTANCE = 6.0
"""How much more a squared record counts in an exact cell, or another cell of root records, than in a members' cell.

The lower leaves more room to move; the higher follows where tables that contradict each other pulled at exact cells.
"""
UNREACHABLE = 2.0
"""A cell this many records from what it wants even before rounding is out of reach."""
SMALL_GAIN = 1e-6
MET = 0.5
"""A cell nearer than this to what it wants cannot be improved by a whole record."""


@dataclass(slots=True)
class _State:
    """Counts being improved in place; `distance` is what each cell holds beyond its want."""

    matrix: sparse.csr_matrix
    importance: FloatArray
    own: FloatArray
    usable: BoolArray
    counts: IntArray
    distance: FloatArray

    def slope(self) -> FloatArray:
        """First-order change of the cost per record added to each row."""
        slope: FloatArray = 2 * (self.matrix @ (self.importance * self.distance))
        return slope


def integerize(
    system: System, weights: FloatArray, total: int, rng: np.random.Generator, is_thorough: bool = True
) -> IntArray:
    """Records per plan row: whole numbers that sum to `total`, cells as near to their wants as swaps bring them.

    An early round needs not be thorough: what it leaves over, the next corrects.
    """
    if weights.sum() <= 0 or total <= 0:
        return np.zeros(len(weights), dtype=np.int64)
    return swap(system, systematic_rounding(weights, total, rng), weights, is_thorough)


def systematic_rounding(weights: FloatArray, total: int, rng: np.random.Generator) -> IntArray:
    """Every row's weight (scaled to `total`) rounded down or up, such that all sum to `total`; one random start."""
    cumulative = np.cumsum(weights) * (total / weights.sum())
    cumulative[np.flatnonzero(weights)[-1] :] = total  # whatever rounding left over goes to no row without weight
    marks = np.minimum(np.floor(cumulative + rng.random()), total)
    return np.diff(marks, prepend=0.0).astype(np.int64)


def swap(system: System, counts: IntArray, weights: FloatArray, is_thorough: bool = True) -> IntArray:
    """The counts after swaps between rows of positive weight, for as long as they bring cells nearer."""
    matrix, exact = system.matrix, system.exact
    distance = matrix.T @ counts - reachable(system, weights)
    counts = counts.copy()
    for exact_importance in EXACT_IMPORTANCES:
        importance = np.where(exact, exact_importance, np.where(system.of_root, ROOT_IMPORTANCE, 1.0))
        own = matrix.multiply(matrix) @ importance
        state = _State(matrix, importance, own, weights > 0, counts, distance)
        for _ in range(MAX_LIST_PASSES):
            if not _swap_listed(state):
                break
        if not is_thorough:
            break
        _scan(state)
        _swap_pairs(state, exact)
        if not _are_missed(state, exact):
            break
    return counts


def reachable(system: System, weights: FloatArray) -> FloatArray:
    """What each cell wants, or, where tables contradict each other, the compromise that the weights are.

    Swaps cannot close a gap that the weights could not, and would trade exact cells for it, record by record.
    """
    achieved = system.matrix.T @ weights
    wanted = system.wanted(achieved)
    return np.where(np.abs(achieved - wanted) > UNREACHABLE, achieved, wanted)


def _are_missed(state: _State, cells: BoolArray) -> bool:
    return bool((np.abs(state.distance[cells]) >= MET).any())


def _swap_listed(state: _State) -> bool:
    """Swaps among the rows with the steepest slopes (half of them also small themselves); whether there was any."""
    slope = state.slope()
    givers = _lowest(np.where(state.counts > 0, -slope, np.inf), np.where(state.counts > 0, state.own - slope, np.inf))
    takers = _lowest(np.where(state.usable, slope, np.inf), np.where(state.usable, state.own + slope, np.inf))
    giving, taking = state.matrix[givers].toarray(), state.matrix[takers].toarray()
    apart = state.own[givers][:, None] + state.own[takers][None, :] - 2 * (giving * state.importance) @ taking.T
    moved = False
    for _ in range(LISTED):
        pull = 2 * state.importance * state.distance
        change = apart - (giving @ pull)[:, None] + (taking @ pull)[None, :]
        change[state.counts[givers] <= 0] = np.inf
        i, j = np.unravel_index(int(np.argmin(change)), change.shape)
        if not change[i, j] < -SMALL_GAIN:
            break
        _move(state, givers[i], takers[j], taking[j] - giving[i])
        moved = True
    return moved


def _scan(state: _State) -> None:
    idle = 0
    for _ in range(MAX_SCANS):
        if idle >= MAX_IDLE_SCANS or np.abs(state.distance).max() < MET:
            break
        slope = state.slope()
        givers = _givers(state, slope, idle * SCANNED, SCANNED)
        if len(givers) == 0:
            break
        idle = 0 if _swap_scanned(state, givers, slope) else idle + 1


def _givers(state: _State, slope: FloatArray, start: int, wanted: int) -> IntArray:
    """A block of rows with records to give, steepest first."""
    order = np.argsort(np.where(state.counts > 0, -slope, np.inf), kind="stable")[start : start + wanted]
    return order[state.counts[order] > 0]


def _best_takers(state: _State, givers: IntArray, slope: FloatArray) -> tuple[IntArray, FloatArray]:
    """For each giver the taker among all rows that changes the cost least, and that change."""
    giving = state.matrix[givers].toarray()
    # Transposed and copied: a minimum along contiguous memory is several times faster.
    change = np.ascontiguousarray((state.matrix @ (-2 * giving * state.importance).T).T)
    change += state.own + np.where(state.usable, slope, np.inf)
    change[np.arange(len(givers)), givers] = np.inf
    takers = np.argmin(change, axis=1)
    return takers, change[np.arange(len(givers)), takers] + state.own[givers] - slope[givers]


def _swap_scanned(state: _State, givers: IntArray, slope: FloatArray) -> bool:
    """Each giver's best swap where it (re-checked one by one) improves; whether any did."""
    takers, gains = _best_takers(state, givers, slope)
    moved = False
    for k in np.argsort(gains, kind="stable"):
        if not gains[k] < -SMALL_GAIN:
            break
        step = _step(state, givers[k], takers[k])
        gain = state.importance @ (step * step + 2 * state.distance * step)
        if gain < -SMALL_GAIN and state.counts[givers[k]] > 0:
            _move(state, givers[k], takers[k], step)
            moved = True
    return moved


def _swap_pairs(state: _State, exact: BoolArray) -> None:
    """Pairs of swaps that only together bring missed exact cells nearer."""
    for _ in range(MAX_PAIRS):
        if not _are_missed(state, exact) or not _swap_pair(state):
            break
        _scan(state)


def _swap_pair(state: _State) -> bool:
    slope = state.slope()
    givers = _givers(state, slope, 0, PAIRED)
    takers, gains = _best_takers(state, givers, slope)
    for k in np.argsort(gains, kind="stable"):
        step = _step(state, givers[k], takers[k])
        _move(state, givers[k], takers[k], step)
        slope = state.slope()
        others = _givers(state, slope, 0, PAIRED)
        next_takers, next_gains = _best_takers(state, others, slope)
        best = int(np.argmin(next_gains))
        if gains[k] + next_gains[best] < -SMALL_GAIN:
            _move(state, others[best], next_takers[best], _step(state, others[best], next_takers[best]))
            return True
        _move(state, takers[k], givers[k], -step)
    return False


def _step(state: _State, giver: int, taker: int) -> FloatArray:
    """What a swap adds to each cell."""
    step: FloatArray = state.matrix[[taker]].toarray()[0] - state.matrix[[giver]].toarray()[0]
    return step


def _move(state: _State, giver: int, taker: int, step: FloatArray) -> None:
    state.counts[giver] -= 1
    state.counts[taker] += 1
    state.distance += step


def _lowest(*scores: FloatArray) -> IntArray:
    """The rows with the lowest finite scores, `LISTED` in all, from each score the same number."""
    wanted = LISTED // len(scores)
    if len(scores[0]) <= wanted:
        return np.flatnonzero(np.isfinite(scores[0]))
    found = np.unique(np.concatenate([np.argpartition(score, wanted)[:wanted] for score in scores]))
    return found[np.isfinite(scores[0][found])]
