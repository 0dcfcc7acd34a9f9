"""What a suite found, as plain values."""

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Failure:
    """One expectation that was not met, or could not be computed. `observed` is JSON-able."""

    suite: str
    expectation: str
    message: str
    entity: str | None = None
    column: str | None = None
    table: str | None = None
    observed: Any = None
    severity: Literal["critical", "warning"] = "critical"


@dataclass(frozen=True, slots=True)
class SuiteOutcome:
    """What judging by a suite came to; `failures` in the order of the suite, `warnings` fail nothing."""

    suite: str
    success: bool
    evaluated: int
    failed: int
    failures: tuple[Failure, ...] = ()
    warnings: tuple[Failure, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain nested values for validation.json."""
        parts = {name: [asdict(found) for found in getattr(self, name)] for name in ("failures", "warnings")}
        return {**asdict(self), **parts}
