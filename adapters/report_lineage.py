"""What fills a cell, as the report tells it: its proposals with their reasons, and the plan rows that give most."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.report_numbers import shorten, write_count, write_percent

Lineage = Mapping[str, Any]
PLACES = ("plan_row_id", "records", "prior_weight", "proposal_id", "in_cell")
SHOWN_CHARACTERS = 400
SHOWN_PLAN_ROWS = 3


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one proposal or plan row gives to a cell."""

    name: str
    count: str
    share: str
    text: str


@dataclass(frozen=True, slots=True)
class FilledCell:
    """A cell with what fills it."""

    table: str
    zone: str
    cell: str
    records: int
    proposal_count: int
    proposals: tuple[Contribution, ...]
    plan_rows: tuple[Contribution, ...]
    question: str
    """The part of `synthor explain` that asks for more."""


def arrange_lineage(found: Lineage) -> FilledCell:
    """A cell as `explain` follows it, in the order of what gives most."""
    records = int(found["records"])
    return FilledCell(
        table=str(found["table"]),
        zone=str(found["zone"] or ""),
        cell=str(found["cell"]),
        records=records,
        proposal_count=int(found["proposal_count"]),
        proposals=tuple(_proposal(one, records) for one in found["proposals"]),
        plan_rows=tuple(_plan_row(one, records) for one in found["plan_rows"][:SHOWN_PLAN_ROWS]),
        question=_question(found),
    )


def _proposal(one: Mapping[str, Any], records: int) -> Contribution:
    return _contribution(one["proposal_id"], one["records"], records, one["reason"] or "gives no reason")


def _plan_row(one: Mapping[str, Any], records: int) -> Contribution:
    fixed = {name: value for name, value in one.items() if name not in PLACES and not _is_absent(value)}
    roots = [f"{name} {value}" for name, value in fixed.items() if not isinstance(value, list)]
    columns = {name: value for name, value in fixed.items() if isinstance(value, list)}
    members = [" · ".join(map(str, values)) for values in zip(*columns.values(), strict=False)]
    entity = next(iter(columns), "").partition(".")[0]
    told = [", ".join(roots), *(f"{entity} {place}: {values}" for place, values in enumerate(members, start=1))]
    return _contribution(one["plan_row_id"], one["in_cell"], records, "; ".join(told))


def _is_absent(value: Any) -> bool:
    """Whether a range is left to the whole atom, of the row or of all its members."""
    return all(one is None or one != one for one in (value if isinstance(value, list) else [value]))


def _contribution(name: Any, count: int, records: int, text: str) -> Contribution:
    return Contribution(str(name), write_count(count), write_percent(count / records), shorten(text, SHOWN_CHARACTERS))


def _question(found: Lineage) -> str:
    zone = f",{found['zone_level']}={found['zone']}" if found["zone"] else ""
    return f'--cell "{found["cell"].replace(", ", ",")}{zone}" --table {found["table"]}'
