"""Zone values for the page: compact JSON from which the browser writes a zone's rows on demand.

A column that equals what the reader could derive is left out, one that differs in few places is
sparse, so thousands of zones cost little. Beyond the budget the zones that fit worst are kept.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adapters.report_tables import Matrix, TableGrid, shares_of

BUDGET_CHARACTERS = 2_000_000
WORST_ZONES = 12


@dataclass(frozen=True, slots=True)
class ZoneDetail:
    """What is embedded for the zone choosers, and how many zones had to be left out per level."""

    payload: dict[str, Any]
    left_out: dict[str, int]


def detail_zones(grids: Mapping[str, TableGrid], budget: int = BUDGET_CHARACTERS) -> ZoneDetail:
    """Compact values of every zone (or of the worst-fitting ones, within the budget) by table id."""
    zoned = {key: grid for key, grid in grids.items() if grid.zone_level}
    levels = sorted({grid.zone_level for grid in zoned.values()})
    ranked = {level: rank_zones(zoned.values(), level) for level in levels}
    kept, payload = ranked, _encode(zoned, ranked)
    while (size := _size(payload)) > budget and max(map(len, kept.values())) > 1:
        fraction = min(0.9, 0.95 * budget / size)
        kept = {level: zones[: max(1, int(len(zones) * fraction))] for level, zones in kept.items()}
        payload = _encode(zoned, kept)
    return ZoneDetail(payload, {level: len(ranked[level]) - len(kept[level]) for level in ranked})


def _size(payload: dict[str, Any]) -> int:
    return len(json.dumps(payload, separators=(",", ":")))


def rank_zones(grids: Iterable[TableGrid], level: str) -> list[str]:
    """Zones of a level, worst fit first: cells outside tolerance, then discrepancy, then name."""
    misses: dict[str, int] = {}
    gaps: dict[str, float] = {}
    for grid in (grid for grid in grids if grid.zone_level == level):
        outside = (grid.exists & ~grid.within).sum(axis=1)
        gap = np.abs(grid.discrepancy).sum(axis=1)
        for row, zone in enumerate(grid.zones):
            misses[zone] = misses.get(zone, 0) + int(outside[row])
            gaps[zone] = gaps.get(zone, 0.0) + round(float(gap[row]), 1)
    return sorted(misses, key=lambda zone: (-misses[zone], -gaps[zone], natural_order(zone)))


def natural_order(zone: str) -> list[tuple[int, int, str]]:
    """A sort key that puts `9` before `10` and numbers before words."""
    parts = [part for part in re.split(r"([0-9]+)", zone) if part]
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def _encode(zoned: Mapping[str, TableGrid], kept: Mapping[str, list[str]]) -> dict[str, Any]:
    levels = {level: sorted(zones, key=natural_order) for level, zones in kept.items()}
    worst = {level: [levels[level].index(zone) for zone in kept[level][:WORST_ZONES]] for level in levels}
    tables = {key: _encode_table(grid, levels[grid.zone_level]) for key, grid in zoned.items()}
    return {"levels": levels, "worst": worst, "tables": tables}


def _encode_table(grid: TableGrid, zones: list[str]) -> dict[str, Any]:
    row_of = {zone: row for row, zone in enumerate(grid.zones)}
    rows = [row_of[zone] for zone in zones if zone in row_of]
    aimed = grid.aimed[rows]
    in_shares = grid.measure == "share"
    digits = 5 if in_shares else 2
    return {
        "level": grid.zone_level,
        "cells": grid.labels,
        "measure": grid.measure,
        "has": 0 if len(rows) == len(zones) else [zone in row_of for zone in zones],
        "aimed": _numbers(aimed, 2),
        "published": _column(grid.published[rows], shares_of(aimed) if in_shares else aimed, digits),
        "synthetic": _column(grid.synthetic[rows], np.floor(np.round(aimed, 2) + 0.5), 0),
        "moe": _numbers(grid.moe[rows], digits) if np.isfinite(grid.moe).any() else 0,
        "outside": np.flatnonzero(~grid.within[rows]).tolist(),
    }


def _column(values: Matrix, reference: Matrix, digits: int) -> Any:
    """0 where all equals the reference, {i: places, v: values} where little differs, else all values."""
    places: NDArray[np.int64] = np.flatnonzero(np.abs(values - reference) > 0.6 * 10.0**-digits)
    if len(places) * 3 > values.size:
        return _numbers(values, digits)
    return {"i": places.tolist(), "v": _numbers(values.ravel()[places], digits)} if len(places) else 0


def _numbers(values: Matrix, digits: int) -> list[float | int | None]:
    rounded = np.round(values.astype(float), digits).ravel().tolist()
    return [None if x != x else int(x) if x == int(x) else x for x in rounded]
