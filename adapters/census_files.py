"""Census tables as data.census.gov and the Census API hand them out: three layouts, one table each.

CSV with GEO_ID and columns such as B19001_001E and B19001_001M, labels in the second line; the "Label (Grouping)"
export, one row per label; the API's JSON list of lists, whose labels come from a groups/…json file beside it.
"""

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from adapters.bounded_files import check_size
from adapters.located_yaml import not_utf8, one_line
from schemas.errors import ScenarioError, UserError
from schemas.model import FloatArray
from synthesis.census_labels import split_label

MAX_BYTES = 200_000_000
CONTROLLED = ("-555555555", "*****")
"""The estimate is controlled to a count: no sampling error."""
NO_ERROR = ("-222222222", "**", "-333333333", "***", "", "null", "N", "(X)", "-", "-888888888", "-999999999")
"""A margin of error that cannot be told."""
NO_ESTIMATE = ("-666666666", "-999999999", "-888888888", "-555555555", "-333333333", "-222222222")
_NO_ESTIMATE_MARKS = ("N", "(X)", "-", "**", "***", "*****", "", "null", "(NA)")
_CELL = re.compile(r"^([A-Z]\d{5}[A-Z]{0,3})_(\d{3})(E|M|EA|MA)$")
_TABLE = re.compile(r"([BCSD][P\d]\d{3,4}[A-Z]{0,3})")
_GEO_ID = re.compile(r"^(\d{3})[0-9A-Z]{4}US(\w*)$")
_LEVELS = {"010": "nation", "040": "state", "050": "county", "060": "subdivision", "140": "tract", "150": "block_group"}
_MORE_LEVELS = {"160": "place", "310": "metro", "500": "district", "795": "puma", "860": "zcta"}
_API_PARTS = ("state", "county", "tract", "block group")


@dataclass(frozen=True, slots=True)
class CensusTable:
    """Estimates and margins of error, shape (zones, labels); NaN where there is none."""

    table: str
    labels: tuple[str, ...]
    level: str
    zones: tuple[str, ...]
    names: tuple[str, ...]
    estimates: FloatArray
    moes: FloatArray
    path: str


def read_census_files(paths: Sequence[Path]) -> list[CensusTable]:
    """The tables in the files, in their order; parts of one table are put together."""
    labels: dict[str, dict[str, str]] = {}
    contents = [(path, _load(path)) for path in paths]
    for path, content in contents:
        if isinstance(content, dict):
            for cell, label in _group_labels(content, path).items():
                labels.setdefault(cell.rpartition("_")[0], {})[cell] = label
    tables = [_read(path, content, labels) for path, content in contents if not isinstance(content, dict)]
    if not tables:
        raise UserError(f"{paths[0]}: holds labels only, expected at least one file with estimates")
    return _put_together(tables)


def _load(path: Path) -> Any:
    """Rows of a CSV file, or what a JSON file holds."""
    try:
        check_size(path, str(path), MAX_BYTES)
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise not_utf8(raw.split(b"\n"), str(path)) from exc
    except OSError as exc:
        raise UserError(f"{path}: cannot read the file ({exc.strerror})") from exc
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{"):
        try:
            content = json.loads(text)
            if "\\ud" in text.lower():
                json.dumps(content, ensure_ascii=False).encode("utf-8")  # half of a surrogate pair is no character
            return content
        except (ValueError, RecursionError) as exc:
            raise ScenarioError(f"not readable as JSON: {exc}", str(path)) from exc
    try:
        return list(csv.reader(text.splitlines()))
    except csv.Error as exc:
        raise ScenarioError(one_line(f"not readable as CSV: {exc}"), str(path)) from exc


def _group_labels(content: Mapping[str, Any], path: Path) -> dict[str, str]:
    variables = content.get("variables")
    if not isinstance(variables, dict):
        raise ScenarioError("expected the API's groups/….json with its key 'variables'", str(path), 1)
    return {
        name: str(entry.get("label", "")) for name, entry in variables.items() if _CELL.match(name) and name[-1] == "E"
    }


def _read(path: Path, rows: Any, labels: Mapping[str, Mapping[str, str]]) -> CensusTable:
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], list):
        raise ScenarioError("expected a header and rows", str(path), 1)
    rows = [["" if value is None else str(value).strip() for value in row] for row in rows if row]
    header = rows[0]
    if header and header[0].lower().startswith("label"):
        return _read_transposed(path, rows)
    if not any(_CELL.match(name) for name in header):
        message = "no column such as B19001_001E and no column 'Label (Grouping)': is this a table of data.census.gov?"
        if any(name[:1] in "SD" and re.match(r"^(S|DP)\d{2,4}", name) for name in header):
            message = "a subject or profile table mixes counts, percentages and overlapping rows: take its B or C table"
        raise ScenarioError(message, str(path), 1)
    return _read_columns(path, rows, labels)


def _read_columns(path: Path, rows: list[list[str]], labels: Mapping[str, Mapping[str, str]]) -> CensusTable:
    header = rows[0]
    tables = dict.fromkeys(found[1] for name in header if (found := _CELL.match(name)))
    if len(tables) > 1:
        raise ScenarioError(f"holds {len(tables)} tables ({', '.join(tables)}), expected one per file", str(path), 1)
    (table,) = tables
    body = _body(path, rows)
    told = dict(zip(header, rows[1], strict=False)) if _has_labels(rows) else labels.get(table, {})
    cells = sorted(name for name in header if (found := _CELL.match(name)) and found[3] == "E")
    missing = [cell for cell in cells if not told.get(cell)]
    if missing:
        message = (
            f"no label for {missing[0]}: give the API's groups/{table}.json as well, or the CSV with its label line"
        )
        raise ScenarioError(message, str(path), 1)
    where = {name: i for i, name in enumerate(header)}
    geo = [_geography(path, header, where, row, line) for line, row in body]
    estimates = np.array([[_estimate(row[where[c]], path, line, c) for c in cells] for line, row in body])
    moes = np.array([[_moe(row, where.get(f"{c[:-1]}M"), path, line, c) for c in cells] for line, row in body])
    levels = dict.fromkeys(level for level, _, _ in geo)
    if len(levels) > 1:
        raise ScenarioError(f"holds zones of several levels ({', '.join(levels)}), expected one per file", str(path), 2)
    zones, names = tuple(zone for _, zone, _ in geo), tuple(name for _, _, name in geo)
    return CensusTable(
        table, tuple(told[c] for c in cells), next(iter(levels)), zones, names, estimates, moes, str(path)
    )


def _body(path: Path, rows: list[list[str]]) -> list[tuple[int, list[str]]]:
    """The rows with their lines, without the second line where it holds labels."""
    header, first = rows[0], 2 if _has_labels(rows) else 1
    body = [(line, row) for line, row in enumerate(rows[first:], first + 1)]
    if not body:
        raise ScenarioError("no rows of estimates", str(path), 1)
    for line, row in body:
        if len(row) != len(header):
            raise ScenarioError(f"row has {len(row)} fields, expected {len(header)}", str(path), line)
    return body


def _has_labels(rows: list[list[str]]) -> bool:
    return len(rows) > 1 and any("!!" in value for value in rows[1])


def _geography(
    path: Path, header: list[str], where: Mapping[str, int], row: list[str], line: int
) -> tuple[str, str, str]:
    """Level, zone and name of a row."""
    name = row[where["NAME"]] if "NAME" in where else ""
    if "GEO_ID" in where:
        found = _GEO_ID.match(row[where["GEO_ID"]])
        if not found:
            message = f"GEO_ID {row[where['GEO_ID']]!r}, expected one such as 0500000US50001"
            raise ScenarioError(message, str(path), line)
        level = (_LEVELS | _MORE_LEVELS).get(found[1], f"level_{found[1]}")
        return level, found[2] or "us", name
    parts = [part for part in _API_PARTS if part in where]
    if not parts:
        raise ScenarioError("no column GEO_ID and no columns state, county, … to tell the zones by", str(path), 1)
    return parts[-1].replace(" ", "_"), "".join(row[where[part]] for part in parts), name


def _read_transposed(path: Path, rows: list[list[str]]) -> CensusTable:
    """The export with a row per label: depth is told by indentation, which `_load` keeps in the first field."""
    raw = [row for row in csv.reader(path.read_text(encoding="utf-8-sig").splitlines()) if row]
    places: dict[str, dict[str, int]] = {}
    for i, name in enumerate(rows[0][1:], 1):
        place, _, kind = name.rpartition("!!")
        places.setdefault(place.split("!!")[0], {})[kind.lower()] = i
    for place, held in places.items():
        if "estimate" not in held:
            raise ScenarioError(f"no column 'Estimate' for {place!r}", str(path), 1)
    body = [(line, row) for line, row in enumerate(rows[1:], 2) if any(row[1:])]
    labels = _indented([raw[line - 1][0] for line, _ in body])
    estimates = [
        [_estimate(row[held["estimate"]], path, line, row[0]) for line, row in body] for held in places.values()
    ]
    moes = [
        [_moe(row, held.get("margin of error"), path, line, row[0]) for line, row in body] for held in places.values()
    ]
    found = _TABLE.search(path.name)
    table = found[1] if found else path.stem
    names = tuple(places)
    return CensusTable(table, tuple(labels), "place", names, names, np.array(estimates), np.array(moes), str(path))


def _indented(fields: Sequence[str]) -> list[str]:
    """Labels with all that is above them, from their indentation."""
    above: list[tuple[int, str]] = []
    labels = []
    for field in fields:
        text = field.replace("\xa0", " ")
        depth = len(text) - len(text.lstrip())
        above = [(d, t) for d, t in above if d < depth]
        labels.append("!!".join([*(t for _, t in above), text.strip()]))
        above.append((depth, text.strip()))
    return labels


def _estimate(text: str, path: Path, line: int, cell: str) -> float:
    if text in _NO_ESTIMATE_MARKS or text in NO_ESTIMATE or text.removesuffix(".0") in NO_ESTIMATE:
        return math.nan
    return _number(text, path, line, cell)


def _moe(row: Sequence[str], column: int | None, path: Path, line: int, cell: str) -> float:
    text = "" if column is None else row[column].removesuffix(".0")
    if text in CONTROLLED:
        return 0.0
    return math.nan if text in NO_ERROR or text in NO_ESTIMATE else _number(text, path, line, f"the margin of {cell}")


def _number(text: str, path: Path, line: int, what: str) -> float:
    try:
        value = float(text.replace(",", "").replace("±", "").replace("+/-", "").strip())
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1e12:
        raise ScenarioError(f"{what} is {text!r}, expected a count or a known annotation", str(path), line)
    return value


def _put_together(tables: Sequence[CensusTable]) -> list[CensusTable]:
    merged: dict[tuple[str, str], CensusTable] = {}
    for table in tables:
        key = table.table, table.level
        if key not in merged:
            merged[key] = table
            continue
        first = merged[key]
        if [split_label(label) for label in first.labels] != [split_label(label) for label in table.labels]:
            raise ScenarioError(f"has other labels than {first.path}, which holds {table.table} too", table.path, 1)
        again = set(first.zones) & set(table.zones)
        if again:
            raise ScenarioError(f"zone {min(again)!r} stands in {first.path} already", table.path)
        merged[key] = CensusTable(
            first.table, first.labels, first.level, first.zones + table.zones, first.names + table.names,
            np.vstack([first.estimates, table.estimates]), np.vstack([first.moes, table.moes]), first.path,
        )  # fmt: skip
    return list(merged.values())
