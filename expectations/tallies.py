"""What became of each expectation of a suite over any number of frames, and the line that tells of a failure."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from expectations.id_runs import IdRuns
from expectations.outcomes import Failure

MAX_EXAMPLES = 3

_PHRASES = {
    "unique": "{column}: {bad} of {rows} records share an id{values}",
    "not null": "{column}: {bad} of {rows} records are null",
    "parent": "{bad} of {rows} {entity} records have no parent record in their partition",
    "member count": "{bad} of {rows} {entity} records list more or fewer members than they say",
    "categories": "{column}: {bad} of {rows} records hold no category of the scenario{values}",
    "range": "{column}: {bad} of {rows} records lie outside {text}{values}",
    "derived": "{column}: {bad} of {rows} records hold another value than its expression yields",
    "rule": "{column}: {bad} of {rows} records break it{text}",
}


@dataclass(slots=True)
class Tally:
    """Results of one expectation (its configuration as in the suite), merged."""

    expectation: Any
    rows: int = 0
    violations: int = 0
    is_evaluated: bool = False
    has_failed: bool = False
    problem: str | None = None
    values: list[Any] = field(default_factory=list)
    ids: list[Any] = field(default_factory=list)
    result: dict[str, Any] = field(default_factory=dict)

    def add(self, result: Any, frame: pd.DataFrame) -> None:
        """Count a result of Great Expectations in; what could not be computed has failed, whatever it says."""
        found, problem = result.result or {}, _problem(result.exception_info)
        self.is_evaluated = True
        self.rows += found.get("element_count") or 0
        if result.success and problem is None:
            return
        self.has_failed = True
        self.problem = self.problem or problem
        self.violations += found.get("unexpected_count") or 0
        self.result = found
        examples = found.get("partial_unexpected_list") or []
        self.values = list(dict.fromkeys([*self.values, *map(_native, examples)]))[:MAX_EXAMPLES]
        self._note_ids(frame, examples)

    def failure(self, suite: str, entity: str | None) -> Failure:
        """The failure to report."""
        meta, kwargs = self.expectation.meta or {}, self.expectation.kwargs
        return Failure(
            suite=suite,
            expectation=self.expectation.type,
            message=self._message(meta, kwargs.get("column"), entity),
            entity=meta.get("entity", entity),
            column=meta.get("column", kwargs.get("column")),
            table=kwargs.get("table"),
            observed=self._observed(),
            severity="warning" if self.expectation.severity == "warning" else "critical",
        )

    def _observed(self) -> Any:
        if not self.is_evaluated or self.problem is not None:
            return None
        if self.result.get("observed_value") is not None:
            return self.result["observed_value"]
        return {"records": self.rows, "violations": self.violations, "values": self.values, "ids": self.ids}

    def _message(self, meta: dict[str, Any], column: str | None, entity: str | None) -> str:
        check, kind = meta["check"], meta["kind"]
        if not self.is_evaluated:
            return f"{check}: was not evaluated"
        if self.problem is not None:
            return f"{check}: could not be computed: {self.problem}"
        details = self.result.get("details") or {}
        match kind:
            case "tolerance" | "drift":
                return str(details["message"])
            case "columns":
                return f"{entity}: columns missing: {', '.join(details['mismatched']['missing'])}"
            case "integers":
                held = self.result.get("observed_value", ", ".join(map(repr, self.values)))
                return f"{column}: stored as {held}, expected integers"
            case "facts":
                return f"no summary says: {', '.join(map(str, self.result['partial_missing_list']))}"
            case "age known":
                return "age of the run: unknown, run.json does not say when it was created"
            case "age":
                return f"age of the run: {self.values[0]:.1f} h, expected {meta['text']}"
            case "volume":
                return f"{meta['entity']}: {self.violations} zones hold another number of records than aimed at"
            case "fact":
                return f"{meta['entity']}, {meta['column']}: {self.values[0]:,} violations of '{meta['text']}'"
        return self._phrase(kind, meta, column, entity)

    def _phrase(self, kind: str, meta: dict[str, Any], column: str | None, entity: str | None) -> str:
        text = meta.get("text", "")
        said = _PHRASES[kind].format(
            column=column,
            entity=entity,
            bad=f"{self.violations:,}",
            rows=f"{self.rows:,}",
            text=f" ({text})" if text and kind == "rule" else text,
            values=f" ({', '.join(map(repr, self.values))})" if self.values else "",
        )
        return f"{said}; first {entity}_id {', '.join(map(str, self.ids))}" if self.ids and kind != "unique" else said

    def _note_ids(self, frame: pd.DataFrame, examples: list[Any]) -> None:
        column = self.expectation.kwargs.get("column")
        if column not in frame or len(self.ids) >= MAX_EXAMPLES or not examples:
            return
        is_bad = frame[column].isna() if pd.isna(examples[0]) else frame[column].isin(examples)
        self.ids = [*self.ids, *map(_native, frame.loc[is_bad, frame.columns[0]].head(MAX_EXAMPLES))][:MAX_EXAMPLES]


@dataclass(slots=True)
class SuiteTally:
    """One suite's tallies by check, in its order; `entity` is the one that its frames hold."""

    suite: Any
    entity: str | None = None
    tallies: dict[str, Tally] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tallies = {found.meta["check"]: Tally(found) for found in self.suite.expectation_configurations}

    def add(self, results: list[Any], frame: pd.DataFrame) -> None:
        """Count the results on one frame in."""
        for result in results:
            self.tallies[result.expectation_config.meta["check"]].add(result, frame)

    def count_duplicates(self, column: str, ids: IdRuns) -> None:
        """Judge the ids of all frames together: unique in each frame, they may still recur in another."""
        violations, examples = ids.repeated(MAX_EXAMPLES)
        tally = self.tallies[f"{column}: unique"]
        if tally.problem is None and violations:
            tally.has_failed = True
            tally.rows, tally.violations = ids.count, violations
            tally.values = list(examples)

    def failures(self) -> list[Failure]:
        """The failures, in the order of the suite."""
        failed = [tally for tally in self.tallies.values() if tally.has_failed or not tally.is_evaluated]
        return [tally.failure(self.suite.name, self.entity) for tally in failed]


def _problem(exception_info: Any) -> str | None:
    """What went wrong in computing: GX tells it at the top, or per metric (a dict of dicts)."""
    if not isinstance(exception_info, dict):
        return None
    told = [exception_info] if "raised_exception" in exception_info else list(exception_info.values())
    raised = [info for info in told if isinstance(info, dict) and info.get("raised_exception")]
    return str(raised[0].get("exception_message")).strip().splitlines()[0] if raised else None


def _native(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
