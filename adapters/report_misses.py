"""Where a run fits worst: the cells furthest from what was aimed at, and what missed its tolerance."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from adapters.report_numbers import write_signed, write_tolerance, write_tvd
from adapters.report_tables import TableGrid


@dataclass(frozen=True, slots=True)
class WorstCell:
    """One target cell of one zone."""

    table: str
    zone: str
    cell: str
    measure: str
    published: float
    aimed: float
    synthetic: float
    discrepancy: float
    tolerance: str
    is_within: bool
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Miss:
    """A cell (or, for a share tolerance, a table in one zone) outside its tolerance."""

    table: str
    zone: str
    what: str
    aimed: float
    synthetic: float
    missed_by: str
    tolerance: str
    records: float


def find_worst_cells(grids: Iterable[TableGrid], limit: int = 20) -> list[WorstCell]:
    """The cells with the largest discrepancy, those outside their tolerance first; exact cells never."""
    found = [cell for grid in grids for cell in _worst_of(grid, limit)]
    return sorted(found, key=lambda cell: (cell.is_within, -abs(cell.discrepancy)))[:limit]


def _worst_of(grid: TableGrid, limit: int) -> list[WorstCell]:
    gap = np.round(np.abs(grid.discrepancy), 6).ravel()
    order = np.lexsort((np.arange(gap.size), -gap, grid.within.ravel()))[:limit]
    return [_cell_at(grid, *divmod(int(place), len(grid.cells))) for place in order if gap[place] > 0]


def _cell_at(grid: TableGrid, zone: int, cell: int) -> WorstCell:
    return WorstCell(
        table=grid.name,
        zone=grid.zones[zone],
        cell=grid.cells[cell],
        measure=grid.measure,
        published=float(grid.published[zone, cell]),
        aimed=float(grid.aimed[zone, cell]),
        synthetic=float(grid.synthetic[zone, cell]),
        discrepancy=float(grid.discrepancy[zone, cell]),
        tolerance=write_tolerance(float(grid.tolerance[zone, cell]), grid.tolerance_kind),
        is_within=bool(grid.within[zone, cell]),
        cause=grid.causes.get((zone, cell), ""),
    )


def find_misses(grids: Sequence[TableGrid]) -> list[Miss]:
    """Everything outside its tolerance, the most misplaced records first."""
    found = [miss for grid in grids for miss in (_zone_misses if _by_share(grid) else _cell_misses)(grid)]
    return sorted(found, key=lambda miss: -miss.records)


def _by_share(grid: TableGrid) -> bool:
    return grid.tolerance_kind == "share_tvd"


def _cell_misses(grid: TableGrid) -> list[Miss]:
    places = np.argwhere(grid.exists & ~grid.within)
    return [_cell_miss(grid, int(zone), int(cell)) for zone, cell in places]


def _cell_miss(grid: TableGrid, zone: int, cell: int) -> Miss:
    gap, tolerance = float(grid.discrepancy[zone, cell]), float(grid.tolerance[zone, cell])
    excess = max(abs(gap) - tolerance, 0.0)
    unit = "record" if round(excess, 1) == 1 else "records"
    return Miss(
        grid.name, grid.zones[zone], grid.cells[cell], float(grid.aimed[zone, cell]),
        float(grid.synthetic[zone, cell]), f"{write_signed(excess if gap > 0 else -excess)} {unit}",
        write_tolerance(tolerance, grid.tolerance_kind), excess,
    )  # fmt: skip


def _zone_misses(grid: TableGrid) -> list[Miss]:
    rows, tvd = np.flatnonzero((grid.exists & ~grid.within).any(axis=1)), grid.tvd_by_zone
    return [_zone_miss(grid, int(zone), float(tvd[zone])) for zone in rows]


def _zone_miss(grid: TableGrid, zone: int, tvd: float) -> Miss:
    aimed, tolerance = float(grid.aimed[zone].sum()), float(grid.tolerance[zone].max())
    worst = int(np.abs(grid.discrepancy[zone]).argmax())
    return Miss(
        grid.name, grid.zones[zone], f"the whole table, most of all {grid.cells[worst]}", aimed,
        float(grid.synthetic[zone].sum()), f"TVD {write_tvd(max(tvd - tolerance, 0.0))}",
        write_tolerance(tolerance, grid.tolerance_kind), max(tvd - tolerance, 0.0) * aimed,
    )  # fmt: skip
