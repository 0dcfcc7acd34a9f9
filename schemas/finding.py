"""What `synthor check` finds: where tables contradict each other, themselves or the rules, and what a run does then."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

FindingKind = Literal[
    "total",
    "universe",
    "reach",
    "forbidden",
    "overlap",
    "contradiction",
    "multiples",
    "crosswalk",
    "import",
    "unchecked",
]
Outcome = Literal["reconciled", "noted", "refused"]
"""What becomes of a finding: a named policy reconciles it, it changes nothing, or the run would fail on it."""


@dataclass(frozen=True, slots=True)
class CellPlace:
    """Cells (none: all) of a table in some of its units: the lines of its file that a finding is about."""

    table: str
    units: tuple[int, ...]
    cells: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `tables` is the smallest set found that contradicts; `records` its size over all zones."""

    kind: FindingKind
    outcome: Outcome
    tables: tuple[str, ...]
    what: str
    policy: str = ""
    """Name of the policy that reconciles it, and in `remedy` what that does here."""
    remedy: str = ""
    records: float = 0.0
    standard_errors: float | None = None
    zone_level: str | None = None
    zones: int = 0
    """How many zones of the level are affected, of `zones_total`."""
    zones_total: int = 0
    worst_zone: str | None = None
    worst_records: float = 0.0
    places: tuple[CellPlace, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Everything but the places, which are of use with the files at hand."""
        plain = {name: value for name, value in asdict(self).items() if name != "places"}
        return plain | {"tables": list(self.tables)}
