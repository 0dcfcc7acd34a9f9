"""Ids that recur are found in runs as they are among the ids themselves."""

from collections import Counter

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.id_runs import IdRuns

frames = st.lists(st.lists(st.integers(-3, 12), max_size=12), max_size=6)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(frames)
def test_repeated_ids_are_those_that_occur_twice(parts: list[list[int]]) -> None:
    found = IdRuns()
    for part in parts:
        found.add(pd.Series(part, dtype="int64"))
    counted = Counter(value for part in parts for value in part)
    repeated = sorted(value for value, times in counted.items() if times > 1)

    assert found.count == sum(counted.values())
    assert found.repeated(3) == (sum(counted[value] for value in repeated), repeated[:3])


def test_what_is_no_number_is_left_to_other_checks() -> None:
    found = IdRuns()
    found.add(pd.Series([1, None, "x", 1], dtype=object))
    assert found.repeated(3) == (2, [1])


def test_a_hundred_million_ids_in_order_are_one_run() -> None:
    found = IdRuns()
    for first in range(0, 10_000, 1000):
        found.add(pd.Series(range(first, first + 1000)))
    assert sum(map(len, found.runs)) == 10
