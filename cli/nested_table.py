"""Nested records as lines: a root record, and under it its members in columns of their own."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from schemas.model import Entity, Scenario

INDENT, GAP = "    ", "  "
LEAST_WIDTH = 4

Line = tuple[str, str]
Cells = Sequence[str]


def nested_lines(scenario: "Scenario", roots: Sequence[Mapping[str, Any]], width: int) -> Iterator[Line]:
    """Each line with its style; columns are shortened, the widest first, until they fit into `width`."""
    member = scenario.member
    of_roots = [_texts(root[variable.name] for variable in scenario.root.all_variables) for root in roots]
    of_members = [[_texts(one.values()) for one in root[member.name]] if member else [] for root in roots]
    root_layout = _Layout(scenario.root, of_roots, width)
    yield root_layout.line(root_layout.names), "bold"
    if member is None:
        yield from ((root_layout.line(cells), "") for cells in of_roots)
        return
    member_layout = _Layout(member, [cells for group in of_members for cells in group], width - len(INDENT))
    yield INDENT + member_layout.line(member_layout.names), "bold cyan"
    for cells, group in zip(of_roots, of_members, strict=True):
        yield "", ""
        yield root_layout.line(cells), ""
        yield from ((INDENT + member_layout.line(one), "cyan") for one in group)


class _Layout:
    """Widths and sides of an entity's columns."""

    def __init__(self, entity: "Entity", rows: Sequence[Cells], width: int) -> None:
        self.names = [variable.name for variable in entity.all_variables]
        self.is_text = [variable.kind == "category" for variable in entity.all_variables]
        self.widths = [max(map(len, column)) for column in zip(self.names, *rows, strict=True)]
        room = width - len(GAP) * (len(self.names) - 1)
        while sum(self.widths) > room and max(self.widths) > LEAST_WIDTH:
            self.widths[self.widths.index(max(self.widths))] -= 1

    def line(self, cells: Cells) -> str:
        """The cells in their columns: texts to the left, numbers to the right."""
        parts = [
            _shortened(cell, width).ljust(width) if is_text else _shortened(cell, width).rjust(width)
            for cell, width, is_text in zip(cells, self.widths, self.is_text, strict=True)
        ]
        return GAP.join(parts).rstrip()


def _shortened(cell: str, width: int) -> str:
    return cell if len(cell) <= width else cell[: width - 1] + "…"


def _texts(values: Any) -> list[str]:
    return [f"{value:,.2f}" if isinstance(value, float) else str(value) for value in values]
