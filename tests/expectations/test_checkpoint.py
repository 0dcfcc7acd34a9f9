"""Records: what is whole passes, and each corruption is caught by the expectation that names it."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from expectations.checkpoint import judge_records
from expectations.outcomes import Failure
from schemas.model import Scenario

Frames = tuple[pd.DataFrame, pd.DataFrame]
Partitions = list[tuple[str, pd.DataFrame, pd.DataFrame]]


def corrupt(partitions: Partitions, change: Callable[[pd.DataFrame, pd.DataFrame], Frames | None]) -> Partitions:
    """The partitions with the second one changed."""
    name, root, members = partitions[1]
    root, members = root.copy(), members.copy()
    changed = change(root, members) or (root, members)
    return [partitions[0], (name, *changed)]


def found(failures: tuple[Failure, ...], expectation: str, column: str | None) -> Failure:
    by_name = {(f.expectation, f.column): f for f in failures}
    assert (expectation, column) in by_name, by_name
    return by_name[expectation, column]


def test_whole_records_pass_every_expectation(village: Scenario, partitions: Partitions) -> None:
    outcome = judge_records(village, partitions)

    assert outcome.failures == ()
    assert outcome.success
    assert outcome.evaluated > 25
    assert outcome.as_json()["suite"] == "records"


def broken_rule(root: pd.DataFrame, members: pd.DataFrame) -> None:
    members.loc[2, "work"] = "at work"


def wrong_category(root: pd.DataFrame, members: pd.DataFrame) -> Frames:
    return root.assign(tenure=["owned", "squatted", "owned", "rented"]), members


def orphan(root: pd.DataFrame, members: pd.DataFrame) -> None:
    members.loc[4, "household_id"] = 777


def member_elsewhere(root: pd.DataFrame, members: pd.DataFrame) -> None:
    members.loc[0, "household_id"] = 0  # lives in the other county's partition


def lost_member(root: pd.DataFrame, members: pd.DataFrame) -> Frames:
    return root, members.drop(index=2)


def null(root: pd.DataFrame, members: pd.DataFrame) -> Frames:
    return root, members.assign(age=[30, None, 5, 50, 60, 15])


def out_of_range(root: pd.DataFrame, members: pd.DataFrame) -> None:
    members.loc[0, "age"] = 120


def upper_end_of_a_number(root: pd.DataFrame, members: pd.DataFrame) -> None:
    root.loc[3, "rooms"] = 9.0


def fractional_integer(root: pd.DataFrame, members: pd.DataFrame) -> Frames:
    return root, members.assign(age=members["age"] + 0.5)


def stale_derived(root: pd.DataFrame, members: pd.DataFrame) -> None:
    root.loc[1, "adults"] = 2


def repeated_id(root: pd.DataFrame, members: pd.DataFrame) -> None:
    members.loc[5, "person_id"] = 104


def id_of_another_partition(root: pd.DataFrame, members: pd.DataFrame) -> None:
    members.loc[5, "person_id"] = 2


def text_for_numbers(root: pd.DataFrame, members: pd.DataFrame) -> Frames:
    return root, members.assign(age=members["age"].astype(object).where(members["age"] != 5, "five"))


def absent_column(root: pd.DataFrame, members: pd.DataFrame) -> Frames:
    return root.drop(columns="tenure"), members


IN_SET, BETWEEN = "expect_column_values_to_be_in_set", "expect_column_values_to_be_between"
UNIQUE, NOT_NULL = "expect_column_values_to_be_unique", "expect_column_values_to_not_be_null"


@pytest.mark.parametrize(
    ("change", "expectation", "column", "said"),
    [
        (broken_rule, IN_SET, "rule: child", '1 of 12 records break it (when age < 16 then work == "not at work")'),
        (wrong_category, IN_SET, "tenure", "hold no category of the scenario ('squatted'); first household_id 101"),
        (orphan, IN_SET, "parent exists", "1 of 12 person records have no parent record in their partition"),
        (member_elsewhere, IN_SET, "parent exists", "first person_id 100"),
        (lost_member, IN_SET, "member count matches", "1 of 8 household records list more or fewer members"),
        (null, NOT_NULL, "age", "age: 1 of 12 records are null; first person_id 101"),
        (out_of_range, BETWEEN, "age", "age: 1 of 12 records lie outside 0 to 99 (120); first person_id 100"),
        (upper_end_of_a_number, BETWEEN, "rooms", "lie outside [0.5, 9) (9.0)"),
        (fractional_integer, "expect_column_values_to_be_in_type_list", "age", "stored as float64, expected integers"),
        (stale_derived, IN_SET, "derived: adults", "1 of 8 records hold another value than its expression yields"),
        (repeated_id, UNIQUE, "person_id", "person_id: 2 of 12 records share an id (104)"),
        (id_of_another_partition, UNIQUE, "person_id", "person_id: 2 of 12 records share an id (2)"),
        (text_for_numbers, BETWEEN, "age", "age: range: could not be computed"),
        (absent_column, "expect_table_columns_to_match_set", None, "household: columns missing: tenure"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_corruption_is_caught_by_the_expectation_that_names_it(
    village: Scenario,
    partitions: Partitions,
    change: Callable[[pd.DataFrame, pd.DataFrame], Frames | None],
    expectation: str,
    column: str | None,
    said: str,
) -> None:
    outcome = judge_records(village, corrupt(partitions, change))

    assert not outcome.success
    assert outcome.failed == len(outcome.failures)
    assert said in found(outcome.failures, expectation, column).message


def test_one_corruption_is_one_failure(village: Scenario, partitions: Partitions) -> None:
    for change in (wrong_category, out_of_range, repeated_id, stale_derived):
        assert judge_records(village, corrupt(partitions, change)).failed == 1, change.__name__


def test_order_of_rows_and_partitions_does_not_matter(village: Scenario, partitions: Partitions) -> None:
    shuffled = [(name, root.sample(frac=1, random_state=1), members[::-1]) for name, root, members in partitions[::-1]]

    assert judge_records(village, shuffled).success
    (failure,) = judge_records(village, corrupt(shuffled, lost_member)).failures
    assert failure.column == "member count matches"


def test_categories_may_be_stored_in_any_way(village: Scenario, partitions: Partitions) -> None:
    for way in ("category", "object", "str", pd.ArrowDtype(pa.string())):
        kept = [(n, r.astype({"tenure": way, "county": way}), m.astype({"work": way})) for n, r, m in partitions]
        assert judge_records(village, kept).success, way


def test_a_partition_column_that_only_its_name_states_is_judged(village: Scenario, partitions: Partitions) -> None:
    bare = [(name, root.drop(columns="county"), members) for name, root, members in partitions]
    assert judge_records(village, bare).success

    elsewhere = [("county=50999", *bare[0][1:]), bare[1]]
    (failure,) = judge_records(village, elsewhere).failures
    assert "hold no category of the scenario ('50999')" in failure.message


def test_nothing_to_judge_is_a_failure(village: Scenario, partitions: Partitions) -> None:
    empty = [(name, root.iloc[:0], members.iloc[:0]) for name, root, members in partitions]

    assert not judge_records(village, []).success
    assert judge_records(village, empty).failures[0].message == "no household records to judge"


def test_a_partition_without_members_misses_them(village: Scenario, partitions: Partitions) -> None:
    name, root, _ = partitions[0]

    outcome = judge_records(village, [(name, root.assign(adults=0), None), partitions[1]])

    assert [failure.column for failure in outcome.failures] == ["member count matches", "rule: has_adult"]
    assert outcome.failures[0].message.startswith("4 of 8 household records list more or fewer members")


def test_many_small_partitions_are_judged_together(village: Scenario, partitions: Partitions) -> None:
    _, root, members = partitions[0]
    many = []
    for shift in np.arange(300) * 1000:
        moved = members.assign(person_id=members["person_id"] + shift, household_id=members["household_id"] + shift)
        many.append(("county=50001", root.assign(household_id=root["household_id"] + shift), moved))
    many[7] = corrupt([many[0], many[7]], out_of_range)[1]

    (failure,) = judge_records(village, many).failures
    assert failure.message.startswith("age: 1 of 1,800 records lie outside 0 to 99 (120); first person_id 7000")
