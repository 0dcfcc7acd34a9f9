"""Target tables of aggregates.parquet as arrays (zones × cells), and their sums over the zones."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from adapters.report_numbers import ABSENT, write_count, write_percent, write_tolerance

Matrix = NDArray[np.float64]
COLUMNS = (
    "table", "entity", "zone_level", "zone", "cell", "universe", "target", "measure", "binds", "reconciled",
    "synthetic", "discrepancy", "moe", "tolerance", "tolerance_kind", "within", "held_out",
    "cause",
)  # fmt: skip
MOMENTS = ("mean", "total", "quantile")
VARIABLE = re.compile(r"(?:^|, )([^\W\d]\w*)=")


@dataclass(frozen=True, slots=True)
class TableGrid:
    """One target table. Arrays have shape (zones, cells); a table of the whole has one zone, named ""."""

    name: str
    entity: str
    zone_level: str
    universe: str
    measure: str
    binds: str
    tolerance_kind: str
    variables: tuple[str, ...]
    cells: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    zones: tuple[str, ...]
    published: Matrix
    aimed: Matrix
    synthetic: Matrix
    discrepancy: Matrix
    moe: Matrix
    tolerance: Matrix
    within: NDArray[np.bool_]
    exists: NDArray[np.bool_]
    is_held_out: bool = False
    """Whether the run did not use the table: it is shown, not judged."""
    causes: Mapping[tuple[int, int], str] = field(default_factory=dict)
    """Of cells that were missed, by (zone, cell): the stage at which they were lost."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What a reader calls each cell: its categories, without the variables' names."""
        return tuple(" · ".join(parts) for parts in self.parts)

    @property
    def _scale(self) -> Matrix:
        total: Matrix = self.aimed.sum(axis=1, keepdims=True)
        return total if self.measure == "share" else np.ones_like(total)

    @property
    def published_records(self) -> Matrix:
        """The published figures in records: shares are scaled to the records aimed at in their zone."""
        return self.published * self._scale

    @property
    def moe_records(self) -> Matrix:
        """Margins of error in records, NaN where none was published."""
        return self.moe * self._scale

    @property
    def tvd_by_zone(self) -> Matrix:
        """Total variation distance between the shares aimed at and the synthetic ones, per zone."""
        gap = shares_of(self.aimed) - shares_of(self.synthetic)
        tvd: Matrix = 0.5 * np.abs(gap).sum(axis=1)
        return np.where(tvd < 1e-12, 0.0, tvd)

    @property
    def tolerance_text(self) -> str:
        """The tolerance in words; cells of one table may differ."""
        values = np.unique(self.tolerance[self.exists])
        if not len(values):
            return ABSENT
        low, high = (write_tolerance(float(value), self.tolerance_kind) for value in values[[0, -1]])
        return low if low == high else f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class CellSum:
    """One cell summed over the zones; shares are within the table."""

    label: str
    published: float
    published_share: float
    aimed: float
    aimed_share: float
    synthetic: float
    synthetic_share: float
    discrepancy: float
    moe_share: float | None
    moe_published: float | None
    within_count: int
    zone_count: int
    is_outside: bool  # outside a tolerance of its own: a share tolerance binds the whole table

    @property
    def description(self) -> str:
        """Everything about the cell in one line."""
        margin = "" if self.moe_share is None else f" ± {write_percent(self.moe_share)}"
        return (
            f"{self.label}: published {write_percent(self.published_share)}{margin}, "
            f"aimed at {write_count(self.aimed)} ({write_percent(self.aimed_share)}), "
            f"synthetic {write_count(self.synthetic)} ({write_percent(self.synthetic_share)})"
        )


def shares_of(records: Matrix) -> Matrix:
    """Shares within the last axis; all zero where there is no record."""
    total = records.sum(axis=-1, keepdims=True)
    shares: Matrix = np.divide(records, total, out=np.zeros_like(records), where=total > 0)
    return shares


def read_grids(aggregates: pd.DataFrame) -> list[TableGrid]:
    """The tables of counts and shares, in the order of the file."""
    counted = aggregates[~aggregates["measure"].isin(MOMENTS)] if "measure" in aggregates else aggregates
    complete = counted.reindex(columns=list(COLUMNS)).assign(exists=1.0)
    return [_read_grid(str(name), rows) for name, rows in complete.groupby("table", sort=False)]


def _read_grid(name: str, rows: pd.DataFrame) -> TableGrid:
    zone_codes, zones = pd.factorize(rows["zone"].astype(object).fillna("").astype(str))
    cell_codes, cells = pd.factorize(rows["cell"].astype(str))
    shape = (len(zones), len(cells))

    def spread(column: str, absent: float = 0.0) -> Matrix:
        grid = np.full(shape, absent)
        grid[zone_codes, cell_codes] = rows[column].fillna(absent).to_numpy(dtype=float)
        return grid

    def text(column: str) -> str:
        value = rows[column].iloc[0]
        return "" if pd.isna(value) else str(value)

    variables, parts = split_cells([str(cell) for cell in cells])
    return TableGrid(
        name, text("entity"), text("zone_level"), text("universe"), text("measure"), text("binds"),
        text("tolerance_kind"), variables, tuple(map(str, cells)), parts, tuple(map(str, zones)),
        published=spread("target"), aimed=spread("reconciled"), synthetic=spread("synthetic"),
        discrepancy=spread("discrepancy"), moe=spread("moe", np.nan), tolerance=spread("tolerance"),
        within=spread("within", 1.0) > 0, exists=spread("exists") > 0,
        is_held_out=bool(spread("held_out").any()),
        causes={(int(zone_codes[i]), int(cell_codes[i])): str(rows["cause"].iloc[i])
                for i in np.flatnonzero(rows["cause"].notna())},
    )  # fmt: skip


def split_cells(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Variables and, per cell, their categories, from `age=0-4, sex=male`.

    A category may itself look like an assignment, so the cell with the fewest names says which are
    variables. Cells that do not follow it leave the whole table as one nameless variable.
    """
    names: list[list[str]] = [VARIABLE.findall(cell) for cell in cells]
    variables = tuple(sorted(names, key=len)[0]) if names else ()
    pattern = re.compile(", ".join(f"{re.escape(name)}=(.*?)" for name in variables), re.DOTALL)
    matches = [pattern.fullmatch(cell) for cell in cells]
    if not variables or not all(matches):
        return ("",), tuple((cell,) for cell in cells)
    return variables, tuple(match.groups() for match in matches if match)


def sum_cells(grid: TableGrid) -> list[CellSum]:
    """Every cell of a table summed over its zones, in the order of the file."""
    aimed, synthetic = grid.aimed.sum(axis=0), grid.synthetic.sum(axis=0)
    published = grid.published_records.sum(axis=0)
    aimed_share, synthetic_share, published_share = map(shares_of, (aimed, synthetic, published))
    # Margin of a sum: root of the sum of squares (U.S. Census Bureau, ACS General Handbook, chapter 8).
    moe = np.sqrt((np.where(grid.exists, grid.moe_records, 0.0) ** 2).sum(axis=0))
    moe_share = moe / max(float(published.sum()), 1.0)
    in_shares = grid.measure == "share"
    discrepancy = grid.discrepancy.sum(axis=0)
    within_counts, zone_counts = (grid.within & grid.exists).sum(axis=0), grid.exists.sum(axis=0)
    return [
        CellSum(
            label=label,
            published=float((published_share if in_shares else published)[cell]),
            published_share=float(published_share[cell]),
            aimed=float(aimed[cell]),
            aimed_share=float(aimed_share[cell]),
            synthetic=float(synthetic[cell]),
            synthetic_share=float(synthetic_share[cell]),
            discrepancy=float(discrepancy[cell]),
            moe_share=float(moe_share[cell]) if np.isfinite(moe[cell]) else None,
            moe_published=float((moe_share if in_shares else moe)[cell]) if np.isfinite(moe[cell]) else None,
            within_count=int(within_counts[cell]),
            zone_count=int(zone_counts[cell]),
            is_outside=bool(within_counts[cell] < zone_counts[cell]) and grid.tolerance_kind != "share_tvd",
        )
        for cell, label in enumerate(grid.labels)
    ]
