"""Contradictions between two tables, and of one table with the rules, in all zones at once.

Two tables over the same records are two margins of one joint table in which only some pairs of cells can occur
together. Such a joint table exists if and only if no set S of cells of one table counts more records than its
neighbours N(S) in the other (the theorem of Hall, or of Gale for flows). A cell without any pattern is forbidden.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from schemas.model import BoolArray, FloatArray, Scenario
from synthesis.figures import Figures, totals_of
from synthesis.levels import at_level, common_level
from synthesis.spaces import Space, Spaces

EVERY_SUBSET_UP_TO = 9
"""Cells of the smaller table up to which all its subsets are tried; beyond, single cells, all but one, and runs."""
SLACK_RECORDS = 0.5
SLACK_SHARE = 1e-9


@dataclass(frozen=True, slots=True)
class Overfull:
    """`cells` of a table that need `needed` cells of another; per unit of the level, by how much they exceed them.

    The cell after the last of a table stands for everybody outside its universe. `excess` has shape (units,);
    `needs` is empty for forbidden cells.
    """

    table: str
    cells: tuple[int, ...]
    other: str | None
    needed: tuple[int, ...]
    level: str | None
    excess: FloatArray
    variance: FloatArray


def forbidden_cells(spaces: Spaces, figures: Figures) -> list[Overfull]:
    """Nonzero targets on cells that no record can fall into."""
    found = []
    for name, view in spaces.views.items():
        values = figures.scaled.get(name, view.values(view.table.target))
        possible = np.isin(np.arange(values.shape[1]), spaces.holding(name).of(name))
        cells = np.flatnonzero(~possible & (values > SLACK_SHARE).any(axis=0))
        if len(cells):
            variance = figures.variances[name][:, cells].sum(axis=1)
            excess = values[:, cells].sum(axis=1)
            found.append(Overfull(name, tuple(cells.tolist()), None, (), view.table.zone_level, excess, variance))
    return found


def contradicting_pairs(scenario: Scenario, spaces: Spaces, figures: Figures) -> list[Overfull]:
    """For every pair of tables that contradict each other somewhere, the cells that do most."""
    found = []
    for space in (*spaces.root, *spaces.member):
        held = [name for name in space.tables if name in figures.scaled]
        for one, other in combinations(held, 2):
            pair = _pair(scenario, spaces, figures, space, one, other)
            if pair is not None:
                found.append(pair)
    return found


def co_occurrence(space: Space, one: str, other: str, shape: tuple[int, int]) -> BoolArray:
    """Which cells of two tables some pattern shares; the last of each is the outside of its universe."""
    together = np.zeros((shape[0] + 1, shape[1] + 1), dtype=bool)
    together[space.of(one), space.of(other)] = True
    return together


def _pair(scenario: Scenario, spaces: Spaces, figures: Figures, space: Space, one: str, other: str) -> Overfull | None:
    shape = tuple(figures.scaled[name].shape[1] for name in (one, other))
    together = co_occurrence(space, one, other, (shape[0], shape[1]))
    if shape[1] < shape[0]:
        one, other, together = other, one, together.T
    if together[:-1, :-1].all():
        return None
    level = common_level(scenario, *(spaces.views[name].table.zone_level for name in (one, other)))
    left, right = (_with_outside(scenario, spaces, figures, name, level) for name in (one, other))
    if left is None or right is None:
        return None
    best: Overfull | None = None
    for cells in _subsets(together):
        needed = together[cells].any(axis=0)
        excess = left[0][:, cells].sum(axis=1) - right[0][:, needed].sum(axis=1)
        excess = np.where(excess > SLACK_RECORDS, excess, 0.0)
        if excess.any() and (best is None or excess.sum() > best.excess.sum() + SLACK_RECORDS):
            variance = left[1][:, cells].sum(axis=1) + right[1][:, needed].sum(axis=1)
            chosen = tuple(np.flatnonzero(cells).tolist()), tuple(np.flatnonzero(needed).tolist())
            best = Overfull(one, chosen[0], other, chosen[1], level, excess, variance)
    return best


def _with_outside(
    scenario: Scenario, spaces: Spaces, figures: Figures, name: str, level: str | None
) -> tuple[FloatArray, FloatArray] | None:
    """A table's figures and variances at a level, with those outside its universe in one more cell.

    None where it is not known how many there are in all.
    """
    table = spaces.views[name].table
    reference = figures.references.get(table.entity)
    totals = None if reference is None else totals_of(scenario, reference, level)
    values = at_level(scenario, figures.scaled[name], table.zone_level, level)
    variances = at_level(scenario, figures.variances[name], table.zone_level, level)
    if totals is None or values is None or variances is None:
        return None
    outside = np.maximum(totals - values.sum(axis=1), 0.0) if table.universe is not None else np.zeros(len(values))
    return np.column_stack([values, outside]), np.column_stack([variances, np.zeros(len(values))])


def _subsets(together: BoolArray) -> Iterator[BoolArray]:
    """Sets of cells worth trying: those that hold every cell with no further neighbour, smallest first."""
    used, reachable = np.flatnonzero(together.any(axis=1)), together.any(axis=0)
    seen = set()
    for chosen in _candidates(used.tolist()):
        needed = together[list(chosen)].any(axis=0)
        closed: BoolArray = np.asarray(together.any(axis=1) & ~(together & ~needed).any(axis=1))
        if (needed | ~reachable).all() or closed.tobytes() in seen:
            continue
        seen.add(closed.tobytes())
        yield closed


def _candidates(used: list[int]) -> Iterator[tuple[int, ...]]:
    count = len(used)
    if count <= EVERY_SUBSET_UP_TO:
        for size in range(1, count + 1):
            yield from combinations(used, size)
        return
    for start in range(count):
        for stop in range(start + 1, count + 1):
            yield tuple(used[start:stop])
            yield tuple(used[:start] + used[stop:]) or tuple(used)
