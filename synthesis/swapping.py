"""Swaps: a record is taken from one plan row and given to another, so n stays.

A swap changes the cost (squared distance of each cell from what it wants, times its importance) by
|a_j - a_i|^2 + 2 d.(a_j - a_i): rows that are alike but for the missed cells make good pairs.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from schemas.model import BoolArray, FloatArray, IntArray
from synthesis.centring import Centring

SMALL_GAIN = 1e-6
MET = 0.5
"""A cell nearer than this to what it wants cannot be improved by a whole record."""
MAX_DENSE_ELEMENTS = 10_000_000
LISTED = 96
"""Givers and takers considered at a time while there is much to gain."""
MAX_LIST_PASSES = 200
SCANNED = 48
"""Givers matched with every possible taker at a time."""
MAX_IDLE_SCANS = 12
MAX_SCANS = 400
MAX_PAIRS = 40


@dataclass(frozen=True, slots=True)
class Adds:
    """What each plan row adds to each centred cell; dense unless that were too large."""

    matrix: sparse.csr_matrix
    centring: Centring
    dense: FloatArray | None

    def rows(self, index: IntArray) -> FloatArray:
        """The rows `index`, dense."""
        return self.dense[index] if self.dense is not None else self.centring.rows(self.matrix[index].toarray())

    def squares(self, importance: FloatArray) -> FloatArray:
        """Each row's squared length, cells weighing by importance."""
        step = max(MAX_DENSE_ELEMENTS // max(self.matrix.shape[1], 1), 1)
        starts = range(0, self.matrix.shape[0], step)
        parts = [self.rows(np.arange(s, min(s + step, self.matrix.shape[0]))) ** 2 @ importance for s in starts]
        return np.concatenate([np.zeros(0), *parts])


def adds_of(matrix: sparse.csr_matrix, centring: Centring) -> Adds:
    """The rows of `matrix`, centred."""
    is_small = matrix.shape[0] * matrix.shape[1] <= MAX_DENSE_ELEMENTS
    return Adds(matrix, centring, centring.rows(matrix.toarray()) if is_small else None)


@dataclass(slots=True)
class Swaps:
    """Counts being improved in place; `distance` is what each centred cell holds beyond its want."""

    adds: Adds
    importance: FloatArray
    own: FloatArray
    counts: IntArray
    distance: FloatArray

    def slope(self) -> FloatArray:
        """First-order change of the cost per record added to each row."""
        pull = 2 * self.importance * self.distance
        slope: FloatArray = self.adds.matrix @ self.adds.centring.adjoint(pull)
        return slope

    def cost(self) -> float:
        """Squared distance of the cells from what they want, by importance."""
        return float(self.importance @ self.distance**2)

    def are_missed(self, cells: BoolArray) -> bool:
        """Whether a whole record could still matter to one of the cells."""
        return bool((np.abs(self.distance[cells]) >= MET).any())

    def move(self, giver: int, taker: int, step: FloatArray) -> None:
        """Take a record from `giver` and give it to `taker`."""
        self.counts[giver] -= 1
        self.counts[taker] += 1
        self.distance += step

    def step(self, giver: int, taker: int) -> FloatArray:
        """What a swap adds to each cell."""
        giving, taking = self.adds.rows(np.array([giver, taker]))
        step: FloatArray = taking - giving
        return step


def swaps_of(adds: Adds, importance: FloatArray, counts: IntArray, target: FloatArray) -> Swaps:
    """The state of `counts` (improved in place) that aim at `target` in the centred cells."""
    distance = adds.centring.centred(adds.matrix.T @ counts.astype(float)) - target
    return Swaps(adds, importance, adds.squares(importance), counts, distance)


def swap_among(state: Swaps, givers: IntArray, takers: IntArray, max_swaps: int) -> int:
    """Best swaps from `givers` to `takers`, one after the other, until none helps; how many."""
    giving, taking = state.adds.rows(givers), state.adds.rows(takers)
    apart = state.own[givers][:, None] + state.own[takers][None, :] - 2 * (giving * state.importance) @ taking.T
    for done in range(max_swaps):
        pull = 2 * state.importance * state.distance
        gained = np.where(state.counts[givers] > 0, giving @ pull, -np.inf)
        change = apart - gained[:, None] + (taking @ pull)[None, :]
        i, j = divmod(int(np.argmin(change)), len(takers))
        if not change[i, j] < -SMALL_GAIN:
            return done
        state.move(givers[i], takers[j], taking[j] - giving[i])
    return max_swaps


def swap_listed(state: Swaps) -> None:
    """Swaps among the rows with the steepest slopes (half of them also small themselves), list after list."""
    for _ in range(MAX_LIST_PASSES):
        slope = state.slope()
        has = state.counts > 0
        givers = _lowest(np.where(has, -slope, np.inf), np.where(has, state.own - slope, np.inf))
        takers = _lowest(slope, state.own + slope)
        if swap_among(state, givers, takers, LISTED) == 0:
            break


def swap_scanned(state: Swaps, max_idle: int = MAX_IDLE_SCANS) -> None:
    """Swaps from blocks of givers, steepest first, to whatever row takes best, until blocks offer nothing more."""
    idle = 0
    for _ in range(MAX_SCANS):
        if idle >= max_idle or np.abs(state.distance).max(initial=0.0) < MET:
            break
        slope = state.slope()
        givers = _givers(state, slope, idle * SCANNED, SCANNED)
        if len(givers) == 0:
            break
        idle = 0 if _swap_block(state, givers, slope) else idle + 1


def swap_pairs(state: Swaps, exact: BoolArray) -> None:
    """Pairs of swaps that only together bring missed exact cells nearer."""
    for _ in range(MAX_PAIRS):
        if not state.are_missed(exact) or not _swap_pair(state):
            break
        swap_scanned(state)


def _swap_pair(state: Swaps) -> bool:
    slope = state.slope()
    givers = _givers(state, slope, 0, SCANNED)
    takers, gains = _best_takers(state, givers, slope, np.inf)
    for k in np.argsort(gains, kind="stable"):
        if not np.isfinite(gains[k]):
            break
        step = state.step(givers[k], takers[k])
        state.move(givers[k], takers[k], step)
        slope = state.slope()
        others = _givers(state, slope, 0, SCANNED)
        next_takers, next_gains = _best_takers(state, others, slope, gains[k])
        best = int(np.argmin(next_gains))
        if gains[k] + next_gains[best] < -SMALL_GAIN:
            state.move(others[best], next_takers[best], state.step(others[best], next_takers[best]))
            return True
        state.move(takers[k], givers[k], -step)
    return False


def _givers(state: Swaps, slope: FloatArray, start: int, wanted: int) -> IntArray:
    """A block of rows with records to give, steepest first."""
    rows = np.flatnonzero(state.counts > 0)
    return rows[np.argsort(-slope[rows], kind="stable")[start : start + wanted]]


def _best_takers(state: Swaps, givers: IntArray, slope: FloatArray, below: float = 0.0) -> tuple[IntArray, FloatArray]:
    """For each giver the taker that changes the cost least, and that change, if less than `below`.

    A swap changes the cost by at least the difference of the slopes: rows as steep as every giver need no look.
    """
    takers = np.flatnonzero(slope < slope[givers].max() + below)
    if len(takers) == 0:
        return givers, np.full(len(givers), np.inf)
    giving = state.adds.rows(givers) * (-2 * state.importance)
    if state.adds.dense is None:
        weights = np.array([state.adds.centring.adjoint(row) for row in giving])
        change = np.ascontiguousarray((state.adds.matrix[takers] @ weights.T).T)
    else:
        change = giving @ state.adds.dense[takers].T
    change += state.own[takers] + slope[takers]
    change[takers[None, :] == givers[:, None]] = np.inf
    best = np.argmin(change, axis=1)
    return takers[best], change[np.arange(len(givers)), best] + state.own[givers] - slope[givers]


def _swap_block(state: Swaps, givers: IntArray, slope: FloatArray) -> bool:
    """Each giver's best swap where it (re-checked one by one) improves; whether any did."""
    takers, gains = _best_takers(state, givers, slope)
    moved = False
    for k in np.argsort(gains, kind="stable"):
        if not gains[k] < -SMALL_GAIN:
            break
        step = state.step(givers[k], takers[k])
        gain = state.importance @ (step * step + 2 * state.distance * step)
        if gain < -SMALL_GAIN and state.counts[givers[k]] > 0:
            state.move(givers[k], takers[k], step)
            moved = True
    return moved


def _lowest(*scores: FloatArray) -> IntArray:
    """The rows with the lowest finite scores, `LISTED` in all, from each score the same number."""
    wanted = LISTED // len(scores)
    if len(scores[0]) <= wanted:
        return np.flatnonzero(np.isfinite(scores[0]))
    found = np.unique(np.concatenate([np.argpartition(score, wanted)[:wanted] for score in scores]))
    return found[np.isfinite(scores[0][found])]
