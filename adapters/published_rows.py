"""A CSV as offices publish it, as rows of one cell each: separators, categories across, totals, percentages."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adapters.target_files import Rows, read_rows
from schemas.errors import UserError
from schemas.imports import Finding
from synthesis.expressions import nearest

SEPARATORS = (",", ";", "\t")
TOTALS = re.compile(r"(grand )?totals?|all|sum|both sexes|all (ages|persons|people|households)", re.IGNORECASE)
ROUNDING = 0.5
_NOISE = re.compile(r"[,\s]|^[±$]")


@dataclass(frozen=True, slots=True)
class Shape:
    """How the file is laid out."""

    variables: tuple[str, ...]
    zone: str | None
    value: str
    across: str | None = None
    """Name of the variable whose categories are the file's other columns."""
    totals: tuple[str, ...] = ()
    """Labels that are totals, beside those that say so themselves."""
    is_percent: bool = False


def read_published(path: Path, shape: Shape) -> tuple[Rows, list[Finding], float]:
    """Rows of one cell each under the columns of `shape`, what was left out, and how far percentages are rounded."""
    rounding = 0.0
    findings: list[Finding] = []
    rows = read_rows(path, str(path), _separator(path))
    if shape.across is not None:
        rows = _one_cell_a_row(rows, shape, shape.across)
    if shape.is_percent and shape.value in rows.columns:
        rows = _with_values(rows, shape, [text.rstrip("% ") for text in rows.columns[shape.value]])
    names = [*shape.variables, *([shape.across] if shape.across else [])]
    if all(name in rows.columns for name in [*names, shape.value]):
        rows = _without_totals(rows, names, shape, findings)
        if shape.is_percent:
            rounding = _rounding(rows, shape)
            rows = _in_shares(rows, shape)
    return rows, findings, rounding


def _rounding(rows: Rows, shape: Shape) -> float:
    """The total variation by which shares in percent may be off for their rounding: half a digit in every cell."""
    texts = [text.rstrip("% ") for text in rows.columns[shape.value]]
    decimals = max(len(text.partition(".")[2]) for text in texts)
    zones = max(1, len(set(_zones(rows, shape))))
    return round(0.5 * 0.5 * 10.0**-decimals / 100 * len(texts) / zones, 6)


def number(text: str) -> float:
    """The number that is written, its separators of thousands taken out; NaN for what is none."""
    try:
        return float(_NOISE.sub("", text))
    except ValueError:
        return float("nan")


def _separator(path: Path) -> str:
    """The separator of the header: a comma unless it has none and another."""
    if not path.is_file() or path.suffix.lower() == ".parquet":
        return ","
    with path.open("rb") as file:
        header = file.readline(65_536).decode("utf-8-sig", errors="replace")
    return next((one for one in SEPARATORS if one in header), ",")


def _one_cell_a_row(rows: Rows, shape: Shape, across: str) -> Rows:
    kept = [name for name in (shape.zone, *shape.variables) if name is not None]
    for name in kept:
        if name not in rows.columns:
            raise UserError(f"--variables {name}: no such column in {rows.path}{nearest(name, rows.columns)}")
    labels = [name for name in rows.columns if name not in kept]
    if across in rows.columns or len(labels) < 2:
        raise UserError(
            f"--across {across}: expected a name for what the columns beside {', '.join(kept)} are categories of"
        )
    order = [(row, label) for row in range(len(rows.lines)) for label in labels]
    columns = {name: [rows.columns[name][row] for row, _ in order] for name in kept}
    columns |= {across: [label for _, label in order], shape.value: [rows.columns[label][row] for row, label in order]}
    return Rows(rows.path, columns, [rows.lines[row] for row, _ in order])


def _without_totals(rows: Rows, names: Sequence[str], shape: Shape, findings: list[Finding]) -> Rows:
    """The rows that are no totals; a total that its parts do not add up to is told."""
    cells = list(zip(*(rows.columns[name] for name in names), strict=True))
    zones = _zones(rows, shape)
    values = [number(text) for text in rows.columns[shape.value]]
    found = {name: _total_labels(rows.columns[name], shape.totals) for name in names}
    is_total = [any(label in found[n] for n, label in zip(names, cell, strict=True)) for cell in cells]
    for place, name in enumerate(names):
        count = sum(cell[place] in found[name] for cell in cells)
        if count:
            off = _off(cells, zones, values, is_total, place, found[name])
            told = f"; its parts add up to {off[1]:,.10g}, not {off[0]:,.10g}" if off else ", which its parts add up to"
            text = f"{count} row{'s' * (count != 1)} of {', '.join(sorted(found[name]))}{told}"
            findings.append(Finding("doubtful" if off else "left out", name, text, rows.path))
    kept = [row for row, total in enumerate(is_total) if not total]
    columns = {name: [column[i] for i in kept] for name, column in rows.columns.items()}
    return Rows(rows.path, columns, [rows.lines[i] for i in kept])


def _total_labels(column: Sequence[str], named: Sequence[str]) -> set[str]:
    """Labels that are totals, where at least two others are left."""
    labels = set(column)
    said = labels & set(named)
    found = said | {label for label in labels if TOTALS.fullmatch(label.strip().rstrip(":"))}
    return found if said or len(labels - found) > 1 else set()


def _off(
    cells: Sequence[tuple[str, ...]],
    zones: Sequence[str],
    values: Sequence[float],
    is_total: Sequence[bool],
    place: int,
    labels: set[str],
) -> tuple[float, float] | None:
    """The total that is furthest from the sum of its parts, with that sum, if it is more than rounding."""
    sums: dict[tuple[str, ...], list[float]] = {}
    totals: dict[tuple[str, ...], float] = {}
    for cell, zone, value, total in zip(cells, zones, values, is_total, strict=True):
        key = (zone, *cell[:place], *cell[place + 1 :])
        if cell[place] in labels:
            totals[key] = value
        elif not total:
            sums.setdefault(key, []).append(value)
    gaps = [(abs(totals[k] - sum(sums[k])), totals[k], sum(sums[k]), len(sums[k])) for k in totals if k in sums]
    worst = max(gaps, default=(0.0, 0.0, 0.0, 0))
    return (worst[1], worst[2]) if worst[0] > ROUNDING * (worst[3] + 1) else None


def _in_shares(rows: Rows, shape: Shape) -> Rows:
    """Percentages as shares that sum to 1 in each zone, if they sum to 100 but for their rounding."""
    texts = rows.columns[shape.value]
    values = np.array([number(text) for text in texts])
    zones = np.array(_zones(rows, shape))
    for zone in dict.fromkeys(zones.tolist()):
        inside = zones == zone
        total = float(values[inside].sum())
        if not abs(total - 100) <= min(ROUNDING * int(inside.sum()), 2.0):
            place = f" in {zone}" if zone else ""
            raise rows.error(f"percentages sum to {total:g}{place}, expected 100")
        values[inside] /= total
    return _with_values(rows, shape, [repr(float(value)) for value in values])


def _with_values(rows: Rows, shape: Shape, texts: Sequence[str]) -> Rows:
    return Rows(rows.path, {**rows.columns, shape.value: texts}, rows.lines)


def _zones(rows: Rows, shape: Shape) -> Sequence[str]:
    """The zone of each row; empty where the file has none."""
    if shape.zone is None or shape.zone not in rows.columns:
        return [""] * len(rows.lines)
    return rows.columns[shape.zone]
