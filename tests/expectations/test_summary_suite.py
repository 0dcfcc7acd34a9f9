"""The merged summary is judged as the records would be."""

from collections.abc import Callable
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest

from expectations.checkpoint import judge_summary
from expectations.facts import checked_facts
from schemas.model import Scenario
from synthesis.audit import records_from_frames
from synthesis.summaries import EMPTY, Summary, merge_summaries, summarise

Partitions = list[tuple[str, pd.DataFrame, pd.DataFrame]]


@pytest.fixture
def summary(village: Scenario, partitions: Partitions) -> Summary:
    merged = EMPTY
    for _, root, members in partitions:
        records = records_from_frames(village, root, members)
        ids = (frame[name].to_numpy() for frame, name in _id_columns(root, members))
        merged = merge_summaries(merged, summarise(village, records, *ids))
    return merged


def _id_columns(root: pd.DataFrame, members: pd.DataFrame) -> list[tuple[pd.DataFrame, str]]:
    return [(root, "household_id"), (members, "person_id"), (members, "household_id")]


def test_a_summary_without_violations_passes(village: Scenario, summary: Summary) -> None:
    outcome = judge_summary(village, summary)

    assert outcome.failures == ()
    assert outcome.evaluated == len(checked_facts(village)) + 1


def too_old(summary: Summary) -> None:
    summary["entities"]["person"]["columns"]["age"]["outside"] = 1200


def rule_breakers(summary: Summary) -> None:
    summary["rules"]["child"] = 3


def doubles(summary: Summary) -> None:
    summary["entities"]["household"]["duplicate_ids"] = 2


def orphans(summary: Summary) -> None:
    summary["orphan_members"] = 1


def forgotten_rule(summary: Summary) -> None:
    del summary["rules"]["has_adult"]


@pytest.mark.parametrize(
    ("change", "column", "message"),
    [
        (too_old, "age", "person, age: 1,200 violations of 'within 0 to 99'"),
        (rule_breakers, "rule: child", "person, rule: child: 3 violations of 'obeyed'"),
        (doubles, "household_id", "household, household_id: 2 violations of 'unique'"),
        (orphans, "household_id", "person, household_id: 1 violations of 'parent exists'"),
        (forgotten_rule, "fact", "no summary says: household.rule: has_adult: obeyed"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_violation_is_named(
    village: Scenario, summary: Summary, change: Callable[[Summary], None], column: str, message: str
) -> None:
    broken = deepcopy(summary)
    change(broken)

    (failure,) = judge_summary(village, broken).failures
    assert (failure.column, failure.message) == (column, message)


def test_an_id_in_two_batches_is_found_in_the_merged_summary(village: Scenario, summary: Summary) -> None:
    twice = judge_summary(village, merge_summaries(summary, summary))

    assert [failure.message for failure in twice.failures] == [
        "household, household_id: 8 violations of 'unique'",
        "person, person_id: 12 violations of 'unique'",
    ]


def test_nothing_summarised_fails(village: Scenario, partitions: Partitions) -> None:
    _, root, members = partitions[0]
    none = records_from_frames(village, root.iloc[:0], members.iloc[:0])
    ids = np.zeros(0, dtype=np.int64)

    assert not judge_summary(village, EMPTY).success
    (failure,) = judge_summary(village, summarise(village, none, ids, ids, ids)).failures
    assert failure.message == "household, household_id: 1 violations of 'records exist'"
