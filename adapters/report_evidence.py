"""The evidence of every pair of variables, arranged as the matrix that the report shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MARKS = {"controlled": "C", "implied": "I", "prior only": "P"}
WORDS = {"controlled": "controlled", "implied": "implied", "prior only": "prior only"}


@dataclass(frozen=True, slots=True)
class EvidenceCell:
    """One pair: its class, a letter for the narrow column, and everything about it in one line."""

    mark: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One variable against all that come before it."""

    name: str
    entity: str
    cells: tuple[EvidenceCell | None, ...]


@dataclass(frozen=True, slots=True)
class EvidenceMatrix:
    """The lower triangle of the matrix, and the pairs that are implied, with their bounds."""

    columns: tuple[str, ...]
    rows: tuple[EvidenceRow, ...]
    implied: tuple[Mapping[str, Any], ...]
    counts: Mapping[str, int]


def arrange_evidence(evidence: Mapping[str, Any]) -> EvidenceMatrix:
    """The matrix of run.json's `evidence`; empty where a run has none."""
    variables, pairs = evidence.get("variables") or [], evidence.get("pairs") or []
    of_pair = {frozenset((pair["one"], pair["other"])): pair for pair in pairs}
    names = [variable["name"] for variable in variables]
    rows = tuple(
        EvidenceRow(
            variable["name"].split(".")[-1],
            variable["entity"],
            tuple(_cell(of_pair.get(frozenset((variable["name"], before)))) for before in names[:i]),
        )
        for i, variable in enumerate(variables)
    )
    counts = {kind: sum(pair["evidence"] == kind for pair in pairs) for kind in MARKS}
    implied = tuple(pair for pair in pairs if pair["evidence"] == "implied")
    return EvidenceMatrix(tuple(name.split(".")[-1] for name in names[:-1]), rows, implied, counts)


def _cell(pair: Mapping[str, Any] | None) -> EvidenceCell | None:
    if pair is None:
        return None
    kind = pair["evidence"]
    through = ", ".join(pair.get("tables") or [])
    return EvidenceCell(MARKS[kind], kind.replace(" ", "-"), kind + (f" by {through}" if through else ""))
