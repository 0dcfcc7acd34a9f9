"""Summaries of parts merge to the summary of the whole; what is wrong is counted; frames become records."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import Aggregate, CategoryTest, Column, Compare, Constant
from schemas.model import Derived, Entity, IntArray, Rule, Scenario, Variable
from synthesis.audit import audit_columns, records_from_frames, root_rows
from synthesis.records import Records, concatenate
from synthesis.summaries import EMPTY, Summary, merge_summaries, retired_summary, summarise

AGE = Column("person", "age")
HOUSEHOLD = Entity(
    "household",
    (Variable("size", "integer", low=0, high=3), Variable("rent", "number", low=0, high=10)),
    (Derived("oldest", "integer", Aggregate("max", AGE), low=0, high=99),),
)
PERSON = Entity(
    "person",
    (Variable("age", "integer", low=0, high=99), Variable("sex", "category", categories=("female", "male"))),
    parent="household",
    count="size",
)
NO_CHILD_ALONE = Rule("no_child_alone", "household", Compare(">=", Column("household", "oldest"), Constant(18)))
WOMEN_ONLY = Rule("women_only", "person", CategoryTest(Column("person", "sex"), (0,)), Compare(">", AGE, Constant(90)))
SCENARIO = Scenario("small", HOUSEHOLD, (), PERSON, rules=(NO_CHILD_ALONE, WOMEN_ONLY))
NO_IDS: IntArray = np.zeros(0, dtype=np.int64)


@st.composite
def records_and_ids(draw: st.DrawFn) -> tuple[Records, IntArray, IntArray]:
    """Records with all sorts of mistakes in them, and ids that may recur."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(0, 12))
    listed = rng.integers(0, 4, count)
    members = int(listed.sum())
    size = np.where(rng.random(count) < 0.8, listed, 1).astype(np.int8)
    rent = np.where(rng.random(count) < 0.8, rng.random(count) * 12, np.nan)
    root = {"size": size, "rent": rent, "oldest": rng.integers(-3, 110, count)}
    person = {"age": rng.integers(-3, 110, members), "sex": rng.integers(-1, 3, members).astype(np.int8)}
    ids = (rng.choice(30, n, replace=draw(st.booleans()) or n > 30) for n in (count, members))
    return Records(count, root, person, np.repeat(np.arange(count), listed)), *ids


def summary_of(records: Records, root_ids: IntArray, member_ids: IntArray) -> Summary:
    return summarise(SCENARIO, records, root_ids, member_ids, root_ids[records.parent])


@settings(max_examples=60, deadline=None)
@given(records_and_ids(), st.data())
def test_summaries_of_parts_merge_to_the_summary_of_the_whole(
    batch: tuple[Records, IntArray, IntArray], data: st.DataObject
) -> None:
    records, root_ids, member_ids = batch
    cuts = sorted(data.draw(st.lists(st.integers(0, records.count), max_size=3)))
    merged = EMPTY
    for rows in np.split(np.arange(records.count), cuts):
        is_theirs = np.isin(records.parent, rows)
        merged = merge_summaries(merged, summary_of(records.take(rows), root_ids[rows], member_ids[is_theirs]))

    assert merged == summary_of(records, root_ids, member_ids)


@settings(max_examples=40, deadline=None)
@given(st.tuples(records_and_ids(), records_and_ids(), records_and_ids()))
def test_merging_is_associative_and_commutative_with_an_empty_value(
    batches: tuple[tuple[Records, IntArray, IntArray], ...],
) -> None:
    a, b, c = (summary_of(*batch) for batch in batches)

    assert merge_summaries(merge_summaries(a, b), c) == merge_summaries(a, merge_summaries(b, c))
    assert merge_summaries(a, b) == merge_summaries(b, a)
    assert merge_summaries(a, EMPTY) == a == merge_summaries(EMPTY, a)
    assert json.loads(json.dumps(a)) == a


def couple(**changes: np.ndarray) -> Records:
    """Two households, of one person and of two, with columns replaced."""
    root = {"size": np.array([1, 2]), "rent": np.array([1.0, 2.0]), "oldest": np.array([40, 60])}
    person = {"age": np.array([40, 60, 10]), "sex": np.array([0, 1, 1], dtype=np.int8)}
    root, person = ({name: changes.get(name, held[name]) for name in held} for held in (root, person))
    return Records(2, root, person, np.array([0, 1, 1]))


def test_a_faultless_batch_has_counts_and_no_violations() -> None:
    summary = summary_of(couple(), np.array([7, 8]), np.array([1, 2, 3]))

    assert summary["entities"]["household"]["rows"] == 2
    assert summary["entities"]["household"]["ids"] == [[7, 8]]
    assert summary["entities"]["person"]["columns"]["age"] == {"nulls": 0, "outside": 0, "min": 10, "max": 60}
    assert summary["entities"]["person"]["columns"]["sex"]["counts"] == {"female": 1, "male": 2}
    assert summary["rules"] == {"no_child_alone": 0, "women_only": 0}
    assert (summary["member_count_mismatches"], summary["orphan_members"]) == (0, 0)


def test_each_kind_of_violation_is_counted() -> None:
    faulty = couple(
        size=np.array([1, 3]), rent=np.array([np.nan, 10.0]), age=np.array([40, 160, 95]), sex=np.array([5, 1, 1])
    )
    summary = summarise(SCENARIO, faulty, np.array([7, 7]), np.array([1, 2, 2]), np.array([7, 7, 99]))

    household, person = (summary["entities"][name] for name in ("household", "person"))
    assert household["columns"]["rent"] == {"nulls": 1, "outside": 1, "min": 10.0, "max": 10.0}
    assert person["columns"]["age"]["outside"] == 1
    assert person["columns"]["sex"] == {"nulls": 0, "outside": 1, "counts": {"male": 2}}
    assert summary["rules"]["women_only"] == 2
    assert (household["duplicate_ids"], person["duplicate_ids"]) == (1, 1)
    assert summary["orphan_members"] == 1
    assert summary["member_count_mismatches"] == 2


def test_the_same_id_in_two_batches_is_a_duplicate() -> None:
    a = summary_of(couple(), np.array([7, 8]), np.array([1, 2, 3]))
    b = summary_of(couple(), np.array([8, 9]), np.array([4, 5, 6]))
    merged = merge_summaries(a, b)

    assert merged["entities"]["household"]["duplicate_ids"] == 1
    assert merged["entities"]["household"]["ids"] == [[7, 9]]
    assert merged["entities"]["person"]["duplicate_ids"] == 0


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int64])
def test_codes_of_any_width_are_counted(dtype: type) -> None:
    labels = tuple(f"zone {code}" for code in range(200))
    scenario = Scenario("wide", Entity("trip", (Variable("zone", "category", categories=labels),)), ())
    codes = np.array([-1, 0, 127, 127, 40], dtype=dtype)
    column = summarise(scenario, Records(5, {"zone": codes}), np.arange(5))["entities"]["trip"]["columns"]["zone"]

    assert column == {"nulls": 0, "outside": 1, "counts": {"zone 0": 1, "zone 40": 1, "zone 127": 2}}


def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    """`couple()` as frames, the members in disorder."""
    root = pd.DataFrame({"household_id": [7, 8], "size": [1, 2], "rent": [1.0, 2.0], "oldest": [40, 60]})
    person = pd.DataFrame({"person_id": [3, 1, 2], "household_id": [8, 7, 8], "age": [60, 40, 10]})
    return root, person.assign(sex=["male", "female", "male"])


@pytest.mark.parametrize("dtype", ["object", "str", "category", pd.ArrowDtype(pa.string())])
def test_frames_become_records_however_text_is_stored(dtype: object) -> None:
    root, person = frames()
    records = records_from_frames(SCENARIO, root, person.astype({"sex": dtype}))

    expected = couple()
    assert records.parent.tolist() == [0, 1, 1]
    assert records.members["age"].tolist() == expected.members["age"].tolist()
    assert records.members["sex"].tolist() == expected.members["sex"].tolist()
    assert all(column.all() for entity in audit_columns(SCENARIO, records).values() for column in entity.values())


def test_nulls_and_strangers_have_no_code() -> None:
    root, person = frames()
    records = records_from_frames(SCENARIO, root, person.assign(sex=[None, "female", "other"], age=[60, 40, None]))

    assert sorted(records.members["sex"].tolist()) == [-1, -1, 0]
    assert np.isnan(records.members["age"]).sum() == 1


def test_audit_columns_stand_in_the_order_of_the_frames() -> None:
    root, person = frames()
    person = pd.concat([pd.DataFrame({"household_id": [99], "age": [95], "sex": "male"}), person.assign(age=95)])
    rows = root_rows(SCENARIO, root, person)
    passed = audit_columns(SCENARIO, records_from_frames(SCENARIO, root, person), rows)

    assert passed["person"]["parent exists"].tolist() == [False, True, True, True]
    assert passed["person"]["rule: women_only"].tolist() == [True, False, True, False]
    assert passed["household"]["member count matches"].tolist() == [True, True]
    assert passed["household"]["derived: oldest"].tolist() == [False, False]


def test_a_check_whose_columns_are_missing_is_left_out() -> None:
    root, person = frames()
    passed = audit_columns(SCENARIO, records_from_frames(SCENARIO, root, person.drop(columns="sex")))

    assert "rule: women_only" not in passed["person"]
    assert list(passed["household"]) == ["rule: no_child_alone", "member count matches"]


def test_records_without_members_are_summarised_and_read() -> None:
    scenario = Scenario("flat", Entity("trip", (Variable("rent", "number", low=0, high=10),)), ())
    records = records_from_frames(scenario, pd.DataFrame({"trip_id": [1, 2], "rent": [3, 4]}))

    assert summarise(scenario, records, np.array([1, 2]))["entities"]["trip"]["columns"]["rent"]["max"] == 4.0
    assert audit_columns(scenario, records) == {"trip": {}}
    whole = summarise(scenario, concatenate([records, records]), np.array([1, 2, 3, 3]))
    assert whole["entities"]["trip"]["duplicate_ids"] == 1


@settings(max_examples=60, deadline=None)
@given(records_and_ids(), st.data())
def test_retired_records_leave_the_summary_of_the_others(
    batch: tuple[Records, IntArray, IntArray], data: st.DataObject
) -> None:
    records, _, _ = batch
    root_ids, member_ids = np.arange(records.count) + 5, np.arange(records.member_count) + 100
    gone = np.array(data.draw(st.lists(st.booleans(), min_size=records.count, max_size=records.count)), dtype=bool)
    parts = []
    for chosen in (gone, ~gone):
        rows, members = np.flatnonzero(chosen), np.flatnonzero(chosen[records.parent])
        parts.append(summary_of(records.take(rows), root_ids[rows], member_ids[members]))
    left = merge_summaries(summary_of(records, root_ids, member_ids), retired_summary(parts[0]))

    assert left["rules"] == {**dict.fromkeys(left["rules"], 0), **parts[1]["rules"]}
    assert left["member_count_mismatches"] == parts[1]["member_count_mismatches"]
    for name, entity in left["entities"].items():
        assert (entity["rows"], entity["duplicate_ids"]) == (parts[1]["entities"][name]["rows"], 0)
        for column, summary in entity["columns"].items():
            wanted = parts[1]["entities"][name]["columns"][column]
            assert (summary["nulls"], summary["outside"]) == (wanted["nulls"], wanted["outside"])
            held = {label: count for label, count in summary.get("counts", {}).items() if count}
            assert held == wanted.get("counts", {})
