"""Judging by the suites. Great Expectations is imported when something is judged, not before: it takes seconds."""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from expectations.frames import Partition, judged_frames
from expectations.id_runs import IdRuns
from expectations.outcomes import Failure, SuiteOutcome
from schemas.model import IntArray, Scenario
from schemas.settings import RunSettings
from synthesis.summaries import Summary

if TYPE_CHECKING:
    from expectations.tallies import SuiteTally

_NO_IDS: "pd.Series[Any]" = pd.Series(dtype="int64")


def judge_aggregates(scenario: Scenario, frame: pd.DataFrame) -> SuiteOutcome:
    """Whether every target table is within its tolerance."""
    from expectations.suites import aggregates_suite

    return _judge_frame(aggregates_suite(scenario), frame)


def judge_volume(scenario: Scenario, aimed: IntArray, records: IntArray) -> SuiteOutcome:
    """Whether every zone holds as many root records as the run aims at; arrays of shape (zones,)."""
    from expectations.suites import volume_suite

    names = scenario.zones.names[scenario.zones.variable] if scenario.zones else (scenario.root.name,)
    frame = pd.DataFrame({"zone": list(names), "aimed": aimed, "records": records, "missing": aimed - records})
    return _judge_frame(volume_suite(scenario.root.name), frame)


def judge_freshness(created_at: datetime | None, now: datetime, max_age_hours: float | None) -> SuiteOutcome:
    """Whether a run is young enough: the time since it was begun, of which resuming it takes nothing away."""
    from expectations.suites import freshness_suite

    age = None if created_at is None else (now - created_at).total_seconds() / 3600
    frame = pd.DataFrame({"age_hours": pd.Series([age], dtype="float64")})
    return _judge_frame(freshness_suite(max_age_hours), frame)


def judge_drift(
    scenario: Scenario, settings: RunSettings, aggregates: pd.DataFrame, previous: pd.DataFrame
) -> SuiteOutcome:
    """Whether every target table is near its state in the previous publication; both frames are aggregates."""
    from expectations.drift import drift_frame
    from expectations.suites import drift_suite

    return _judge_frame(drift_suite(scenario, settings), drift_frame(aggregates, previous))


def judge_summary(scenario: Scenario, summary: Summary) -> SuiteOutcome:
    """Whether the merged summary of all batches knows of no violation."""
    from expectations.facts import summary_frame
    from expectations.suites import summary_suite

    return _judge_frame(summary_suite(scenario), summary_frame(scenario, summary))


def judge_records(scenario: Scenario, partitions: Iterable[Partition]) -> SuiteOutcome:
    """Whether every record is as the scenario says; partitions are read one after the other and let go.

    A partition is (name, root frame, member frame); members have to be in the partition of their root record.
    """
    from expectations.library import frame_validator
    from expectations.suites import records_suite
    from expectations.tallies import SuiteTally

    tallies = {
        entity.name: SuiteTally(records_suite(scenario, entity.name), entity.name) for entity in scenario.entities
    }
    ids = {entity.name: IdRuns() for entity in scenario.entities}
    validate = frame_validator()
    for frames in judged_frames(scenario, partitions):
        for entity, frame in frames.items():
            tallies[entity].add(validate(frame, tallies[entity].suite), frame)
            ids[entity].add(frame.get(f"{entity}_id", _NO_IDS))
    if not ids[scenario.root.name].count:
        nothing = Failure("records", "records exist", f"no {scenario.root.name} records to judge")
        return SuiteOutcome("records", success=False, evaluated=1, failed=1, failures=(nothing,))
    for entity, found in ids.items():
        tallies[entity].count_duplicates(f"{entity}_id", found)
    return _outcome("records", list(tallies.values()))


def _judge_frame(suite: Any, frame: pd.DataFrame) -> SuiteOutcome:
    from expectations.library import frame_validator
    from expectations.tallies import SuiteTally

    tally = SuiteTally(suite)
    tally.add(frame_validator()(frame, suite), frame)
    return _outcome(suite.name, [tally])


def _outcome(name: str, tallies: "list[SuiteTally]") -> SuiteOutcome:
    found = [failure for tally in tallies for failure in tally.failures()]
    failures = tuple(failure for failure in found if failure.severity == "critical")
    warnings = tuple(failure for failure in found if failure.severity == "warning")
    evaluated = sum(len(tally.tallies) for tally in tallies)
    return SuiteOutcome(name, not failures, evaluated, len(failures), failures, warnings)
