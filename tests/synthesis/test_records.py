"""Nested records: taking and joining keep every root record's members with it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.records import Records, concatenate, member_rows

sizes = st.lists(st.integers(0, 3), max_size=8)


def numbered(listed: list[int]) -> Records:
    """Root records 0, 1, ... with as many members as listed; every member bears a number of its own."""
    parent = np.repeat(np.arange(len(listed)), np.array(listed, dtype=int))
    members = {"number": np.arange(len(parent)), "of": parent}
    return Records(len(listed), {"number": np.arange(len(listed))}, members, parent)


def as_lists(records: Records) -> list[tuple[int, list[int]]]:
    """Each root record's number with its members' numbers."""
    found: list[tuple[int, list[int]]] = [(int(number), []) for number in records.root["number"]]
    for row, number in zip(records.parent, records.members["number"], strict=True):
        found[row][1].append(int(number))
    return found


@settings(max_examples=100, derandomize=True, deadline=None)
@given(sizes, st.data())
def test_take_repeats_and_reorders_root_records_with_their_members(listed: list[int], data: st.DataObject) -> None:
    records = numbered(listed)
    rows = data.draw(st.lists(st.integers(0, len(listed) - 1), max_size=12)) if listed else []
    taken = records.take(np.array(rows, dtype=np.int64))

    every = as_lists(records)
    assert as_lists(taken) == [every[row] for row in rows]
    assert (np.diff(taken.parent) >= 0).all()
    assert taken.member_count == sum(listed[row] for row in rows)
    assert taken.members_per_root().tolist() == [listed[row] for row in rows]


@settings(max_examples=100, derandomize=True, deadline=None)
@given(sizes, st.lists(st.integers(0, 8), max_size=4))
def test_concatenated_parts_are_the_whole(listed: list[int], cuts: list[int]) -> None:
    whole = numbered(listed)
    rows = np.split(np.arange(whole.count), sorted(min(cut, whole.count) for cut in cuts))
    joined = concatenate([whole.take(part) for part in rows])

    assert joined.count == whole.count
    assert as_lists(joined) == as_lists(whole)
    assert joined.parent.tolist() == whole.parent.tolist()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(sizes.filter(bool), st.data())
def test_member_rows_name_the_members_and_their_new_root_row(listed: list[int], data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.integers(0, len(listed) - 1), max_size=10))
    members, parent = member_rows(np.array(listed), np.array(rows, dtype=np.int64))

    starts = np.cumsum([0, *listed])
    assert members.tolist() == [m for row in rows for m in range(starts[row], starts[row + 1])]
    assert parent.tolist() == [position for position, row in enumerate(rows) for _ in range(listed[row])]


def test_members_see_their_root_records_columns() -> None:
    records = numbered([2, 0, 1])

    assert records.column("of", of_members=True).tolist() == [0, 0, 2]
    assert records.column("number", of_members=True).tolist() == [0, 1, 2]
    assert records.column("number", of_members=False).tolist() == [0, 1, 2]
    plain = Records(2, {"rent": np.array([5, 6])}, {"age": np.array([1, 2, 3])}, np.array([0, 1, 1]))
    assert plain.column("rent", of_members=True).tolist() == [5, 6, 6]


def test_flat_records_have_no_members() -> None:
    flat = Records(3, {"rent": np.array([1, 2, 3])})
    taken = concatenate([flat, flat.take(np.array([2, 2]))])

    assert taken.root["rent"].tolist() == [1, 2, 3, 3, 3]
    assert (taken.member_count, taken.count, flat.members_per_root().tolist()) == (0, 5, [0, 0, 0])
