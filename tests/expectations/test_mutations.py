"""Seventeen ways to corrupt a dataset: each is caught by the expectation that names it, from records or summaries."""

import pandas as pd
import pytest

from tests.expectations.mutated import Hamlet, Mutation, Partition, build_hamlet, failures, judge


@pytest.fixture(scope="module")
def hamlet(tmp_path_factory: pytest.TempPathFactory) -> Hamlet:
    return build_hamlet(tmp_path_factory.mktemp("hamlet"))


def changed(partitions: list[Partition], root: object = None, members: object = None) -> list[Partition]:
    """The partitions with the last one's frames replaced."""
    name, old_root, old_members = partitions[-1]
    return [*partitions[:-1], (name, old_root if root is None else root, old_members if members is None else members)]


def with_value(frame: pd.DataFrame, rows: list[int], column: str, value: object) -> pd.DataFrame:
    """A copy with one value in some rows."""
    copy = frame.astype({column: object})
    copy.loc[rows, column] = value
    return copy.infer_objects()


def shifted_share(parts: list[Partition]) -> list[Partition]:
    return changed(parts, root=with_value(parts[-1][1], [0, 1, 2], "tenure", "rented"))


def swapped_columns(parts: list[Partition]) -> list[Partition]:
    swap = {"heating": "cooking", "cooking": "heating"}
    return [(name, root.rename(columns=swap), members) for name, root, members in parts]


def orphan_member(parts: list[Partition]) -> list[Partition]:
    return changed(parts, members=with_value(parts[-1][2], [3], "household_id", 99_999))


def member_of_another_household(parts: list[Partition]) -> list[Partition]:
    return changed(parts, members=with_value(parts[-1][2], [1], "household_id", 2000))


def lost_member(parts: list[Partition]) -> list[Partition]:
    return changed(parts, members=parts[-1][2].drop(index=4).reset_index(drop=True))


def duplicated_batch(parts: list[Partition]) -> list[Partition]:
    return [*parts, parts[0]]


def broken_rule(parts: list[Partition]) -> list[Partition]:
    return changed(parts, members=with_value(parts[-1][2], [0], "work", "at work"))


def wrong_category(parts: list[Partition]) -> list[Partition]:
    return changed(parts, root=with_value(parts[-1][1], [5], "tenure", "squatted"))


def off_by_one_bin(parts: list[Partition]) -> list[Partition]:
    return [(name, root, members.assign(age=(members["age"] + 1).clip(upper=99))) for name, root, members in parts]


def missing_zone(parts: list[Partition]) -> list[Partition]:
    return parts[:-1]


def wrong_zone_total(parts: list[Partition]) -> list[Partition]:
    (_, root, members), keep = parts[-1], parts[-1][1]["household_id"] != 2019
    kept = members[members["household_id"] != 2019].reset_index(drop=True)
    return changed(parts, root=root[keep].reset_index(drop=True), members=kept)


def null(parts: list[Partition]) -> list[Partition]:
    return changed(parts, members=parts[-1][2].assign(age=parts[-1][2]["age"].where(parts[-1][2].index != 7)))


def out_of_range(parts: list[Partition]) -> list[Partition]:
    return changed(parts, members=with_value(parts[-1][2], [9], "age", 120))


def duplicate_id(parts: list[Partition]) -> list[Partition]:
    return changed(parts, members=with_value(parts[-1][2], [9], "person_id", 2008))


def stale_derived(parts: list[Partition]) -> list[Partition]:
    return changed(parts, root=with_value(parts[-1][1], [2], "adults", 0))


def wrong_type(parts: list[Partition]) -> list[Partition]:
    return changed(parts, members=parts[-1][2].astype({"age": str}))


def missing_column(parts: list[Partition]) -> list[Partition]:
    return changed(parts, root=parts[-1][1].drop(columns="cooking"))


TOLERANCE, IN_SET = "expect_target_table_within_tolerance", "expect_column_values_to_be_in_set"
UNIQUE, NOT_NULL = "expect_column_values_to_be_unique", "expect_column_values_to_not_be_null"
BETWEEN, COLUMNS = "expect_column_values_to_be_between", "expect_table_columns_to_match_set"
TYPES = "expect_column_values_to_be_in_type_list"
Names = tuple[str, str]

# mutation -> the (expectation, table or column) that catches it: in any case, in records, in summaries
BY_COUNTS: dict[Mutation, Names] = {
    shifted_share: (TOLERANCE, "tenure"),
    swapped_columns: (TOLERANCE, "heating"),
    off_by_one_bin: (TOLERANCE, "age"),
    missing_zone: (IN_SET, "missing"),
    wrong_zone_total: (IN_SET, "missing"),
}
BY_RECORDS: dict[Mutation, Names] = {
    orphan_member: (IN_SET, "parent exists"),
    member_of_another_household: (IN_SET, "member count matches"),
    lost_member: (IN_SET, "member count matches"),
    duplicated_batch: (UNIQUE, "household_id"),
    broken_rule: (IN_SET, "rule: child"),
    wrong_category: (IN_SET, "tenure"),
    null: (NOT_NULL, "age"),
    out_of_range: (BETWEEN, "age"),
    duplicate_id: (UNIQUE, "person_id"),
    stale_derived: (IN_SET, "derived: adults"),
    wrong_type: (TYPES, "age"),
    missing_column: (COLUMNS, "household"),
}
BY_SUMMARIES: dict[Mutation, str] = {
    orphan_member: "person, household_id: 1 violations of 'parent exists'",
    member_of_another_household: "household, persons: 2 violations of 'member count matches'",
    lost_member: "household, persons: 1 violations of 'member count matches'",
    duplicated_batch: "household, household_id: 20 violations of 'unique'",
    broken_rule: "person, rule: child: 1 violations of 'obeyed'",
    wrong_category: "household, tenure: 1 violations of 'a category'",
    null: "person, age: 1 violations of 'not null'",
    out_of_range: "person, age: 1 violations of 'within 0 to 99'",
    duplicate_id: "person, person_id: 1 violations of 'unique'",
}
"""What a batch's own code can get wrong. That a file was altered later, its digest says: tests/flows/test_damage.py."""


def ident(mutation: object) -> str:
    return getattr(mutation, "__name__", "")


@pytest.mark.parametrize("reads", [True, False], ids=["records", "summaries"])
def test_the_hamlet_passes_untouched(hamlet: Hamlet, reads: bool) -> None:
    outcomes = judge(hamlet, hamlet.partitions, hamlet.partitions, reads)

    assert failures(outcomes) == []
    assert all(outcome.evaluated for outcome in outcomes)


@pytest.mark.parametrize("mutation", BY_COUNTS, ids=ident)
def test_counts_that_are_off_are_named_by_table_or_volume(hamlet: Hamlet, mutation: Mutation) -> None:
    mutated = mutation(hamlet.partitions)
    for reads in (True, False):
        found = failures(judge(hamlet, mutated, mutated, reads))
        assert BY_COUNTS[mutation] in [(failure.expectation, failure.table or failure.column) for failure in found]


@pytest.mark.parametrize("mutation", BY_RECORDS, ids=ident)
def test_records_that_are_wrong_are_named_by_column(hamlet: Hamlet, mutation: Mutation) -> None:
    found = failures(judge(hamlet, mutation(hamlet.partitions), hamlet.partitions, reads=True))

    assert BY_RECORDS[mutation] in [(failure.expectation, failure.column or failure.entity) for failure in found]


@pytest.mark.parametrize("mutation", BY_SUMMARIES, ids=ident)
def test_summaries_of_wrong_records_name_them_too(hamlet: Hamlet, mutation: Mutation) -> None:
    found = failures(judge(hamlet, mutation(hamlet.partitions), hamlet.partitions, reads=False))

    assert BY_SUMMARIES[mutation] in [failure.message for failure in found]
