"""Units: sets of zones that are solved on their own; and the tables that reach beyond them.

A unit is the smallest set of zones that no *inner* table reaches beyond. A table that would merge zones into a unit of
too many cells (a state's table over thousands of block groups) is an *outer* table: its cells are distributed over the
units instead (`synthesis.outer`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from schemas.model import IntArray, Scenario, TargetTable
from synthesis.cells import unit_of_zones

MAX_UNIT_CELLS = 2000
"""Cells that are still solved together: the dense system of the allocation stays a matter of seconds."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Zones (finest, ascending) that are solved together; one pseudo-zone 0 where there are no zones."""

    index: int
    zones: tuple[int, ...]

    @property
    def zone_array(self) -> IntArray:
        """The zones as an array."""
        return np.array(self.zones, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class UnitCut:
    """All units, and the names of the tables that reach beyond them, in the scenario's order.

    `unbound`: means, totals and quantiles that do so; they are measured, but nothing is aimed at them.
    """

    units: tuple[Unit, ...]
    outer: tuple[str, ...]
    unbound: tuple[str, ...] = ()


def cut_units(scenario: Scenario, max_cells: int = MAX_UNIT_CELLS) -> UnitCut:
    """Units closed under as many tables as leave them at most `max_cells` cells each, tables of least reach first."""
    if scenario.zones is None:
        return UnitCut((Unit(0, (0,)),), ())
    inner: list[TargetTable] = []
    label = np.arange(len(scenario.zones.lookup[scenario.zones.variable]))
    for table in sorted(_tables(scenario), key=lambda table: _reach(scenario, table)):
        merged = _closed(scenario, label, [*inner, table])
        is_larger = (merged != label).any()
        if not is_larger or _largest(scenario, merged, [*inner, table]) <= max_cells:
            inner.append(table)
            label = merged
    names = {table.name for table in inner}
    return UnitCut(
        _units(label),
        tuple(table.name for table in scenario.tables if table.name not in names),
        tuple(moment.name for moment in scenario.moments if moment.name not in names),
    )


def closed_units(scenario: Scenario) -> tuple[Unit, ...]:
    """The finest partition of the zones such that every table's unit lies within one part."""
    if scenario.zones is None:
        return (Unit(0, (0,)),)
    return _units(_closed(scenario, np.arange(len(scenario.zones.lookup[scenario.zones.variable])), _tables(scenario)))


def _tables(scenario: Scenario) -> tuple[TargetTable, ...]:
    """All tables, those of means and quantiles last."""
    return (*scenario.tables, *(moment.cells for moment in scenario.moments))


def zones_of_units(units: Sequence[Unit]) -> IntArray:
    """All zones of some units."""
    return np.concatenate([np.zeros(0, dtype=np.int64), *(unit.zone_array for unit in units)])


def _units(label: IntArray) -> tuple[Unit, ...]:
    order = np.argsort(label, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return tuple(Unit(i, tuple(part.tolist())) for i, part in enumerate(parts))


def _closed(scenario: Scenario, label: IntArray, tables: Sequence[TargetTable]) -> IntArray:
    """Zones labelled by the lowest zone of their part."""
    changed = True
    while changed:
        before = label.copy()
        for table in tables:
            lowest = np.full(table.units, len(label))
            units = unit_of_zones(scenario, table)
            np.minimum.at(lowest, units, label)
            label = lowest[units]
        changed = bool((label != before).any())
    return label


def _reach(scenario: Scenario, table: TargetTable) -> int:
    """The most zones that one unit of the table covers."""
    return int(np.bincount(unit_of_zones(scenario, table)).max())


def _largest(scenario: Scenario, label: IntArray, tables: Sequence[TargetTable]) -> int:
    """The most cells that a part holds, each zone's number of records being one."""
    cells = np.bincount(label, minlength=len(label))
    for table in tables:
        _, first = np.unique(unit_of_zones(scenario, table), return_index=True)
        cells += np.bincount(label[first], minlength=len(label)) * table.unit_cells
    return int(cells.max())
