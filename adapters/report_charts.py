"""Geometry of the target tables' charts: bars and columns. The template draws it, escaping all text.

Horizontal positions are percentages, so that text stays legible from 400 px to print.
Everywhere: outline = aimed at, fill = synthetic, dot = published.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.report_heat_map import HeatMap, draw_heat_map
from adapters.report_numbers import plural, shorten, write_percent
from adapters.report_tables import CellSum, TableGrid

BAR_ROW = 36
LARGEST_CELLS = 30
ROW_CHARACTERS = 52  # label and value share a line of a phone's width
PANEL_BARS = 14
COLUMN_CELLS = 200
COLUMN_HEIGHT = 150
LOWER_BOUND = re.compile(r"\[?(-?[0-9.]+)(?:$|[-,+ ])")


@dataclass(frozen=True, slots=True)
class Bar:
    """One cell: extents in percent of the width; the whisker is absent where no margin was published."""

    y: int
    label: str
    value: str
    tooltip: str
    aimed: float
    synthetic: float
    published: float
    whisker: tuple[float, float] | None
    is_outside: bool


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars of the cells, in one panel or two side by side, and how many cells were left out."""

    kind: str
    panels: tuple[tuple[Bar, ...], ...]
    bar_count: int
    rest: str

    @property
    def is_wide(self) -> bool:
        """Whether it wants the full width of the page."""
        return len(self.panels) > 1


@dataclass(frozen=True, slots=True)
class Column:
    """One cell of an ordered variable: x and width in percent, the rest in pixels from the top."""

    x: float
    width: float
    aimed_top: float
    synthetic_top: float
    published_top: float
    tooltip: str
    is_outside: bool


@dataclass(frozen=True, slots=True)
class ColumnChart:
    """Columns of one variable with many categories; ticks are (x percent, label)."""

    kind: str
    height: int
    columns: tuple[Column, ...]
    ticks: tuple[tuple[float, str], ...]
    is_wide: bool = False


def chart_table(grid: TableGrid, sums: Sequence[CellSum]) -> BarChart | ColumnChart | HeatMap:
    """The chart that suits a table: by its number of variables and cells."""
    if len(grid.variables) == 2 and (heat_map := draw_heat_map(grid, sums)):
        return heat_map
    if len(grid.variables) == 1 and LARGEST_CELLS < len(sums) <= COLUMN_CELLS:
        return _column_chart(sums)
    return _bar_chart(sums)


def _bar_chart(sums: Sequence[CellSum]) -> BarChart:
    shown = list(sums)
    if len(sums) > LARGEST_CELLS:
        shown = sorted(sums, key=lambda cell: -cell.aimed_share)[:LARGEST_CELLS]
    top = 1.01 * max([_highest(cell) for cell in shown], default=0.0) or 1.0
    half = -(-len(shown) // 2) if len(shown) > PANEL_BARS else max(len(shown), 1)
    bars = [_bar(cell, BAR_ROW * (place % half), top) for place, cell in enumerate(shown)]
    rest, share = len(sums) - len(shown), sum(cell.aimed_share for cell in shown)
    note = f"{plural(rest, 'smaller cell')} not drawn ({write_percent(1 - share)} of the table)"
    panels = tuple(tuple(bars[start : start + half]) for start in range(0, len(bars), half))
    return BarChart("bars", panels, len(bars), note if rest else "")


def _highest(cell: CellSum) -> float:
    return max(cell.aimed_share, cell.synthetic_share, cell.published_share + (cell.moe_share or 0.0))


def _bar(cell: CellSum, y: int, top: float) -> Bar:
    value = _bar_value(cell)
    low, high = cell.published_share - (cell.moe_share or 0.0), cell.published_share + (cell.moe_share or 0.0)
    return Bar(
        y=y,
        label=shorten(cell.label, ROW_CHARACTERS - len(value)),
        value=value,
        tooltip=cell.description,
        aimed=_percent(cell.aimed_share, top),
        synthetic=_percent(cell.synthetic_share, top),
        published=_percent(cell.published_share, top),
        whisker=None if cell.moe_share is None else (_percent(max(low, 0.0), top), _percent(high, top)),
        is_outside=cell.is_outside,
    )


def _bar_value(cell: CellSum) -> str:
    value, aimed = write_percent(cell.synthetic_share), write_percent(cell.aimed_share)
    if cell.is_outside and cell.zone_count > 1:
        return f"{value} · {plural(cell.zone_count - cell.within_count, 'zone')} off"
    return value if value == aimed else f"{value}, aimed at {aimed}"


def _percent(share: float, top: float) -> float:
    return round(100 * share / top, 2)


def _column_chart(sums: Sequence[CellSum]) -> ColumnChart:
    top = max(_highest(cell) for cell in sums) or 1.0
    step = 100 / len(sums)

    def height(share: float) -> float:
        return round(COLUMN_HEIGHT * (1 - share / top) + 6, 1)

    columns = tuple(
        Column(
            round(place * step, 3), round(step, 3), height(cell.aimed_share), height(cell.synthetic_share),
            height(cell.published_share), cell.description, cell.is_outside,
        )
        for place, cell in enumerate(sums)
    )  # fmt: skip
    every = -(-len(sums) // 6)
    ticks = tuple((round(place * step, 2), _tick(cell.label)) for place, cell in enumerate(sums))
    return ColumnChart("columns", COLUMN_HEIGHT + 28, columns, ticks[::every])


def _tick(label: str) -> str:
    """Where a bin of numbers begins, or a short category."""
    number = LOWER_BOUND.match(label)
    return number[1] if number else shorten(label, 8)
