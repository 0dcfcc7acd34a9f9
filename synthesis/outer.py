"""Outer tables: their targets distributed over the units, so that units stay small and independent.

What a unit would add to an outer cell under its inner tables alone is its *response*. Raking the responses over cells
(and, where a table covers everybody, over units) gives each unit a *part*: close to its response, all parts together
the target. Units are asked in waves: what a wave missed is distributed over the units that are left, never told to
two of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray, Scenario, TargetTable, Tolerance
from synthesis.aggregates import Counts
from synthesis.aims import Aims
from synthesis.cells import CellCoder, cell_ids, unit_of_zones
from synthesis.records import Records
from synthesis.units import Unit, UnitCut

Held = Sequence[FloatArray]
"""Per unit, what it holds in its outer cells."""
SWEEPS = 50
LARGEST_CORRECTION = 2.0
"""A later wave's part is at most so many times (and at least the inverse of) what the unit was meant to add."""


@dataclass(frozen=True, slots=True)
class OuterCells:
    """The cells of all outer tables, numbered through; per unit those that its zones lie in."""

    tables: tuple[TargetTable, ...]
    starts: tuple[int, ...]
    of_unit: tuple[IntArray, ...]
    unbound: tuple[str, ...] = ()
    """Means, totals and quantiles that reach beyond units."""

    @property
    def count(self) -> int:
        """Number of outer cells."""
        return self.starts[-1] + self.tables[-1].cells if self.tables else 0


def outer_cells(scenario: Scenario, cut: UnitCut) -> OuterCells:
    """The outer cells of a scenario's units."""
    tables = tuple(table for table in scenario.tables if table.name in cut.outer)
    starts = tuple(np.cumsum([0, *(table.cells for table in tables)])[:-1].tolist())
    of_unit = []
    for unit in cut.units:
        parts = [np.zeros(0, dtype=np.int64)]
        for table, start in zip(tables, starts, strict=True):
            blocks = np.unique(unit_of_zones(scenario, table)[unit.zone_array])
            parts.append(start + (blocks[:, None] * table.unit_cells + np.arange(table.unit_cells)).ravel())
        of_unit.append(np.concatenate(parts))
    return OuterCells(tables, starts, tuple(of_unit), cut.unbound)


def inner_coder(coder: CellCoder, outer: OuterCells) -> CellCoder:
    """The coder without outer tables."""
    names = {table.name for table in outer.tables}
    return _of_tables(coder, outer, {t.name: t for t in coder.scenario.tables if t.name not in names})


def outer_coder(coder: CellCoder, outer: OuterCells) -> CellCoder:
    """The coder of the outer tables alone."""
    return _of_tables(coder, outer, {table.name: table for table in outer.tables})


def asked(
    coder: CellCoder, aims: Aims, committed: Counts, outer: OuterCells, unit: int, part: FloatArray
) -> tuple[CellCoder, Aims, Counts]:
    """Coder, aims and counts with the unit's part as its aim; inner tables come first, so its outer cells are soft."""
    targets, counts = dict(aims.targets), dict(committed)
    tables = {table.name: table for table in coder.scenario.tables}
    flat = np.zeros(outer.count)
    flat[outer.of_unit[unit]] = part
    for table, start in zip(outer.tables, outer.starts, strict=True):
        own = flat[start : start + table.cells].reshape(table.units, -1)
        totals = own.sum(axis=1, keepdims=True)
        shares = np.divide(own, totals, out=np.zeros(own.shape), where=totals > 0)
        targets[table.name] = (shares if table.binds == "share" else own).ravel()
        counts[table.name] = np.zeros(table.cells, dtype=np.int64)
        tables[table.name] = replace(table, tolerance=Tolerance("share_tvd", 0.0))
    return _of_tables(coder, outer, tables), replace(aims, targets=targets), counts


def spread(
    outer: OuterCells,
    aims: Aims,
    responses: Sequence[FloatArray],
    now: Sequence[int],
    later: Sequence[int],
    committed: Counts,
) -> dict[int, FloatArray]:
    """The parts of the units `now`: what is left of the outer targets, distributed over them and those of `later`."""
    every = np.arange(len(responses))
    base = _rake(outer, responses, every, _target(outer, aims, responses, every, None), None)
    left = np.array([*now, *later])
    if len(left) < len(every):
        remaining = _target(outer, aims, base, left, committed)
        base = _rake(outer, base, left, remaining, LARGEST_CORRECTION)
    return {unit: base[unit] for unit in now}


def held_in_outer(
    coder: CellCoder, outer: OuterCells, units: Sequence[Unit], values: Records, counts: IntArray
) -> Held:
    """What the records of each unit add to its outer cells; `counts`: records of each plan row with these `values`."""
    scenario = coder.scenario
    unit_of_zone = np.zeros(sum(len(unit.zones) for unit in units), dtype=np.int64)
    for unit in units:
        unit_of_zone[unit.zone_array] = unit.index
    assert scenario.zones is not None, "without zones there is one unit, which no table reaches beyond"
    unit_of_row = unit_of_zone[values.root[scenario.zones.variable]]
    ids = cell_ids(outer_coder(coder, outer), values)
    flat = np.zeros((len(units), outer.count))
    for table, start in zip(outer.tables, outer.starts, strict=True):
        rows = np.arange(values.count) if table.entity == scenario.root.name else values.parent
        inside = ids[table.name] >= 0
        np.add.at(flat, (unit_of_row[rows[inside]], start + ids[table.name][inside]), counts[rows[inside]])
    return [flat[unit.index][outer.of_unit[unit.index]] for unit in units]


def moved_parts(
    outer: OuterCells,
    aims: Aims,
    held: Held,
    growth: FloatArray,
    units: Sequence[int],
    missed: Mapping[str, BoolArray],
    counts: Counts,
) -> dict[int, FloatArray]:
    """What `units` are to hold in their outer cells, such that those that miss their targets meet them.

    `held`: what each unit holds; `growth`: of its number of records; `counts`: what there is now, over all units.
    Changes are whole numbers, rounded along the units, so that they sum to what is wanted.
    """
    index = np.array(units, dtype=np.int64)
    if len(index) == 0:
        return {}
    grown = [part * growth[unit] for unit, part in enumerate(held)]
    now = np.concatenate([np.zeros(0), *(counts[table.name] for table in outer.tables)])
    others, target = now - _sums(outer, held, index), _sums(outer, grown, index)
    for table, start in zip(outer.tables, outer.starts, strict=True):
        cells = slice(start, start + table.cells)
        is_missed = np.repeat(missed[table.name], table.unit_cells)
        aim = aims.targets[table.name]
        if table.binds == "share":
            everyone = (others[cells] + target[cells]).reshape(table.units, -1).sum(axis=1)
            aim = aim * np.repeat(everyone, table.unit_cells)
        target[cells] = np.where(is_missed, np.maximum(aim - others[cells], 0.0), target[cells])
    parts = _rake(outer, grown, index, target, None)
    carried = np.zeros(outer.count)
    found = {}
    for unit in index.tolist():
        cells = outer.of_unit[unit]
        change = parts[unit] - held[unit] + carried[cells]
        found[unit] = held[unit] + np.round(change)
        carried[cells] = change - np.round(change)
    return found


def _of_tables(coder: CellCoder, outer: OuterCells, tables: Mapping[str, TargetTable]) -> CellCoder:
    """The coder of some tables, and of the means and quantiles that lie within units."""
    kept = [cells for cells in coder.tables if cells.table.name in tables]
    moments = tuple(moment for moment in coder.scenario.moments if moment.name not in outer.unbound)
    scenario = replace(coder.scenario, tables=tuple(tables[cells.table.name] for cells in kept), moments=moments)
    return replace(
        coder,
        scenario=scenario,
        tables=tuple(replace(cells, table=tables[cells.table.name]) for cells in kept),
        moments=tuple(cells for cells in coder.moments if cells.table.name not in outer.unbound),
    )


def _target(
    outer: OuterCells, aims: Aims, values: Sequence[FloatArray], units: IntArray, committed: Counts | None
) -> FloatArray:
    """Records that the units together are to add to each outer cell."""
    expected = _sums(outer, values, units)
    target = np.zeros(outer.count)
    for table, start in zip(outer.tables, outer.starts, strict=True):
        cells = slice(start, start + table.cells)
        there = np.zeros(table.cells) if committed is None else committed[table.name].astype(float)
        aim = aims.targets[table.name]
        if table.binds == "share":
            everyone = (expected[cells] + there).reshape(table.units, -1).sum(axis=1)
            aim = aim * np.repeat(everyone, table.unit_cells)
        target[cells] = np.maximum(aim - there, 0.0)
    return target


def _sums(outer: OuterCells, values: Sequence[FloatArray], units: IntArray) -> FloatArray:
    cells = np.concatenate([outer.of_unit[i] for i in units])
    flat = np.concatenate([values[i] for i in units])
    return np.bincount(cells, weights=flat, minlength=outer.count).astype(float)


def _rake(
    outer: OuterCells, values: Sequence[FloatArray], units: IntArray, target: FloatArray, bound: float | None
) -> list[FloatArray]:
    """The values of `units` raked to each cell's target, and to their own totals in tables that cover everybody."""
    cells = np.concatenate([outer.of_unit[i] for i in units])
    flat = np.concatenate([values[i] for i in units])
    rows, is_fixed = _rows(outer, units, cells)
    totals = np.bincount(rows, weights=flat)
    start = flat.copy()
    for _ in range(SWEEPS):
        before = flat
        of_rows = np.bincount(rows, weights=flat)
        keep = np.divide(totals, of_rows, out=np.ones(len(totals)), where=of_rows > 0)
        flat = flat * np.where(is_fixed, keep[rows], 1.0)
        sums = np.bincount(cells, weights=flat, minlength=outer.count)
        flat = flat * np.divide(target, sums, out=np.zeros(outer.count), where=sums > 0)[cells]
        if bound is not None:
            flat = np.clip(flat, start / bound, start * bound)
        if np.abs(flat - before).max(initial=0) < 1e-9:
            break
    raked = list(values)
    for unit, part in zip(units, np.split(flat, np.cumsum([len(outer.of_unit[i]) for i in units])[:-1]), strict=True):
        raked[unit] = part
    return raked


def _rows(outer: OuterCells, units: IntArray, cells: IntArray) -> tuple[IntArray, np.ndarray]:
    """For each value the number of its row (a unit in one zone of a table), and whether that row's total is fixed."""
    unit = np.repeat(np.arange(len(units)), [len(outer.of_unit[i]) for i in units])
    block, covers = np.zeros(outer.count, dtype=np.int64), np.zeros(outer.count, dtype=bool)
    first = 0
    for table, start in zip(outer.tables, outer.starts, strict=True):
        inside = slice(start, start + table.cells)
        block[inside] = first + np.repeat(np.arange(table.units), table.unit_cells)
        covers[inside] = table.universe is None
        first += table.units
    _, rows = np.unique(unit * first + block[cells], return_inverse=True)
    return rows, covers[cells]
