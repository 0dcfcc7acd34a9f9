"""Whole numbers of records per plan row, in two stages.

First the kinds of root record: plan rows that add the same to all root cells are one kind; their numbers are rounded
(systematically, in the order of their cells) and swapped until the root cells are met. Then, kind by kind, the records
are shared out over its plan rows and swapped among them until the members' cells are met: no such swap moves a root
cell. n is met exactly throughout.
"""

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray
from synthesis.centring import centring_of
from synthesis.condensing import Condensed, condense, distinct_rows
from synthesis.controlled_rounding import controlled_rounding
from synthesis.swapping import MET, Adds, Swaps, adds_of, swap_among, swap_listed, swap_pairs, swap_scanned, swaps_of
from synthesis.system import System

EXACT_IMPORTANCE, ROOT_IMPORTANCE = 40.0, 6.0
"""How much more a squared record counts in an exact cell, or another cell of root records, than in a members' cell."""
ONE_WAY_FACTOR = 4.0
"""How much more yet in missed exact cells of one variable: they sum up joint cells, and are seen first."""
STIFF_FACTOR = 250.0
"""The same for all exact cells, where soft root cells that contradict them pulled. Less leaves more room to move."""
UNREACHABLE = 2.0
"""A cell this many records from what it wants even before rounding is out of reach."""
MOST_IMPORTANT = 10.0
"""A table's stated importance counts so far in swaps; beyond it would freeze all others."""
GIVERS, TAKERS = 64, 128
"""Rows of one kind considered at a time."""
KIND_SWEEPS = 3
KIND_SWAPS = 64
MAX_KIND_SWAPS = 2000
FEW_KINDS = 500
"""Up to so many kinds, each swap is the best of all."""
MAX_SORTED_ELEMENTS = 10_000_000
ACROSS_ROUNDS = 8
NEAR, FAR = 1.5, 2.0
"""Swaps across kinds begin where a cell is missed by more than `FAR`; those that stay missed by `NEAR` weigh more."""


def integerize(
    system: System, weights: FloatArray, total: int, rng: np.random.Generator, is_thorough: bool = True
) -> IntArray:
    """Records per plan row: whole numbers that sum to `total`, cells as near to their wants as swaps bring them.

    An early round needs not be thorough: what it leaves over, the next corrects.
    """
    if weights.sum() <= 0 or total <= 0:
        return np.zeros(len(weights), dtype=np.int64)
    weights = weights * (total / weights.sum())
    condensed = condense(system, weights)
    small = condensed.sums(weights)
    kinds, kind = _kinds(condensed.system)
    of_kind = np.bincount(kind, weights=small).astype(float)
    target = reachable(system, weights)
    counts = _swap_roots(
        condensed.system, kinds, of_kind, systematic_rounding(of_kind, total, rng), target, is_thorough
    )
    rows = round_within(small, kind, counts, rng)
    if not system.of_root.all():
        rows = _swap_members(condensed.system, kind, rows, target, is_thorough)
        if is_thorough:
            rows = _swap_across(condensed.system, rows, target)
    return _among_equals(condensed, weights, rows, rng)


def adjust(system: System, weights: FloatArray, start: IntArray) -> IntArray:
    """The whole numbers of `start` after swaps that bring every cell to what `weights` reach; their sum stays."""
    kinds, kind = _kinds(system)
    target = reachable(system, weights)
    before = np.bincount(kind, weights=start, minlength=len(kinds)).astype(np.int64)
    counts = _swap_roots(system, kinds, before.astype(float), before.copy(), target, True)
    rows = fit_totals(start, start - weights, kind, counts)
    if not system.of_root.all():
        rows = _swap_across(system, _swap_members(system, kind, rows, target, True), target)
    return rows


def approach(system: System, weights: FloatArray, start: IntArray) -> IntArray:
    """The whole numbers of `start` after the swaps, between whatever rows, that gain most; large systems stay."""
    adds = adds_of(system.matrix, centring_of(system, np.ones(len(system.aim), dtype=bool)))
    if adds.dense is None:
        return start
    state = swaps_of(adds, importances(system), start.copy(), reachable(system, weights))
    swap_listed(state)
    swap_scanned(state)
    return state.counts


def fit_totals(counts: IntArray, excess: FloatArray, group: IntArray, totals: IntArray) -> IntArray:
    """The counts, each group summing to its total: rows of most `excess` give records, those of least take them."""
    fitted, excess = counts.copy(), excess.copy()
    change = totals - np.bincount(group, weights=counts, minlength=len(totals)).astype(np.int64)
    for number in np.flatnonzero(change).tolist():
        rows = np.flatnonzero(group == number)
        sign = 1 if change[number] > 0 else -1
        for _ in range(abs(int(change[number]))):
            score = excess[rows] if sign > 0 else np.where(fitted[rows] > 0, -excess[rows], np.inf)
            row = rows[np.argmin(score)]
            fitted[row] += sign
            excess[row] += sign
    return fitted


def systematic_rounding(weights: FloatArray, total: int, rng: np.random.Generator) -> IntArray:
    """Every row's weight (scaled to `total`) rounded down or up, such that all sum to `total`; one random start."""
    cumulative = np.cumsum(weights) * (total / weights.sum())
    cumulative[np.flatnonzero(weights)[-1] :] = total  # whatever rounding left over goes to no row without weight
    marks = np.minimum(np.floor(cumulative + rng.random()), total)
    return np.diff(marks, prepend=0.0).astype(np.int64)


def round_within(weights: FloatArray, group: IntArray, totals: IntArray, rng: np.random.Generator) -> IntArray:
    """Every row's weight (scaled to its group's total) rounded down or up; one random start per group."""
    order = np.argsort(group, kind="stable")
    sums = np.bincount(group, weights=weights, minlength=len(totals))
    scale = np.divide(totals, sums, out=np.zeros(len(totals)), where=sums > 0)
    scaled, sorted_group = (weights * scale[group])[order], group[order]
    last = np.cumsum(np.bincount(group, minlength=len(totals))) - 1
    cumulative = np.cumsum(scaled)
    before = np.concatenate(([0.0], cumulative[last]))[:-1][sorted_group]
    marks = np.minimum(np.floor(cumulative - before + rng.random(len(totals))[sorted_group]), totals[sorted_group])
    marks[last] = totals
    first = np.diff(sorted_group, prepend=-1) > 0
    rounded = np.empty(len(weights), dtype=np.int64)
    rounded[order] = np.where(first, marks, np.diff(marks, prepend=0.0)).astype(np.int64)
    return rounded


def reachable(system: System, weights: FloatArray) -> FloatArray:
    """What each centred cell wants, or, where tables contradict each other, the compromise that the weights are.

    Swaps cannot close a gap that the weights could not, and would trade exact cells for it, record by record.
    """
    centred = centring_of(system).centred(system.matrix.T @ weights)
    wanted = system.wanted(np.zeros(len(system.aim)))
    return np.where(np.abs(centred - wanted) > UNREACHABLE, centred, wanted)


def importances(system: System) -> FloatArray:
    """How much a squared record of distance counts, per cell."""
    stated = np.clip(system.importance, 1 / MOST_IMPORTANT, MOST_IMPORTANT)
    return stated * np.where(system.exact, EXACT_IMPORTANCE, np.where(system.of_root, ROOT_IMPORTANCE, 1.0))


def _kinds(system: System) -> tuple[IntArray, IntArray]:
    """The first row of each kind of root record, kinds in the order of their cells, and every row's kind."""
    cells = np.flatnonzero(system.of_root)
    first, kind = distinct_rows(system.matrix[:, cells] if len(cells) < system.matrix.shape[1] else system.matrix)
    if len(first) * len(cells) > MAX_SORTED_ELEMENTS:
        return first, kind
    order = np.lexsort(system.matrix[first][:, cells].toarray().T[::-1])
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[kind]


def _swap_roots(
    system: System,
    kinds: IntArray,
    weights: FloatArray,
    counts: IntArray,
    target: FloatArray,
    is_thorough: bool,
) -> IntArray:
    """The counts of the kinds after swaps that bring the root cells nearer."""
    cells = system.of_root
    adds = adds_of(system.matrix[kinds][:, np.flatnonzero(cells)], centring_of(system, cells))
    exact = system.exact[cells]
    one_way = exact & (system.ways[cells] <= 1)
    importance = importances(system)[cells]
    state = swaps_of(adds, importance, counts, target[cells])
    _swap_kinds(state, exact, is_thorough)
    if is_thorough and state.are_missed(one_way):
        importance = np.where(one_way, ONE_WAY_FACTOR * importance, importance)
        _swap_kinds(swaps_of(adds, importance, counts, target[cells]), exact, is_thorough)
    if is_thorough and not exact.all() and state.are_missed(exact):
        importance = np.where(exact, STIFF_FACTOR * importance, importance)
        _swap_kinds(swaps_of(adds, importance, counts, target[cells]), exact, is_thorough)
    return _settled(adds, importance, weights, counts, target[cells], exact) if is_thorough else counts


def _settled(
    adds: Adds, importance: FloatArray, weights: FloatArray, counts: IntArray, target: FloatArray, exact: BoolArray
) -> IntArray:
    """The counts; where swaps left exact cells short, those of a controlled rounding if they are nearer."""
    before = swaps_of(adds, importance, counts, target)
    if adds.dense is None or not before.are_missed(exact):
        return counts
    rounded = controlled_rounding(adds.dense, importance, weights, counts, target)
    if rounded is None:
        return counts
    after = swaps_of(adds, importance, rounded, target)
    swap_scanned(after)
    return after.counts if after.cost() < before.cost() else counts


def _swap_kinds(state: Swaps, exact: BoolArray, is_thorough: bool) -> None:
    if len(state.counts) <= FEW_KINDS:
        every = np.arange(len(state.counts))
        swap_among(state, every, every, MAX_KIND_SWAPS)
    else:
        swap_listed(state)
        if is_thorough:
            swap_scanned(state)
    if is_thorough:
        swap_pairs(state, exact)


def _swap_members(system: System, kind: IntArray, counts: IntArray, target: FloatArray, is_thorough: bool) -> IntArray:
    """The counts after swaps between rows of one kind that bring the members' cells nearer."""
    cells = ~system.of_root
    adds = adds_of(system.matrix[:, np.flatnonzero(cells)], centring_of(system, cells))
    state = swaps_of(adds, importances(system)[cells], counts, target[cells])
    order = np.argsort(kind, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(kind[order])) + 1)
    for _ in range(KIND_SWEEPS if is_thorough else 1):
        if not _sweep(state, groups):
            break
    return counts


def _swap_across(system: System, counts: IntArray, target: FloatArray) -> IntArray:
    """The counts after swaps between any rows, where members' cells with a tolerance in records are far off.

    Where root records are of many kinds there is no room within one. Cells that stay missed weigh more from round to
    round: a way out of where no single swap helps any more.
    """
    counted = system.in_records & ~system.of_root
    if not counted.any():
        return counts
    adds = adds_of(system.matrix, centring_of(system, np.ones(len(system.aim), dtype=bool)))
    importance = importances(system)
    for _ in range(ACROSS_ROUNDS):
        state = swaps_of(adds, importance, counts, target)
        if not (np.abs(state.distance[counted]) > FAR).any():
            break
        swap_listed(state)
        swap_scanned(state)
        missed = np.abs(state.distance)
        importance = np.where(missed >= NEAR, importance * np.maximum(missed, 2.0), importance)
    return counts


def _sweep(state: Swaps, groups: list[IntArray]) -> bool:
    """One pass over the kinds, those with most to gain first; whether it moved anything."""
    slope, moved = state.slope(), 0
    promise = [_promise(state, rows, slope) for rows in groups]
    for number in np.argsort(-np.array(promise), kind="stable"):
        if promise[number] <= 0 or np.abs(state.distance).max(initial=0.0) < MET:
            break
        rows = groups[number]
        slope_here = state.adds.rows(rows) @ (2 * state.importance * state.distance)
        has = np.flatnonzero(state.counts[rows] > 0)
        givers = rows[has[np.argsort(-slope_here[has], kind="stable")[:GIVERS]]]
        takers = rows[np.argsort(slope_here, kind="stable")[:TAKERS]]
        moved += swap_among(state, givers, takers, KIND_SWAPS)
    return moved > 0


def _promise(state: Swaps, rows: IntArray, slope: FloatArray) -> float:
    """At most how much a swap among the rows could gain."""
    has = state.counts[rows] > 0
    return float(slope[rows][has].max() - slope[rows].min()) if has.any() else 0.0


def _among_equals(condensed: Condensed, weights: FloatArray, totals: IntArray, rng: np.random.Generator) -> IntArray:
    """The counts of distinct rows, shared out over the plan rows that are equal."""
    counts = np.zeros(len(weights), dtype=np.int64)
    counts[condensed.rows] = round_within(weights[condensed.rows], condensed.label, totals, rng)
    return counts
