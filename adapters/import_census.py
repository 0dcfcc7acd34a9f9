"""Census tables as a draft scenario: one target table each, with margins of error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from adapters.census_files import CensusTable, read_census_files
from adapters.census_variables import ReadTable, build_entities
from schemas.errors import UserError
from schemas.imports import Draft, DraftTable, Finding
from synthesis.census_labels import LabelAxis, LabelTree, read_tree, split_label
from synthesis.control_variables import safe_name
from synthesis.expressions import nearest

_HOUSEHOLD_SUBJECTS = ("11", "19", "22", "25", "28")
"""Subjects of table numbers (B19001: 19) whose tables mostly count households."""
_HOUSEHOLD_TABLES = ("B08201", "B08202", "B08203")
_PREFIX_LENGTHS = {"state": 2, "county": 5, "tract": 11, "block_group": 12}
NOT_APPLICABLE = "not applicable"
WHOLE = 0.97
"""A table that counts less than this of its entity's largest has a universe of its own."""


@dataclass(frozen=True, slots=True)
class CensusOptions:
    """What the user adds: by table, its entity, its variables' names, its universe."""

    entities: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    universes: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None


def draft_census(paths: Sequence[Path], options: CensusOptions, out: Path) -> Draft:
    """The draft scenario of census tables."""
    findings: list[Finding] = []
    tables = read_census_files(paths)
    _check_options(tables, options)
    read = _named([_understand(table, options, findings) for table in tables], options)
    level, zones = _zones([r.table for r in read], findings)
    levels = _coarser(level, [r.table.level for r in read])
    entities = build_entities(read, findings)
    targets: dict[str, dict[str, Any]] = {}
    files: list[DraftTable] = []
    largest = {entity: max(r.total for r in read if r.entity == entity) for entity in entities}
    for r in sorted(read, key=lambda r: (r.entity == "person", r.total < WHOLE * largest[r.entity])):
        name = safe_name(r.table.table, list(targets))
        target, file = _target(r, name, level, zones, largest[r.entity], options, entities, findings)
        targets[name] = target
        files.append(file)
    document = _document(paths, options, out, entities, targets, level, zones, levels, tables)
    crosswalk = [] if level is None else [_crosswalk(level, zones, levels, read)]
    return Draft(document, (*crosswalk, *files), tuple(dict.fromkeys(findings)), f"Import of census tables: {out.name}")


def _check_options(tables: Sequence[CensusTable], options: CensusOptions) -> None:
    known = list(dict.fromkeys(table.table for table in tables))
    for flag, given in (("--entity", options.entities), ("--names", options.names), ("--universe", options.universes)):
        for table in given:
            if table not in known:
                raise UserError(f"{flag} {table}: no such table in the files{nearest(table, known)}")
    for table, entity in options.entities.items():
        if entity not in ("household", "person"):
            raise UserError(f"--entity {table}={entity}: expected household or person")


def _understand(table: CensusTable, options: CensusOptions, findings: list[Finding]) -> ReadTable:
    tree = read_tree([split_label(label) for label in table.labels])
    entity = options.entities.get(table.table)
    if entity is None:
        is_household = table.table[1:3] in _HOUSEHOLD_SUBJECTS or table.table in _HOUSEHOLD_TABLES
        entity = "household" if is_household else "person"
        text = f"taken to count {entity}s, by its number; state it with --entity {table.table}=…"
        findings.append(Finding("assumed", table.table, text, table.path))
    _check_sums(table, tree, findings)
    return ReadTable(table, tree, tree.axes, entity)


def _check_sums(table: CensusTable, tree: LabelTree, findings: list[Finding]) -> None:
    """Totals and subtotals are not carried; those that their parts do not add up to are told."""
    for parent, below in tree.parents.items():
        off = np.abs(table.estimates[:, parent] - table.estimates[:, list(below)].sum(axis=1))
        if len(below) and np.nanmax(off, initial=0.0) > 0.5:
            text = (
                f"{' '.join(split_label(table.labels[parent])) or 'Total'}: parts miss it in {(off > 0.5).sum()} zones"
            )
            findings.append(Finding("doubtful", table.table, f"{text}, by {np.nanmax(off):,.0f} at most", table.path))


def _named(read: Sequence[ReadTable], options: CensusOptions) -> list[ReadTable]:
    """The tables with a name for each axis; the same labels, or the same kind of number, bear one name."""
    result = []
    for r in read:
        given = options.names.get(r.table.table)
        if given is not None and len(given) != len(r.axes):
            axes = "; ".join(f"{', '.join(axis.labels[:3])}, …" for axis in r.axes)
            raise UserError(
                f"--names {r.table.table}={','.join(given)}: {len(given)} names, expected {len(r.axes)}: {axes}"
            )
        named: list[LabelAxis] = []
        for k, axis in enumerate(r.axes):
            default = axis.name or (r.table.table if len(r.axes) == 1 else f"{r.table.table}_{k + 1}")
            named.append(replace(axis, name=safe_name(given[k] if given else default)))
        result.append(replace(r, axes=tuple(named)))
    return result


def _zones(tables: Sequence[CensusTable], findings: list[Finding]) -> tuple[str | None, list[str]]:
    """The finest level and its zones for which every table of it has all estimates; None for a single zone."""
    level = max(tables, key=lambda table: len(table.zones)).level
    zones = list(max((t for t in tables if t.level == level), key=lambda table: len(table.zones)).zones)
    for table in tables:
        if table.level == level:
            usable = {z for z, row in zip(table.zones, table.estimates, strict=True) if not np.isnan(row).any()}
            lost = [zone for zone in zones if zone not in usable]
            if lost:
                text = f"{len(lost)} {level} zones have no estimate in it, {lost[0]} for one: left out"
                findings.append(Finding("left out", table.table, text, table.path))
            zones = [zone for zone in zones if zone in usable]
    if not zones:
        raise UserError(f"{tables[0].path}: no {level} zone has estimates in every table")
    return (None if len(zones) == 1 and len({t.level for t in tables}) == 1 else level), zones


def _coarser(level: str | None, used: Sequence[str]) -> list[str]:
    """Levels above the finest that its codes tell; a table's level that they do not is refused."""
    if level is None:
        return []
    known = [name for name in _PREFIX_LENGTHS if _PREFIX_LENGTHS[name] < _PREFIX_LENGTHS.get(level, 0)]
    for name in used:
        if name != level and name not in known:
            raise UserError(f"tables by {name} and by {level}: how the one lies in the other is not known")
    return [name for name in reversed(known) if name in used or name == "county"]


def _target(
    r: ReadTable,
    name: str,
    level: str | None,
    zones: Sequence[str],
    largest: float,
    options: CensusOptions,
    entities: dict[str, dict[str, Any]],
    findings: list[Finding],
) -> tuple[dict[str, Any], DraftTable]:
    own = r.table.level
    used = _used_zones(r.table, level, zones, findings)
    target: dict[str, Any] = {"entity": r.entity, "variables": [axis.name for axis in r.axes]}
    if level is not None:
        target["zone"] = own
    target |= {"file": f"targets/{name}.csv", "measure": "count", "source": safe_name(r.table.table)}
    universe = options.universes.get(r.table.table)
    if universe is None and r.total < WHOLE * largest:
        universe = _own_universe(r, largest, entities, findings)
    if universe is not None:
        target["universe"] = universe
    header = (*([own] if level is not None else []), *target["variables"], "count", "moe")
    rows = [
        (*([zone] if level is not None else []), *cell, _plain(value), "" if np.isnan(moe) else _plain(moe))
        for zone in used
        for cell, value, moe in _cells(r, zone)
    ]
    return target, DraftTable(target["file"], header, rows)


def _used_zones(table: CensusTable, level: str | None, zones: Sequence[str], findings: list[Finding]) -> list[str]:
    if level is None or table.level == level:
        return list(zones)
    length = _PREFIX_LENGTHS[table.level]
    needed = dict.fromkeys(zone[:length] for zone in zones)
    for zone in needed:
        if zone not in table.zones or np.isnan(table.estimates[table.zones.index(zone)]).any():
            raise UserError(f"{table.path}: no estimates for {table.level} {zone!r}, in which {level} zones lie")
    unused = len(table.zones) - len(needed)
    if unused:
        text = f"{unused} {table.level} zones hold no {level} zone of the other tables: left out"
        findings.append(Finding("left out", table.table, text, table.path))
    return list(needed)


def _own_universe(
    r: ReadTable, largest: float, entities: dict[str, dict[str, Any]], findings: list[Finding]
) -> str | None:
    """A table of some: they are told by a category beside the table's; a number has none, so it is asked for."""
    share = f"counts {r.total:,.0f} of {largest:,.0f} {r.entity}s"
    axis = next((axis for axis in r.axes if not axis.is_numeric and axis.name not in ("sex",)), None)
    if axis is None:
        text = f"{share}: taken as shares of all; state whom it counts with --universe {r.table.table}='age >= …'"
        findings.append(Finding("doubtful", r.table.table, text, r.table.path))
        return None
    categories = entities[r.entity]["variables"][axis.name]["categories"]
    if NOT_APPLICABLE not in categories:
        categories.append(NOT_APPLICABLE)
    text = (
        f"{share}: the others are {NOT_APPLICABLE!r}; state whom it counts with --universe {r.table.table}='age >= …'"
    )
    findings.append(Finding("assumed", r.table.table, text, r.table.path))
    return f'{axis.name} != "{NOT_APPLICABLE}"'


def _cells(r: ReadTable, zone: str) -> list[tuple[tuple[str, ...], float, float]]:
    row = r.table.zones.index(zone)
    return [
        (
            tuple(axis.cells[k] for axis, k in zip(r.axes, place, strict=True)),
            float(r.table.estimates[row, label]),
            float(r.table.moes[row, label]),
        )
        for label, place in r.tree.cells.items()
    ]


def _document(
    paths: Sequence[Path],
    options: CensusOptions,
    out: Path,
    entities: dict[str, dict[str, Any]],
    targets: dict[str, Any],
    level: str | None,
    zones: Sequence[str],
    levels: Sequence[str],
    tables: Sequence[CensusTable],
) -> dict[str, Any]:
    name = safe_name(options.name or out.name)
    for entity in entities.values():
        if not entity["derived"]:
            del entity["derived"]
    document: dict[str, Any] = {
        "name": name,
        "title": f"{name}, from census tables {', '.join(dict.fromkeys(table.table for table in tables))}",
        "description": "Imported; IMPORT.md says what was left out and assumed. Margins of error are of 90 per cent.",
        "sources": {
            safe_name(table.table): {"publisher": "U.S. Census Bureau", "title": f"Table {table.table}"}
            | ({"note": Path(table.path).name} if table.path else {})
            for table in tables
        },
        "entities": entities,
    }
    if level is not None:
        document["zones"] = {"variable": level, "crosswalk": "zones.csv", "partition_by": [level, *levels][-1]}
    document["targets"] = targets
    return document


def _crosswalk(level: str, zones: Sequence[str], levels: Sequence[str], read: Sequence[ReadTable]) -> DraftTable:
    name_of = {zone: name for r in read for zone, name in zip(r.table.zones, r.table.names, strict=True)}
    rows = [(zone, name_of.get(zone, ""), *(zone[: _PREFIX_LENGTHS[coarse]] for coarse in levels)) for zone in zones]
    return DraftTable("zones.csv", (level, f"{level}_name", *levels), rows)


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value
