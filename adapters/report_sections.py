"""One section per target table: what it counts, how well it is met, its chart and its rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adapters.report_charts import BarChart, ColumnChart, chart_table
from adapters.report_heat_map import HeatMap
from adapters.report_numbers import plural
from adapters.report_tables import CellSum, TableGrid, sum_cells
from adapters.report_verdict import is_met

STATIC_ROWS = 120


@dataclass(frozen=True, slots=True)
class TableSection:
    """One target table as the page shows it; rows are summed over the zones."""

    key: str
    grid: TableGrid
    chart: BarChart | ColumnChart | HeatMap
    rows: tuple[CellSum, ...]
    row_count: int
    within_count: int
    cell_count: int
    is_met: bool
    mean_tvd: float
    max_tvd: float
    worst_zone: str
    facts: tuple[str, ...]
    has_moe: bool
    published_total: float | None
    aimed_total: float
    moved_tvd: float

    @property
    def is_zoned(self) -> bool:
        """Whether a reader can choose a zone."""
        return bool(self.grid.zone_level)

    @property
    def has_moved(self) -> bool:
        """Whether other shares were aimed at than published, once zones are summed."""
        return self.moved_tvd > 5e-5

    @property
    def is_reconciled(self) -> bool:
        """Whether shares or totals were aimed at that differ from the published ones."""
        total = self.aimed_total if self.published_total is None else self.published_total
        return self.has_moved or abs(total - self.aimed_total) > 0.5

    @property
    def top_share(self) -> float:
        """The largest share of the table, the full width of the small bars in its rows."""
        return max([max(row.aimed_share, row.synthetic_share) for row in self.rows], default=0.0) or 1.0


def build_sections(grids: Sequence[TableGrid]) -> list[TableSection]:
    """Sections of all tables, keyed `t1`, `t2`, … in the order of the aggregates."""
    return [_build_section(f"t{place}", grid) for place, grid in enumerate(grids, start=1)]


def _build_section(key: str, grid: TableGrid) -> TableSection:
    sums, tvd = sum_cells(grid), grid.tvd_by_zone
    return TableSection(
        key=key,
        grid=grid,
        chart=chart_table(grid, sums),
        rows=tuple(_largest(sums, STATIC_ROWS)),
        row_count=len(sums),
        within_count=int((grid.within & grid.exists).sum()),
        cell_count=int(grid.exists.sum()),
        is_met=is_met(grid),
        mean_tvd=float(tvd.mean()),
        max_tvd=float(tvd.max()),
        worst_zone=grid.zones[int(tvd.argmax())] if tvd.max() > 0 else "",
        facts=_facts(grid),
        has_moe=bool(np.isfinite(grid.moe).any()),
        published_total=None if grid.measure == "share" else float(grid.published.sum()),
        aimed_total=float(grid.aimed.sum()),
        moved_tvd=round(0.5 * sum(abs(cell.published_share - cell.aimed_share) for cell in sums), 9),
    )


def _largest(sums: list[CellSum], limit: int) -> list[CellSum]:
    return sums if len(sums) <= limit else sorted(sums, key=lambda cell: -cell.aimed)[:limit]


def _facts(grid: TableGrid) -> tuple[str, ...]:
    where = f"by {grid.zone_level} ({plural(len(grid.zones), 'zone')})" if grid.zone_level else "the whole"
    aim = f"aimed at {grid.binds}s" if grid.binds and grid.binds != grid.measure else ""
    universe = f"universe: {grid.universe}" if grid.universe else ""
    measure = f"published as {grid.measure}s" if grid.measure else ""
    facts = (grid.entity, where, universe, measure, aim, f"tolerance: {grid.tolerance_text}")
    return tuple(fact for fact in facts if fact)
