"""Tables with a universe against the number of records that other tables say their universe has."""

from dataclasses import dataclass

import numpy as np

from schemas.model import FloatArray, TargetTable
from synthesis.cells import CellCoder, TableCells
from synthesis.evaluation import evaluate
from synthesis.figures import Figures
from synthesis.levels import at_level, common_level
from synthesis.reads import reads_of
from synthesis.records import Records
from synthesis.spaces import Space, Spaces
from synthesis.spread import is_spreadable, spread_counts

NOTICEABLE_RECORDS = 0.5
SPREAD_SHARE = 0.02
"""How far a total may be from its universe, classes cut by it being spread evenly, before that is told."""


@dataclass(frozen=True, slots=True)
class UniverseGap:
    """A table's total, per unit of `level`, and between what bounds `other` says that its universe lies."""

    table: str
    other: str
    level: str | None
    total: FloatArray
    low: FloatArray
    high: FloatArray
    expected: float | None
    """The universe's records over all units, the classes that it cuts being spread evenly."""
    variance: FloatArray

    @property
    def outside(self) -> FloatArray:
        """By how much each unit's total lies above or (negative) below what is possible."""
        over, under = self.total - self.high, self.low - self.total
        return np.where(over > NOTICEABLE_RECORDS, over, 0) - np.where(under > NOTICEABLE_RECORDS, under, 0)


def universe_gaps(coder: CellCoder, spaces: Spaces, figures: Figures) -> list[UniverseGap]:
    """Per table with a universe the other table that contradicts its total most, if one does."""
    found = []
    for name, view in spaces.views.items():
        if view.table.universe is None or name not in figures.published:
            continue
        space = spaces.holding(name)
        gaps = [_gap(coder, spaces, figures, space, name, other) for other in space.tables if other != name]
        told = [gap for gap in gaps if gap is not None and (_size(gap) > NOTICEABLE_RECORDS)]
        if told:
            found.append(max(told, key=_size))
    return found


def _size(gap: UniverseGap) -> float:
    total = float(gap.total.sum())
    is_off = gap.expected is not None and abs(total - gap.expected) > SPREAD_SHARE * max(gap.expected, 1.0)
    return max(float(np.abs(gap.outside).sum()), abs(total - (gap.expected or total)) if is_off else 0.0)


def _gap(coder: CellCoder, spaces: Spaces, figures: Figures, space: Space, name: str, other: str) -> UniverseGap | None:
    """The universe of a table as one over everybody bounds it: cells wholly inside, and all that touch it."""
    table, bounding = spaces.views[name].table, spaces.views[other].table
    if bounding.universe is not None or other not in figures.scaled:
        return None
    level = common_level(coder.scenario, table.zone_level, bounding.zone_level)
    total = at_level(coder.scenario, figures.published[name], table.zone_level, level)
    cells = at_level(coder.scenario, figures.scaled[other], bounding.zone_level, level)
    variance = at_level(coder.scenario, figures.variances[name], table.zone_level, level)
    if total is None or cells is None or variance is None:
        return None
    inside, reached = space.of(name) >= 0, np.arange(cells.shape[1])
    touched, left = (np.isin(reached, space.of(other)[part]) for part in (inside, ~inside))
    low, high = cells[:, touched & ~left].sum(axis=1), cells[:, touched].sum(axis=1)
    expected = _expected(coder, table, spaces.views[other].cells, cells)
    return UniverseGap(name, other, level, total.sum(axis=1), low, high, expected, variance.sum(axis=1))


def _expected(coder: CellCoder, table: TargetTable, other: TableCells, counts: FloatArray) -> float | None:
    """The universe's records by a numeric table, where that variable alone decides the universe."""
    assert table.universe is not None
    reads = reads_of(coder.scenario, [table.universe])
    if not is_spreadable(other) or reads.keys != {other.keys[0]} or reads.aggregates:
        return None
    entity, variable = other.keys[0]
    values = coder.grids.of(entity, variable).representatives()
    inside = evaluate(table.universe, Records(len(values), {variable: values}), False)
    return float((spread_counts(coder, other, counts.sum(axis=0)) * np.asarray(inside, dtype=bool)).sum())
