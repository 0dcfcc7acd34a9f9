"""Tables over everybody that count more or fewer records than there are, and counts that are all multiples."""

from dataclasses import dataclass

import numpy as np

from schemas.model import FloatArray, Scenario, TargetTable
from synthesis.cells import CellCoder
from synthesis.figures import Figures, totals_of, variances_of
from synthesis.levels import at_level, common_level
from synthesis.spread import fitting_threshold, is_spreadable

NOTICEABLE_RECORDS = 0.5
MULTIPLES = (100, 50, 20, 10, 5, 4, 3, 2)
CHANCE = 1e-6
"""Counts that are all multiples of k are told of if that is less likely than this by chance."""
HOLDS_SHARE = 0.95
"""In how many of the zones with an excess a cell has to be as large as the excess to be named as its holder."""
CLEARLY = 0.1


@dataclass(frozen=True, slots=True)
class TotalGap:
    """A table's total less the reference's, per unit of `level`.

    `holder` is the cell that an excess may sit in; `fits` the universe, by another table, that a deficit fits.
    """

    table: str
    reference: str
    level: str | None
    gap: FloatArray
    total: float
    reference_total: float
    variance: FloatArray
    holder: int | None
    fits: tuple[str, float] | None


@dataclass(frozen=True, slots=True)
class Multiples:
    """A cell whose nonzero counts, `counts` in number, are all multiples of `factor`; or all cells' if it is None."""

    table: str
    cell: int | None
    factor: int
    counts: int
    total: float


def total_gaps(coder: CellCoder, figures: Figures) -> list[TotalGap]:
    """The gaps of all tables over everybody against their entity's reference."""
    found = []
    for table in coder.scenario.tables:
        reference = figures.references.get(table.entity)
        if reference is None or reference is table or table.measure != "count" or table.universe is not None:
            continue
        gap = _total_gap(coder, table, reference)
        if np.abs(gap.gap).max() > NOTICEABLE_RECORDS:
            found.append(gap)
    return found


def multiples_of(table: TargetTable) -> list[Multiples]:
    """What a count table's cells are suspiciously multiples of."""
    if table.measure != "count":
        return []
    cells = table.target.reshape(table.units, -1)
    factors = [_factor(cells[:, cell]) for cell in range(cells.shape[1])]
    if all(factor > 1 for factor in factors):
        common = int(np.gcd.reduce(factors))
        if common > 1:
            return [Multiples(table.name, None, common, int((cells > 0).sum()), float(cells.sum()))]
    return [
        Multiples(table.name, cell, factor, int((cells[:, cell] > 0).sum()), float(cells[:, cell].sum()))
        for cell, factor in enumerate(factors)
        if factor > 1
    ]


def _factor(values: FloatArray) -> int:
    """The largest factor that all nonzero values share beyond chance, else 1."""
    positive = values[values > 0]
    if len(positive) == 0 or (positive != np.floor(positive)).any():
        return 1
    return next((k for k in MULTIPLES if k ** -float(len(positive)) < CHANCE and not (positive % k).any()), 1)


def _total_gap(coder: CellCoder, table: TargetTable, reference: TargetTable) -> TotalGap:
    scenario = coder.scenario
    level = common_level(scenario, table.zone_level, reference.zone_level)
    cells = _summed(scenario, table.target.reshape(table.units, -1), table.zone_level, level)
    totals = totals_of(scenario, reference, level)
    assert totals is not None
    gap = cells.sum(axis=1) - totals
    variance = sum(_summed(scenario, variances_of(t), t.zone_level, level).sum(axis=1) for t in (table, reference))
    return TotalGap(
        table.name,
        reference.name,
        level,
        gap,
        float(cells.sum()),
        float(totals.sum()),
        np.asarray(variance),
        _holder(cells, gap) if gap.sum() > 0 else None,
        _fitting_universe(coder, table) if gap.sum() < 0 else None,
    )


def _summed(scenario: Scenario, values: FloatArray, fine: str | None, coarse: str | None) -> FloatArray:
    summed = at_level(scenario, values, fine, coarse)
    assert summed is not None, "the common level is one that both tables can be summed to"
    return summed


def _holder(cells: FloatArray, gap: FloatArray) -> int | None:
    """The cell that is nowhere smaller than the excess and clearly follows it best: a class counted twice is in it."""
    over = gap > NOTICEABLE_RECORDS
    if (gap < -NOTICEABLE_RECORDS).any() or over.sum() < 3:
        return None
    holds = (cells[over] >= gap[over][:, None] - NOTICEABLE_RECORDS).mean(axis=0)
    shares = np.divide(cells, cells.sum(axis=1, keepdims=True), out=np.zeros(cells.shape), where=cells > 0)
    rate = np.divide(gap, cells.sum(axis=1), out=np.zeros(len(gap)), where=cells.sum(axis=1) > 0)
    follows = np.array(
        [_correlation(shares[:, c], rate) if holds[c] >= HOLDS_SHARE else -1.0 for c in range(len(holds))]
    )
    best = int(np.argmax(follows))
    rest = np.delete(follows, best)
    return best if follows[best] > max(CLEARLY, rest.max(initial=-1.0) + CLEARLY) else None


def _correlation(one: FloatArray, other: FloatArray) -> float:
    return float(np.corrcoef(one, other)[0, 1]) if one.std() > 0 and other.std() > 0 else 0.0


def _fitting_universe(coder: CellCoder, table: TargetTable) -> tuple[str, float] | None:
    """The numeric table of the entity, and the value in it from which on as many records are counted."""
    for cells in coder.tables:
        if cells.table.entity == table.entity and cells.table is not table and is_spreadable(cells):
            value = fitting_threshold(coder, cells, float(table.target.sum()))
            if value is not None:
                return cells.table.name, value
    return None
