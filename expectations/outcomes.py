"""What a suite found, as plain values."""

from dataclasses import asdict, dataclass
from typing import Any


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


@dataclass(frozen=True, slots=True)
class SuiteOutcome:
    """What judging by a suite came to; `failures` in the order of the suite."""

    suite: str
    success: bool
    evaluated: int
    failed: int
    failures: tuple[Failure, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain nested values for validation.json."""
        return {**asdict(self), "failures": [asdict(failure) for failure in self.failures]}
