"""The verdict at a glance: published or not, how much is met, and the figures beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.report_misses import WorstCell
from adapters.report_numbers import plural, write_count, write_seconds
from adapters.report_tables import TableGrid

BADGES = {"published": "Published", "failed": "Failed", "running": "Not finished"}


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the verdict, with its label and a line that explains it."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the first screen says."""

    badge: str
    tone: str
    sentence: str
    failure: str
    tiles: tuple[Tile, ...]


def judge(record: Mapping[str, Any], grids: Sequence[TableGrid], worst: WorstCell | None) -> Verdict:
    """The verdict of a run; whatever is not `published` says that nothing was published."""
    status = str(record.get("status") or "unknown")
    validation = record.get("validation") or {}
    has_failed_validation = validation.get("success") is False
    return Verdict(
        badge=BADGES.get(status, f"Not published: {status}"),
        tone=_tone(status, has_failed_validation),
        sentence=_sentence(status, has_failed_validation),
        failure=str(record.get("failure") or ""),
        tiles=tuple(_tiles(record, grids, worst)),
    )


def _tone(status: str, has_failed_validation: bool) -> str:
    if status == "published":
        return "bad" if has_failed_validation else "good"
    return "bad" if status == "failed" else "open"


def _sentence(status: str, has_failed_validation: bool) -> str:
    if status == "published" and has_failed_validation:
        return "Published although validation failed: read the misses below before using the records."
    if status == "published":
        return "Validation passed and the records are published in dataset/."
    if status == "failed":
        return "Nothing was published: this run failed. What it reached is shown below."
    if status == "running":
        return "Nothing is published: this run has not finished, or was interrupted."
    return "Nothing is published."


def _tiles(record: Mapping[str, Any], grids: Sequence[TableGrid], worst: WorstCell | None) -> Iterator[Tile]:
    yield from _entity_tiles(record)
    if grids:
        yield from _fit_tiles(grids)
        yield _worst_tile(worst)
    yield _time_tile(record)


def _entity_tiles(record: Mapping[str, Any]) -> Iterator[Tile]:
    asked = record.get("size")
    for place, (name, entity) in enumerate((record.get("entities") or {}).items()):
        records = (entity or {}).get("records")
        is_off = place == 0 and None not in (asked, records) and records != asked
        note = f"of {write_count(asked)} asked for" if is_off else ""
        yield Tile(f"{name} records", write_count(records), note)


def _fit_tiles(grids: Sequence[TableGrid]) -> Iterator[Tile]:
    cells = sum(int(grid.exists.sum()) for grid in grids)
    within = sum(int((grid.exists & grid.within).sum()) for grid in grids)
    met = sum(is_met(grid) for grid in grids)
    outside = "all of them" if within == cells else f"{write_count(cells - within)} outside"
    yield Tile("cells within tolerance", f"{write_count(within)} of {write_count(cells)}", outside)
    yield Tile("target tables met", f"{met} of {len(grids)}", "every cell within tolerance")


def is_met(grid: TableGrid) -> bool:
    """Whether every cell of a table is within its tolerance."""
    return bool(grid.within[grid.exists].all())


def _worst_tile(worst: WorstCell | None) -> Tile:
    if worst is None:
        return Tile("worst cell", "exact", "every cell is what was aimed at")
    place = f"{worst.cell}, {worst.zone}" if worst.zone else worst.cell
    gap = round(abs(worst.discrepancy), 1 if abs(worst.discrepancy) < 10 else None)
    side = "too few" if worst.discrepancy > 0 else "too many"
    return Tile("worst cell", f"{write_count(gap)} {side}", f"{place} ({worst.table})")


def _time_tile(record: Mapping[str, Any]) -> Tile:
    seconds = (record.get("durations") or {}).get("total_seconds")
    rounds = len(record.get("rounds") or [])
    return Tile("wall time", write_seconds(seconds), plural(rounds, "round") if rounds else "")
