"""Which cell of each target table a record falls into."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from schemas.model import IntArray, Scenario, TargetTable
from synthesis.binning import Grids, Key, axis_lookup, build_grids
from synthesis.density_fit import fit_densities
from synthesis.evaluation import holds
from synthesis.records import Records


@dataclass(frozen=True, slots=True)
class TableCells:
    """A table with, per axis, the variable it bins and the bin of each of its atoms."""

    table: TargetTable
    keys: tuple[Key, ...]
    lookups: tuple[IntArray, ...]


@dataclass(frozen=True, slots=True)
class CellCoder:
    """Everything needed to code records into cells; one code per variable serves all tables."""

    scenario: Scenario
    grids: Grids
    tables: tuple[TableCells, ...]
    moments: tuple[TableCells, ...] = ()
    """The cells of the scenario's means, totals and quantiles, in its order."""
    held_out: "CellCoder | None" = None
    """Codes records into the tables held out; its own grids, for these tables may not shape the run's."""


def build_coder(scenario: Scenario, grids: Grids) -> CellCoder:
    """The coder of a scenario's tables, on the grids with their densities."""
    tables = tuple(_table_cells(scenario, grids, table) for table in scenario.tables)
    moments = tuple(_table_cells(scenario, grids, moment.cells) for moment in scenario.moments)
    held_out = None
    if scenario.held_out:
        apart = replace(scenario, tables=scenario.held_out, held_out=(), moments=())
        held_out = build_coder(apart, build_grids(apart))
    return CellCoder(scenario, fit_densities(scenario, grids), tables, moments, held_out)


def cell_ids(coder: CellCoder, records: Records) -> dict[str, IntArray]:
    """Per table, the flat cell (unit-major) of every record of its entity; -1 outside the table.

    `records` holds all derived variables.
    """
    codes: dict[Key, IntArray] = {}
    return {cells.table.name: _ids(coder, cells, records, codes) for cells in coder.tables}


def moment_cell_ids(coder: CellCoder, records: Records) -> dict[str, IntArray]:
    """As `cell_ids`, for the cells of means, totals and quantiles."""
    codes: dict[Key, IntArray] = {}
    return {cells.table.name: _ids(coder, cells, records, codes) for cells in coder.moments}


def unit_of_zones(scenario: Scenario, table: TargetTable) -> IntArray:
    """The table's unit of every finest zone; zeros for a table of the whole."""
    if table.zone_level is None or scenario.zones is None:
        return np.zeros(1 if scenario.zones is None else len(scenario.zones.lookup[scenario.zones.variable]), np.int64)
    return scenario.zones.lookup[table.zone_level]


def _table_cells(scenario: Scenario, grids: Grids, table: TargetTable) -> TableCells:
    entity = scenario.entity(table.entity)
    keys = tuple(
        (table.entity if entity.find(axis.variable) else scenario.root.name, axis.variable) for axis in table.axes
    )
    lookups = tuple(axis_lookup(axis, grids.of(*key)) for axis, key in zip(table.axes, keys, strict=True))
    return TableCells(table, keys, lookups)


def _ids(coder: CellCoder, cells: TableCells, records: Records, codes: dict[Key, IntArray]) -> IntArray:
    scenario, table = coder.scenario, cells.table
    of_members = scenario.member is not None and table.entity == scenario.member.name
    length = records.member_count if of_members else records.count
    flat, inside = np.zeros(length, dtype=np.int64), np.ones(length, dtype=bool)
    if table.zone_level is not None and scenario.zones is not None:
        units = unit_of_zones(scenario, table)[records.root[scenario.zones.variable]]
        flat = units[records.parent] if of_members else units
    for axis, key, lookup in zip(table.axes, cells.keys, cells.lookups, strict=True):
        bins = lookup[_codes(coder, key, records, codes)]
        if of_members and key[0] == scenario.root.name:
            bins = bins[records.parent]
        flat = flat * len(axis) + bins
        inside &= bins >= 0
    if table.universe is not None:
        inside &= holds(table.universe, records, of_members)
    return flat if inside.all() else np.where(inside, flat, -1)


def _codes(coder: CellCoder, key: Key, records: Records, codes: dict[Key, IntArray]) -> IntArray:
    if key not in codes:
        columns: Mapping[str, object] = records.root if key[0] == coder.scenario.root.name else records.members
        codes[key] = coder.grids.of(*key).codes(columns[key[1]])  # type: ignore[arg-type]
    return codes[key]
