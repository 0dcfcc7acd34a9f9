"""Target tables and crosswalks: CSV or parquet rows, each with the line it stands on."""

import csv
import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from adapters.bounded_files import MAX_LINE, bounded_lines, bounded_parquet, check_size
from adapters.located_yaml import not_utf8, one_line
from schemas.errors import ScenarioError, UserError
from schemas.model import Axis, Derived, FloatArray, IntArray, Variable
from synthesis.expressions import nearest
from synthesis.labels import parse_bin

MAX_CELLS = 50_000_000
MAX_NUMBER = 1e15


@dataclass(frozen=True, slots=True)
class Rows:
    """A table as text: columns by header, and the line of every row."""

    path: str
    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]

    def error(self, message: str, row: int | None = None) -> ScenarioError:
        """An error located at a row, or at the header."""
        return ScenarioError(one_line(message), self.path, 1 if row is None else self.lines[row])


@dataclass(frozen=True, slots=True)
class Cells:
    """A table read into an array of shape (units, *axes)."""

    axes: tuple[Axis, ...]
    values: FloatArray
    moe: FloatArray | None


def read_rows(path: Path, shown: str, separator: str = ",") -> Rows:
    """The rows of a parquet file (by its suffix) or else a CSV file."""
    try:
        check_size(path, shown)
        rows = _read_parquet(path, shown) if path.suffix.lower() == ".parquet" else _read_csv(path, shown, separator)
    except UnicodeDecodeError as exc:
        with path.open("rb") as file:
            raise not_utf8(iter(lambda: file.readline(MAX_LINE), b""), shown) from exc
    except OSError as exc:
        raise ScenarioError(one_line(f"cannot read the file: {exc.strerror or exc}"), shown) from exc
    if not rows.lines:
        raise ScenarioError("the table has no rows", shown, 1)
    return rows


def read_cells(
    rows: Rows,
    variables: Sequence[Variable | Derived],
    units: tuple[str, tuple[str, ...]] | None,
    measure: str,
    is_moment: bool = False,
) -> Cells:
    """The rows as an array; `units` is the zone column with its unit names, if the table has one.

    A moment (mean, total, quantile) may be negative, and is NaN in cells without a row.
    """
    _check_header(rows, [v.name for v in variables], units[0] if units else None, measure)
    values = _numbers(rows, measure, required=True, low=-MAX_NUMBER if is_moment else 0.0)
    axes = tuple(_axis(rows, variable) for variable in variables)
    where = [_unit_index(rows, *units)] if units else []
    where += [_bin_index(rows, axis) for axis in axes]
    shape = (len(units[1]) if units else 1, *(len(axis) for axis in axes))
    if math.prod(shape) > MAX_CELLS:
        raise rows.error(f"the table spans {math.prod(shape)} cells, expected at most {MAX_CELLS}")
    nowhere = np.zeros(len(rows.lines), dtype=np.int64)
    flat = np.asarray(np.ravel_multi_index(tuple(where), shape if units else shape[1:])) if where else nowhere
    _refuse_repeats(rows, flat)
    moe = _numbers(rows, "moe", required=False) if "moe" in rows.columns else None
    return Cells(
        axes,
        _scatter(flat, values, shape, np.nan if is_moment else 0.0),
        None if moe is None else _scatter(flat, moe, shape, np.nan),
    )


def _read_csv(path: Path, shown: str, separator: str) -> Rows:
    rows, lines = [], []
    start = 1
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines_read = bounded_lines(file, shown)
        reader = csv.reader(lines_read, strict=True, skipinitialspace=True, delimiter=separator)
        try:
            header = [name.strip() for name in next(reader, [])]
            _check_names(header, shown)
            start = reader.line_num + 1
            for row in reader:
                if row:
                    _check_length(row, header, shown, start)
                    rows.append(row)
                    lines.append(start)
                start = reader.line_num + 1
        except csv.Error as exc:
            raise ScenarioError(f"not readable as CSV: {_explain(exc)}", shown, start) from exc
    columns = zip(*rows, strict=True) if rows else ([] for _ in header)
    return Rows(shown, {n: [v.strip() for v in c] for n, c in zip(header, columns, strict=True)}, lines)


def _explain(error: csv.Error) -> str:
    if "unexpected end of data" in str(error) or "field larger" in str(error):
        return "a quote that is never closed"
    return str(error)


def _check_length(row: Sequence[str], header: Sequence[str], shown: str, line: int) -> None:
    if len(row) != len(header):
        hint = " (quote a field that holds a comma)" if len(row) > len(header) else ""
        message = f"row has {len(row)} field{'s' * (len(row) > 1)}, expected {len(header)}: {', '.join(header)}{hint}"
        raise ScenarioError(one_line(message), shown, line)


def _read_parquet(path: Path, shown: str) -> Rows:
    try:
        columns = bounded_parquet(path, shown)
    except pa.ArrowException as exc:
        raise ScenarioError(one_line(f"not readable as parquet: {str(exc).splitlines()[0]}"), shown) from exc
    _check_names(list(columns), shown)
    return Rows(shown, columns, range(1, len(next(iter(columns.values()))) + 1))


def _check_names(header: Sequence[str], shown: str) -> None:
    if not any(header):
        raise ScenarioError("expected a header line, got an empty one", shown, 1)
    seen: set[str] = set()
    for i, name in enumerate(header, 1):
        if not name:
            raise ScenarioError(f"column {i} has no name", shown, 1)
        if name in seen:
            raise ScenarioError(one_line(f"column {name!r} appears twice"), shown, 1)
        seen.add(name)


def _check_header(rows: Rows, variables: list[str], zone: str | None, measure: str) -> None:
    expected = [*([zone] if zone else []), *variables, measure]
    for name in expected:
        if name not in rows.columns:
            raise rows.error(_explain_missing(name, expected, list(rows.columns)))
    for name in rows.columns:
        if name not in (*expected, "moe"):
            raise rows.error(f"unknown column {name!r}{nearest(name, [*expected, 'moe'])}")


def _explain_missing(name: str, expected: list[str], header: list[str]) -> str:
    hint = " (separate columns by commas)" if len(header) == 1 and re.search(r"[;\t|]", header[0]) else ""
    return (
        f"missing column {name!r}, expected: {', '.join(expected)} (and optionally moe), got: {', '.join(header)}{hint}"
    )


def _numbers(rows: Rows, name: str, required: bool, low: float = 0.0) -> FloatArray:
    result = np.full(len(rows.lines), np.nan)
    for i, text in enumerate(rows.columns[name]):
        if not text and not required:
            continue
        try:
            result[i] = float(text)
        except ValueError:
            hint = " (write it without thousands separators or signs)" if any(c.isdigit() for c in text) else ""
            raise rows.error(f"{name} {text!r} is not a number{hint}", i) from None
        if not low <= result[i] <= MAX_NUMBER:  # refuses NaN as well
            raise rows.error(f"{name} {text!r} is out of range, expected a number between {low:.15g} and 1e15", i)
    return result


def _axis(rows: Rows, variable: Variable | Derived) -> Axis:
    if variable.kind == "category":
        return Axis(variable.name, variable.categories)
    bins: dict[str, tuple[float, float]] = {}
    first: dict[str, int] = {}
    for i, label in enumerate(rows.columns[variable.name]):
        if label in bins:
            continue
        try:
            bins[label] = parse_bin(label, variable.kind, variable.low, variable.high)
        except UserError as exc:
            raise rows.error(f"{variable.name}: {exc}", i) from exc
        first[label] = i
    labels = sorted(bins, key=lambda label: bins[label])
    for before, after in itertools.pairwise(labels):
        if bins[before][1] > bins[after][0]:
            raise rows.error(
                f"{variable.name}: bins {before!r} and {after!r} overlap", max(first[before], first[after])
            )
    lows, highs = (np.array([bins[label][side] for label in labels]) for side in (0, 1))
    return Axis(variable.name, tuple(labels), lows, highs)


def _unit_index(rows: Rows, column: str, names: tuple[str, ...]) -> IntArray:
    return _positions(rows, column, names, f"unit of {column} in the crosswalk")


def _bin_index(rows: Rows, axis: Axis) -> IntArray:
    return _positions(rows, axis.variable, axis.labels, f"category of {axis.variable}")


def _positions(rows: Rows, column: str, names: tuple[str, ...], what: str) -> IntArray:
    position = {name: i for i, name in enumerate(names)}
    result = np.empty(len(rows.lines), dtype=np.int64)
    for i, text in enumerate(rows.columns[column]):
        if text not in position:
            raise rows.error(f"{text!r} is no {what}{nearest(text, names)}", i)
        result[i] = position[text]
    return result


def _refuse_repeats(rows: Rows, flat: IntArray) -> None:
    _, first, inverse = np.unique(flat, return_index=True, return_inverse=True)
    repeated = np.flatnonzero(first[inverse] != np.arange(len(flat)))
    if len(repeated):
        row = int(repeated[0])
        raise rows.error(f"the cell was already given on line {rows.lines[first[inverse][row]]}", row)


def _scatter(flat: IntArray, values: FloatArray, shape: tuple[int, ...], missing: float) -> FloatArray:
    result = np.full(math.prod(shape), missing)
    result[flat] = values
    return result.reshape(shape)
