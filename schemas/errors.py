"""Errors a caller may catch.

SynthorError
├── UserError            one clear line for a mistake of the user's: exit code 2
│   └── ScenarioError    the same, with file and line
├── RunError             the run itself went wrong: exit code 1
│   ├── BatchError       a batch could not be completed
│   ├── CorruptionError  a committed file is not what its commit says
│   ├── AuditError       validation refused the dataset
│   ├── AccessError      a model's server refuses the key, the account or the model: no attempt helps
│   └── ReplayError      what is to be replayed was asked otherwise
├── ProposerError        a call to a proposer brought no reply; another attempt may
└── MetricError          a figure that cannot be computed (instead of NaN)
"""


class SynthorError(Exception):
    """Anything this project raises on purpose."""


class UserError(SynthorError):
    """A mistake of the user's, told in one line: what, where, what was expected."""


class ScenarioError(UserError):
    """A mistake in a scenario folder, located by file and line."""

    def __init__(self, message: str, path: str = "", line: int | None = None) -> None:
        self.message = message
        self.path = path
        self.line = line
        super().__init__(message, path, line)

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.message}" if where else self.message


class RunError(SynthorError):
    """The run could not be completed although the scenario can be read."""


class BatchError(RunError):
    """A batch failed for good, after its retries."""


class CorruptionError(RunError):
    """A committed file is missing, truncated or altered."""


class AuditError(RunError):
    """Validation refused the dataset; it stays staged and is not published."""


class AccessError(RunError):
    """A proposer's server refuses whoever asks: wrong key, no permission, no credit, no such model."""


class ReplayError(RunError):
    """A prompt is not the one whose reply is to be replayed; `difference` shows how, in several lines."""

    def __init__(self, message: str, difference: str = "") -> None:
        super().__init__(message, difference)
        self.message = message
        self.difference = difference

    def __str__(self) -> str:
        return self.message


class ProposerError(SynthorError):
    """A call to a proposer brought no reply; another attempt may. Never reaches the user: the offline chain covers."""


class MetricError(SynthorError):
    """A metric is undefined for its input."""
