"""Geometry of the target tables' charts: bars, columns, heat maps. The template draws it, escaping all text.

Horizontal positions are percentages, so that charts keep legible text from 400 px to print; only heat
maps have a natural width in pixels. Everywhere: outline = aimed at, fill = synthetic, dot = published.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.report_numbers import plural, write_count, write_percent, write_signed
from adapters.report_tables import CellSum, TableGrid

BAR_ROW = 36
LARGEST_CELLS = 30
ROW_CHARACTERS = 52  # label and value share a line of a phone's width
PANEL_BARS = 14
COLUMN_CELLS = 200
COLUMN_HEIGHT = 150
HEAT_CELL_WIDTH, HEAT_CELL_HEIGHT, HEAT_SQUARE = 56, 46, 30
HEAT_ROWS, HEAT_COLUMNS, HEAT_LABEL = 24, 12, 22
LOWER_BOUND = re.compile(r"\[?(-?[0-9.]+)(?:$|[-,+ ])")
FULL_TINT_SHARE = 0.01  # a gap of one percentage point is tinted fully


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


def chart_table(grid: TableGrid, sums: Sequence[CellSum]) -> BarChart | ColumnChart | HeatMap:
    """The chart that suits a table: by its number of variables and cells."""
    if len(grid.variables) == 2 and (heat_map := _heat_map(grid, sums)):
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
        tooltip=_tooltip(cell),
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


def _tooltip(cell: CellSum) -> str:
    margin = "" if cell.moe_share is None else f" ± {write_percent(cell.moe_share)}"
    return (
        f"{cell.label}: published {write_percent(cell.published_share)}{margin}, "
        f"aimed at {write_count(cell.aimed)} ({write_percent(cell.aimed_share)}), "
        f"synthetic {write_count(cell.synthetic)} ({write_percent(cell.synthetic_share)})"
    )


def shorten(label: str, length: int) -> str:
    """A label cut to a length, with an ellipsis."""
    return label if len(label) <= length else label[: length - 1].rstrip() + "…"


def _column_chart(sums: Sequence[CellSum]) -> ColumnChart:
    top = max(_highest(cell) for cell in sums) or 1.0
    step = 100 / len(sums)

    def height(share: float) -> float:
        return round(COLUMN_HEIGHT * (1 - share / top) + 6, 1)

    columns = tuple(
        Column(
            round(place * step, 3), round(step, 3), height(cell.aimed_share), height(cell.synthetic_share),
            height(cell.published_share), _tooltip(cell), cell.is_outside,
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


def _heat_map(grid: TableGrid, sums: Sequence[CellSum]) -> HeatMap | None:
    """None where the table has too many categories to read as a map, or too few to be one."""
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
        tint=round(min(1.0, abs(gap) / LOWER_BOUND = re.compile(r"\[?(-?[0-9.]+)(?:$|[-,+ ])")
FULL_TINT_SHARE) * 0.55, 2),
        side="short" if gap > 0 else "over",
        text=write_signed(cell.discrepancy) if abs(cell.discrepancy) >= 0.5 else "",
        tooltip=_tooltip(cell),
        is_outside=cell.is_outside,
    )
