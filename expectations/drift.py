"""How far a target table moved since the previous publication, from the aggregates of both alone.

Shares are compared over the whole table, zones included: a zone that grew has drifted, and a small one weighs little.
"""

import numpy as np
import pandas as pd

from expectations.tolerance import SLACK, TableVerdict

KEYS = ["table", "zone_level", "zone", "cell"]
COUNTED = ("count", "share")
"""Measures whose cells are counts of records; others (means, quantiles) have no shares to compare."""


def drift_frame(aggregates: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    """One row per cell of either: table, zone_level, zone, cell, previous, synthetic; what one side lacks is null."""
    now, before = _counts(aggregates, "synthetic"), _counts(previous, "previous")
    return before.merge(now, on=KEYS, how="outer", sort=True)


def judge_drift(table: str, frame: pd.DataFrame, max_tvd: float) -> TableVerdict:
    """The verdict on one table. One that the previous publication lacks is new, and has not drifted."""
    cells = frame[frame["table"] == table]
    previous, synthetic = (cells[name].to_numpy(dtype=np.float64) for name in ("previous", "synthetic"))
    if np.isnan(previous).all():
        return TableVerdict(True, {"is_new": True}, f"{table}: not in the previous publication")
    before, now = _shares(previous), _shares(synthetic)
    is_empty = not now.any() or not before.any()
    tvd = float(now.any() != before.any()) if is_empty else float(np.abs(now - before).sum() / 2)
    worst = int(np.argmax(np.abs(now - before)))
    cell = cells.iloc[worst]
    place = str(cell["cell"]) if pd.isna(cell["zone"]) else f"{cell['zone_level']}={cell['zone']}, {cell['cell']}"
    observed = {
        "tvd": tvd,
        "max_tvd": max_tvd,
        "cells": len(cells),
        "worst_cell": {"cell": place, "previous_share": float(before[worst]), "synthetic_share": float(now[worst])},
    }
    message = (
        f"{table}: TVD {tvd:.4f} from the previous publication, allowed {max_tvd:g}; "
        f"most at {place}: share {before[worst]:.4f} before, {now[worst]:.4f} now"
    )
    return TableVerdict(tvd <= max_tvd + SLACK, observed, message)


def _counts(aggregates: pd.DataFrame, name: str) -> pd.DataFrame:
    is_counted = aggregates["measure"].isin(COUNTED)
    counted = aggregates.loc[is_counted, [*KEYS, "synthetic"]].rename(columns={"synthetic": name})
    # Null keys have to meet each other in the merge, whatever type of null their column holds.
    return counted.astype(dict.fromkeys(KEYS, object)).astype({name: "float64"})


def _shares(counts: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    counts = np.nan_to_num(counts)
    total = counts.sum()
    return counts / total if total else counts
