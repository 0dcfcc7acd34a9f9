"""Geometry of the heat map of a joint table: a square per cell, outline = aimed at, fill = synthetic.

Areas show shares, the tint behind them the discrepancy. Unlike the other charts it has a natural width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.report_numbers import shorten, write_signed
from adapters.report_tables import CellSum, TableGrid

HEAT_CELL_WIDTH, HEAT_CELL_HEIGHT, HEAT_SQUARE = 56, 46, 30
HEAT_ROWS, HEAT_COLUMNS, HEAT_LABEL = 24, 12, 22
FULL_TINT_SHARE = 0.01  # a gap of one percentage point is tinted fully


@dataclass(frozen=True, slots=True)
class HeatCell:
    """One cell: centre in pixels, sides of the two squares, tint strength in [0, 1] and its side."""

    x: float
    y: float
    aimed: float
    synthetic: float
    tint: float
    side: str
    text: str
    tooltip: str
    is_outside: bool


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A joint table of two variables; labels are (position, short text, full text)."""

    kind: str
    width: int
    height: int
    left: int
    top: int
    axes: tuple[str, str]
    rows: tuple[tuple[float, str, str], ...]
    columns: tuple[tuple[float, str, str], ...]
    is_slanted: bool
    cells: tuple[HeatCell, ...]

    @property
    def is_wide(self) -> bool:
        """Whether it wants the full width of the page."""
        return self.width > 515


def draw_heat_map(grid: TableGrid, sums: Sequence[CellSum]) -> HeatMap | None:
    """The map; None where the table has too many categories to read as a map, or too few to be one."""
    categories = [list(dict.fromkeys(parts[axis] for parts in grid.parts)) for axis in (0, 1)]
    axis = 0 if len(categories[0]) >= len(categories[1]) else 1  # the longer variable runs down
    rows, columns = categories[axis], categories[1 - axis]
    if not (2 <= len(columns) <= HEAT_COLUMNS and len(rows) <= HEAT_ROWS):
        return None
    row_title, column_title = grid.variables[axis], grid.variables[1 - axis]
    is_slanted = max(map(_text_width, columns)) > HEAT_CELL_WIDTH - 4
    left = 14 + max(map(_text_width, [*rows, row_title + "    "]))
    top = 30 + (round(0.64 * max(map(_text_width, columns))) + 6 if is_slanted else 16)
    overhang = max(2, round(0.79 * _text_width(columns[-1])) - 26) if is_slanted else 2
    xs = {name: left + (place + 0.5) * HEAT_CELL_WIDTH for place, name in enumerate(columns)}
    ys = {name: top + (place + 0.5) * HEAT_CELL_HEIGHT for place, name in enumerate(rows)}
    biggest = max(max(cell.aimed_share, cell.synthetic_share) for cell in sums) or 1.0
    return HeatMap(
        kind="heat",
        width=left + HEAT_CELL_WIDTH * len(columns) + overhang,
        height=top + HEAT_CELL_HEIGHT * len(rows) + 2,
        left=left,
        top=top,
        axes=(row_title, column_title),
        rows=tuple((y, shorten(name, HEAT_LABEL), name) for name, y in ys.items()),
        columns=tuple((x, shorten(name, HEAT_LABEL), name) for name, x in xs.items()),
        is_slanted=is_slanted,
        cells=tuple(
            _heat_cell(cell, xs[parts[1 - axis]], ys[parts[axis]], biggest)
            for cell, parts in zip(sums, grid.parts, strict=True)
        ),
    )


def _text_width(text: str) -> int:
    """Pixels a label takes, at about 6.6 a character."""
    return round(6.6 * min(len(text), HEAT_LABEL))


def _heat_cell(cell: CellSum, x: float, y: float, biggest: float) -> HeatCell:
    gap = cell.aimed_share - cell.synthetic_share
    return HeatCell(
        x=x,
        y=y,
        aimed=round(HEAT_SQUARE * (cell.aimed_share / biggest) ** 0.5, 1),
        synthetic=round(HEAT_SQUARE * (cell.synthetic_share / biggest) ** 0.5, 1),
        tint=round(min(1.0, abs(gap) / FULL_TINT_SHARE) * 0.55, 2),
        side="short" if gap > 0 else "over",
        text=write_signed(cell.discrepancy) if abs(cell.discrepancy) >= 0.5 else "",
        tooltip=cell.description,
        is_outside=cell.is_outside,
    )
