"""Means, totals and quantiles of a run, as the report and the closing summary tell of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from adapters.report_tables import MOMENTS

SHOWN = 200


@dataclass(frozen=True, slots=True)
class MomentRow:
    """One cell of a mean, total or quantile; figures as text."""

    table: str
    what: str
    zone: str
    cell: str
    published: str
    aimed: str
    synthetic: str
    off: str
    tolerance: str
    is_within: bool


@dataclass(frozen=True, slots=True)
class Moments:
    """Those of a run: how many, how many within tolerance, and the cells furthest off."""

    count: int
    within: int
    rows: tuple[MomentRow, ...]


def read_moments(aggregates: pd.DataFrame) -> Moments:
    """The moments among the rows of aggregates.parquet."""
    if "measure" not in aggregates or not len(aggregates):
        return Moments(0, 0, ())
    found = aggregates[aggregates["measure"].isin(MOMENTS)]
    off = _off(found).fillna(0.0).to_numpy()
    order = np.lexsort((-off, found["within"].to_numpy(dtype=bool)))[:SHOWN]
    rows = tuple(_row(found.iloc[place], float(off[place])) for place in order)
    return Moments(len(found), int(found["within"].sum()), rows)


def tell_moments(moments: Moments) -> str:
    """One line about them."""
    worst = moments.rows[0]
    place = ", ".join(part for part in (worst.table, worst.zone, worst.cell) if part)
    return f"{moments.within:,} of {moments.count:,}; worst {place}: off by {worst.off} (tolerance: {worst.tolerance})"


def _off(found: pd.DataFrame) -> "pd.Series[float]":
    gap = found["discrepancy"].abs()
    is_share = found["tolerance_kind"] == "share"
    return gap.where(is_share | (found["reconciled"] == 0), gap / found["reconciled"].abs())


def _row(row: "pd.Series[Any]", off: float) -> MomentRow:
    is_share = row["tolerance_kind"] == "share"
    write = "{:.2%}".format if is_share else "{:,.6g}".format
    figures = {name: "–" if pd.isna(row[name]) else write(row[name]) for name in ("reconciled", "synthetic")}
    what = f"{row['measure']} of {row['of']}"
    if is_share:
        what = f"share of {row['of']} below its quantile {row['quantile']:g}"
    return MomentRow(
        str(row["table"]),
        what,
        "" if pd.isna(row["zone"]) else str(row["zone"]),
        str(row["cell"]),
        f"{row['target']:,.6g}",
        figures["reconciled"],
        figures["synthetic"],
        f"{off:.2%}",
        f"{row['tolerance']:.2%}",
        bool(row["within"]),
    )
