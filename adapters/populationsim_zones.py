"""The zones of a PopulationSim folder: crosswalk and control totals joined, cut to the part that is asked for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from adapters.populationsim_files import Inputs
from adapters.target_files import Rows
from schemas.errors import ScenarioError, UserError
from schemas.imports import Finding
from schemas.model import FloatArray
from synthesis.control_variables import safe_name
from synthesis.expressions import nearest

MAX_PARTITIONS = 64
_OTHER_LEVELS = ("TRACT", "PUMA", "COUNTY", "COUNTYFP", "STATE", "STATEFP", "REGION")
_FLOAT_ID = re.compile(r"^(\d+)\.0+$")


@dataclass(frozen=True, slots=True)
class Totals:
    """The control totals of one geography; `row_of` finds a unit's row by its key."""

    rows: Rows
    geography: str
    row_of: Mapping[str, int]

    def counts(self, field: str, units: Sequence[str]) -> FloatArray:
        """A field's count for each unit."""
        values = self.rows.columns[field]
        return np.array([self._number(field, values[self.row_of[key_of(unit)]], unit) for unit in units])

    def _number(self, field: str, text: str, unit: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not 0 <= value <= 1e12:
            message = f"{field} is {text!r}, expected a number of 0 or more"
            raise self.rows.error(message, self.row_of[key_of(unit)])
        return value


@dataclass(frozen=True, slots=True)
class ZonePart:
    """The zones to be synthesised, with their unit at every level; `geographies` of controls and others alike."""

    finest: str
    units: Mapping[str, tuple[str, ...]]
    """Names of a geography's units within the part."""
    unit_of_zone: Mapping[str, tuple[str, ...]]
    """A geography's unit of each finest zone."""
    levels: Mapping[str, str]
    """Name in the scenario, by geography."""
    cut: Mapping[str, str]
    """Geographies that the part cuts through, with an example."""

    def sums(self, zone_counts: FloatArray, geography: str) -> FloatArray:
        """Counts of the finest zones summed to a geography's units."""
        position = {name: i for i, name in enumerate(self.units[geography])}
        where = [position[unit] for unit in self.unit_of_zone[geography]]
        return np.bincount(where, weights=zone_counts, minlength=len(position)).astype(float)

    @property
    def partition_by(self) -> str:
        """The level with the most units among those with few enough for one directory each."""
        fitting = [g for g in self.levels if len(self.units[g]) <= MAX_PARTITIONS] or [self.finest]
        return self.levels[max(fitting, key=lambda geography: len(self.units[geography]))]


def key_of(text: str) -> str:
    """What identifies a unit: its text without a spreadsheet's .0 and without leading zeros."""
    text = _FLOAT_ID.sub(r"\1", text)
    return text.lstrip("0") or "0" if text.isdigit() else text


def read_totals(inputs: Inputs, geography: str, fields: Sequence[str], findings: list[Finding]) -> Totals:
    """A geography's totals; rows repeated to the letter are one."""
    rows = inputs.totals(geography, fields)
    row_of: dict[str, int] = {}
    repeats = 0
    for name in (geography, *fields):
        if name not in rows.columns:
            raise rows.error(f"no column {name!r}{nearest(name, rows.columns)}")
    for i, unit in enumerate(rows.columns[geography]):
        if not unit:
            raise rows.error(f"{geography} is empty", i)
        first = row_of.setdefault(key_of(unit), i)
        if first != i:
            if any(rows.columns[name][i] != rows.columns[name][first] for name in fields):
                raise rows.error(f"{geography} {unit!r} was given other totals on line {rows.lines[first]}", i)
            repeats += 1
    if repeats:
        findings.append(Finding("noted", geography, f"{repeats} repeated rows of totals were read once", rows.path))
    return Totals(rows, geography, row_of)


def build_zones(
    crosswalk: Rows,
    totals: Mapping[str, Totals],
    finest: str,
    where: Sequence[tuple[str, str]],
    findings: list[Finding],
) -> ZonePart:
    """The part of the crosswalk that has totals and passes `where`."""
    columns = _with_all_geographies(crosswalk, totals, findings)
    table = _one_row_per_zone(crosswalk, columns, finest, list(totals), findings)
    zones = _with_totals(table, columns, totals[finest], finest, crosswalk, findings)
    chosen = _chosen(zones, table, columns, totals, finest, where)
    _say_unused(totals, finest, table, columns, zones, findings)
    used = {g: tuple(columns[g][table[key_of(zone)]] for zone in chosen) for g in columns}
    levels = _levels(used, list(totals), finest)
    units = {g: tuple(dict.fromkeys(used[g])) for g in levels}
    cut = _cut_through(zones, set(chosen), table, columns, [g for g in totals if g != finest])
    return ZonePart(finest, units, {g: used[g] for g in levels}, levels, cut)


def _with_all_geographies(
    crosswalk: Rows, totals: Mapping[str, Totals], findings: list[Finding]
) -> dict[str, Sequence[str]]:
    """The crosswalk's columns; a geography it lacks is the column that holds just the totals' units."""
    columns = dict(crosswalk.columns)
    for geography, table in totals.items():
        if geography in columns:
            continue
        units = set(table.row_of)
        same = [name for name, values in columns.items() if {key_of(value) for value in values} == units]
        if not same:
            hint = nearest(geography, columns)
            raise crosswalk.error(f"no column {geography!r}, the geography of {len(units)} totals{hint}")
        columns[geography] = columns[same[0]]
        text = f"is no column of the crosswalk: its column {same[0]} holds the same units, so it is taken for it"
        findings.append(Finding("assumed", geography, text, crosswalk.path))
    return columns


def _one_row_per_zone(
    crosswalk: Rows, columns: Mapping[str, Sequence[str]], finest: str, needed: list[str], findings: list[Finding]
) -> dict[str, int]:
    """The first row of each finest zone; repeated rows must agree on the geographies that matter."""
    row_of: dict[str, int] = {}
    repeats = 0
    for i, zone in enumerate(columns[finest]):
        first = row_of.setdefault(key_of(zone), i)
        if first == i:
            continue
        repeats += 1
        for name in needed:
            if columns[name][i] != columns[name][first]:
                line = crosswalk.lines[first]
                here, there = columns[name][i], columns[name][first]
                message = f"{finest} {zone!r} lies in {name} {here!r} here and in {there!r} on line {line}"
                raise crosswalk.error(message, i)
    if repeats:
        text = f"{repeats} repeated rows of the crosswalk were read once"
        findings.append(Finding("noted", finest, text, crosswalk.path))
    return row_of


def _with_totals(
    table: Mapping[str, int],
    columns: Mapping[str, Sequence[str]],
    totals: Totals,
    finest: str,
    crosswalk: Rows,
    findings: list[Finding],
) -> list[str]:
    """Finest zones of the crosswalk that have totals."""
    known = [columns[finest][row] for key, row in table.items() if key in totals.row_of]
    without = len(table) - len(known)
    if without:
        example = next(columns[finest][row] for key, row in table.items() if key not in totals.row_of)
        text = f"{without} of the crosswalk's {len(table)} zones have no totals, {example} for one: left out"
        findings.append(Finding("left out", finest, text, crosswalk.path))
    missing = [key for key in totals.row_of if key not in table]
    if missing:
        row = totals.row_of[missing[0]]
        text = f"{len(missing)} zones have totals but no row in the crosswalk, {missing[0]} for one: left out"
        findings.append(Finding("left out", finest, text, f"{totals.rows.path}:{totals.rows.lines[row]}"))
    if not known:
        raise crosswalk.error(f"no {finest} of the crosswalk has totals in {totals.rows.path}")
    return known


def _chosen(
    zones: Sequence[str],
    table: Mapping[str, int],
    columns: Mapping[str, Sequence[str]],
    totals: Mapping[str, Totals],
    finest: str,
    where: Sequence[tuple[str, str]],
) -> list[str]:
    """Zones that pass every column's conditions; several values of one column are alternatives."""
    wanted: dict[str, set[str]] = {}
    for column, value in where:
        wanted.setdefault(column, set()).add(key_of(value))
    chosen = list(zones)
    for column, values in wanted.items():
        held = _column_by_zone(chosen, column, table, columns, totals, finest)
        kept = [zone for zone, value in zip(chosen, held, strict=True) if key_of(value) in values]
        if not kept:
            present = ", ".join(sorted(set(held))[:8])
            given = ", ".join(value for name, value in where if name == column)
            raise UserError(f"--where {column}={given}: no zone has this value, expected one of: {present}")
        chosen = kept
    return chosen


def _column_by_zone(
    zones: Sequence[str],
    column: str,
    table: Mapping[str, int],
    columns: Mapping[str, Sequence[str]],
    totals: Mapping[str, Totals],
    finest: str,
) -> list[str]:
    if column in columns:
        return [columns[column][table[key_of(zone)]] for zone in zones]
    for geography in sorted(totals, key=lambda name: name != finest):
        held = totals[geography]
        if column in held.rows.columns:
            units = [columns[geography][table[key_of(zone)]] for zone in zones]
            rows = [held.row_of.get(key_of(unit)) for unit in units]
            return ["" if row is None else held.rows.columns[column][row] for row in rows]
    known = dict.fromkeys([*columns, *(name for held in totals.values() for name in held.rows.columns)])
    raise UserError(f"--where {column}: no such column in the crosswalk or the totals{nearest(column, known)}")


def _say_unused(
    totals: Mapping[str, Totals],
    finest: str,
    table: Mapping[str, int],
    columns: Mapping[str, Sequence[str]],
    zones: Sequence[str],
    findings: list[Finding],
) -> None:
    for geography, held in totals.items():
        units = [columns[geography][table[key_of(zone)]] for zone in zones]
        present = {key_of(unit) for unit in units}
        unused = [key for key in held.row_of if key not in present]
        if geography != finest and unused:
            text = f"{len(unused)} units have totals but no {finest} in the crosswalk, {unused[0]} for one: left out"
            findings.append(Finding("left out", geography, text, held.rows.path))
        without = next((unit for unit in units if key_of(unit) not in held.row_of), None)
        if without is not None:
            message = f"{geography} {without!r}, which {finest} zones lie in, has no totals"
            raise ScenarioError(message, held.rows.path, 1)


def _levels(used: Mapping[str, Sequence[str]], geographies: list[str], finest: str) -> dict[str, str]:
    """Geographies of controls, and common ones that the coarsest of these nests in, with more than one unit."""
    ordered = sorted(geographies, key=lambda name: -len(set(used[name])))
    taken: dict[str, str] = {}
    for name in [finest, *(g for g in ordered if g != finest), *_OTHER_LEVELS]:
        if name in taken or name not in used:
            continue
        is_extra = name not in geographies
        if is_extra and (len(set(used[name])) < 2 or not _nests(used, ordered, name) or _is_known(used, taken, name)):
            continue
        taken[name] = safe_name(name, list(taken.values()))
    return taken


def _nests(used: Mapping[str, Sequence[str]], ordered: list[str], name: str) -> bool:
    """Whether each unit of the controls' geographies, single-unit ones apart, lies in one unit of `name`."""
    finer = [g for g in ordered if len(set(used[g])) > len(set(used[name]))]
    return bool(finer) and all(len(set(zip(used[g], used[name], strict=True))) == len(set(used[g])) for g in finer)


def _is_known(used: Mapping[str, Sequence[str]], taken: Mapping[str, str], name: str) -> bool:
    """Whether a level that is there already divides the zones in the same way."""
    return any(
        len(set(used[g])) == len(set(used[name])) == len(set(zip(used[g], used[name], strict=True))) for g in taken
    )


def _cut_through(
    zones: Sequence[str],
    chosen: set[str],
    table: Mapping[str, int],
    columns: Mapping[str, Sequence[str]],
    geographies: Sequence[str],
) -> dict[str, str]:
    found = {}
    for geography in geographies:
        unit = {zone: columns[geography][table[key_of(zone)]] for zone in zones}
        inside = {unit[zone] for zone in zones if zone in chosen}
        split = next((unit[zone] for zone in zones if zone not in chosen and unit[zone] in inside), None)
        if split is not None:
            found[geography] = split
    return found
