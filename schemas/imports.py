"""What importers hand to the writer of scenarios: a draft, its tables, and what has to be said about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

FindingKind = Literal["assumed", "repaired", "doubtful", "left out", "noted"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader of the imported scenario has to know; `where` is a file and line, where there is one."""

    kind: FindingKind
    subject: str
    text: str
    where: str = ""

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.kind}: {self.subject}: {self.text}{place}"


@dataclass(frozen=True, slots=True)
class DraftTable:
    """A CSV file of a scenario: `file` is relative to its folder."""

    file: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A scenario before it is written: scenario.yaml's content, its files, its findings."""

    document: dict[str, Any]
    tables: tuple[DraftTable, ...]
    findings: tuple[Finding, ...]
    title: str
