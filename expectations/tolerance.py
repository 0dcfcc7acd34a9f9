"""How far a target table was missed, from its rows of the aggregates alone; their `within` is not trusted."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from expectations.standard_errors import worst_in_standard_errors
from schemas.model import FloatArray, IntArray

SLACK = 1e-6
"""Records (or share) by which a tolerance may be exceeded: the rounding of floats, not of records."""

MOMENT_KINDS = ("relative", "share")
"""Tolerance kinds of means and totals, and of quantiles."""


@dataclass(frozen=True, slots=True)
class TableVerdict:
    """Whether a table is within its tolerance, what was observed (JSON-able) and a line for people."""

    is_within: bool
    observed: dict[str, Any]
    message: str


def judge_table(table: str, aggregates: pd.DataFrame, expected_cells: int | None = None) -> TableVerdict:
    """The verdict on one table of the aggregates; a table without its cells, or of unknown tolerance, is missed."""
    cells = aggregates[aggregates["table"] == table]
    if len(cells) == 0 or len(cells) != (expected_cells or len(cells)):
        found = {"cells": len(cells), "expected_cells": expected_cells}
        return TableVerdict(False, found, f"{table}: {len(cells)} cells found, expected {expected_cells or 'some'}")
    if cells["tolerance_kind"].isin(MOMENT_KINDS).all():
        return _judge_moments(table, cells)
    aimed, synthetic = (cells[name].to_numpy(dtype=np.float64) for name in ("reconciled", "synthetic"))
    zones = pd.factorize(cells["zone"], use_na_sentinel=False)[0].astype(np.int64)
    shares = np.stack([_shares(aimed, zones), _shares(synthetic, zones)], axis=1)
    is_by_share = (cells["tolerance_kind"] == "share_tvd").to_numpy(dtype=bool)
    is_known = is_by_share | (cells["tolerance_kind"] == "records").to_numpy(dtype=bool)
    tvd = share_tvd(aimed, synthetic, zones)
    gap = np.where(is_by_share, tvd[zones], record_gap(aimed, synthetic))
    is_missed = ~(is_known & (gap <= cells["tolerance"].to_numpy(dtype=np.float64) + SLACK))
    worst = _worst(gap, is_missed, np.where(is_by_share, np.abs(shares[:, 0] - shares[:, 1]), gap))
    observed = {
        "cells": len(cells),
        "cells_missed": int(is_missed.sum()),
        "zones": len(tvd),
        "zones_missed": len(np.unique(zones[is_missed])),
        "worst_tvd": _finite(tvd.max()),
        "worst_cell": _described(cells.iloc[worst], *shares[worst]) | {"zone_tvd": _finite(tvd[zones[worst]])},
        "tolerance": _finite(cells["tolerance"].iloc[worst]),
        "tolerance_kind": str(cells["tolerance_kind"].iloc[worst]),
    }
    message = _share_message(observed) if is_by_share[worst] else _record_message(observed)
    off = worst_in_standard_errors(cells)
    if off is not None:
        observed["worst_in_standard_errors"] = off
        message += f"; at most {abs(off['standard_errors']):.2g} standard errors off"
    return TableVerdict(not is_missed.any(), observed, f"{table}: {message}")


def _judge_moments(table: str, cells: pd.DataFrame) -> TableVerdict:
    """The verdict on means, totals or quantiles: off by a part of what was aimed at, or by a share of the records."""
    aimed, synthetic, tolerance = (
        cells[name].to_numpy(dtype=np.float64) for name in ("reconciled", "synthetic", "tolerance")
    )
    off = np.where(np.isnan(synthetic), 0.0, np.abs(aimed - synthetic))
    is_relative = (cells["tolerance_kind"] == "relative").to_numpy(dtype=bool)
    gap = np.where(is_relative, np.divide(off, np.abs(aimed), out=off.copy(), where=aimed != 0), off)
    is_missed = ~(gap <= tolerance + SLACK)
    worst = _worst(gap, is_missed, gap)
    cell = cells.iloc[worst]
    described = _described(cell, np.nan, np.nan)
    observed = {
        "cells": len(cells),
        "cells_missed": int(is_missed.sum()),
        "worst_cell": described,
        "off": _finite(gap[worst]),
        "tolerance": _finite(tolerance[worst]),
        "tolerance_kind": str(cell["tolerance_kind"]),
    }
    place = described["cell"] if described["zone"] is None else f"{_zone(described)}, {described['cell']}"
    figures = f"aimed {aimed[worst]:.10g}, synthetic {synthetic[worst]:.10g}"
    unit = "of it" if is_relative[worst] else "of the records"
    message = (
        f"{table}: {observed['cells_missed']} of {len(cells)} cells missed; worst {place}: {figures} "
        f"(off by {gap[worst]:.2%} {unit}, tolerance {tolerance[worst]:.2%})"
    )
    return TableVerdict(not is_missed.any(), observed, message)


def record_gap(aimed: FloatArray, synthetic: FloatArray) -> FloatArray:
    """Records by which each cell misses its aim; a fractional aim is met by either neighbouring integer."""
    below, above = np.floor(aimed + SLACK) - synthetic, synthetic - np.ceil(aimed - SLACK)
    gap: FloatArray = np.maximum(np.maximum(below, above), 0.0)
    return gap


def share_tvd(aimed: FloatArray, synthetic: FloatArray, zones: IntArray) -> FloatArray:
    """Total variation distance of each zone's shares; 1 where only one side has records."""
    distance = np.bincount(zones, np.abs(_shares(aimed, zones) - _shares(synthetic, zones))) / 2
    is_lone = (np.bincount(zones, aimed) == 0) != (np.bincount(zones, synthetic) == 0)
    return np.where(is_lone, 1.0, distance)


def _shares(counts: FloatArray, zones: IntArray) -> FloatArray:
    totals = np.bincount(zones, counts)[zones]
    return np.divide(counts, totals, out=np.zeros(len(counts)), where=totals != 0)


def _worst(gap: FloatArray, is_missed: NDArray[np.bool_], off: FloatArray) -> int:
    """The row to name: of those missed the widest gap, and where a whole zone shares its gap the cell furthest off."""
    blame = np.where(is_missed, np.nan_to_num(gap, nan=np.inf), -1.0)
    candidates = np.flatnonzero(blame == blame.max())
    return int(candidates[np.argmax(np.nan_to_num(off[candidates], nan=np.inf))])


def _described(cell: "pd.Series[Any]", aimed_share: float, synthetic_share: float) -> dict[str, Any]:
    aimed, synthetic = float(cell["reconciled"]), float(cell["synthetic"])
    level, zone = (None if pd.isna(cell[name]) else str(cell[name]) for name in ("zone_level", "zone"))
    return {
        "zone_level": level,
        "zone": zone,
        "cell": str(cell["cell"]),
        "reconciled": _finite(aimed),
        "synthetic": _finite(synthetic),
        "discrepancy": _finite(aimed - synthetic),
        "reconciled_share": _finite(aimed_share),
        "synthetic_share": _finite(synthetic_share),
    }


def _record_message(observed: dict[str, Any]) -> str:
    worst, allowed = observed["worst_cell"], observed["tolerance"]
    place = worst["cell"] if worst["zone"] is None else f"{_zone(worst)}, {worst['cell']}"
    off = "unknown" if worst["discrepancy"] is None else _too_few(round(worst["discrepancy"], 4))
    missed = f"{observed['cells_missed']} of {observed['cells']} cells missed"
    beyond = f" by more than {allowed:g}" if allowed else ""
    aims = f"aimed {_plain(worst['reconciled'])}, synthetic {_plain(worst['synthetic'])} ({off})"
    return f"{missed}{beyond}; worst {place}: {aims}"


def _too_few(discrepancy: float) -> str:
    return f"{abs(discrepancy):.15g} too {'few' if discrepancy > 0 else 'many'}"


def _share_message(observed: dict[str, Any]) -> str:
    worst = observed["worst_cell"]
    is_zoned = worst["zone"] is not None
    missed = (
        f"{observed['zones_missed']} of {observed['zones']} zones missed; worst {_zone(worst)}: " if is_zoned else ""
    )
    distance = f"TVD of shares {_plain(worst['zone_tvd'])}, tolerance {_plain(observed['tolerance'])}"
    shares = f"aimed share {_plain(worst['reconciled_share'])}, synthetic {_plain(worst['synthetic_share'])}"
    return f"{missed}{distance}; furthest off {worst['cell']}: {shares}"


def _zone(cell: dict[str, Any]) -> str:
    return f"{cell['zone_level']}={cell['zone']}"


def _finite(number: Any) -> float | None:
    return float(number) if np.isfinite(number) else None


def _plain(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.5f}".rstrip("0").rstrip(".")
