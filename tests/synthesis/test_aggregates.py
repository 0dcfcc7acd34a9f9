"""Counts per cell merge in any order and survive being written as sparse JSON."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import IntArray
from synthesis.aggregates import (
    ZONE_SIZES,
    Counts,
    count_records,
    dense_counts,
    merge_counts,
    no_counts,
    sparse_counts,
    with_stored,
)
from tests.strategies import Example, compiled, flat_scenarios, nested_scenarios

examples = st.one_of(flat_scenarios(40), nested_scenarios(40))


def as_lists(counts: Counts) -> dict[str, list[int]]:
    return {name: array.tolist() for name, array in counts.items()}


def counts_of(example: Example, rows: IntArray) -> dict[str, IntArray]:
    return count_records(compiled(example.scenario), example.population.take(rows))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(examples, st.lists(st.integers(0, 40), max_size=4))
def test_counts_of_the_parts_add_up_to_the_counts_of_the_whole(example: Example, cuts: list[int]) -> None:
    merged = no_counts(example.scenario)
    for rows in np.split(np.arange(40), sorted(cuts)):
        merged = merge_counts(merged, counts_of(example, rows))

    assert as_lists(merged) == as_lists(counts_of(example, np.arange(40)))


@settings(max_examples=30, derandomize=True, deadline=None)
@given(examples, st.lists(st.integers(0, 40), max_size=4))
def test_stored_counts_are_added_as_dense_ones_are_merged(example: Example, cuts: list[int]) -> None:
    parts = [counts_of(example, rows) for rows in np.split(np.arange(40), sorted(cuts))]
    first, *rest = parts
    added = with_stored(first, (sparse_counts(part) for part in rest))

    assert as_lists(first) == as_lists(counts_of(example, np.arange(40)[: min(cuts, default=40)]))
    assert as_lists(added) == as_lists(counts_of(example, np.arange(40)))


@settings(max_examples=30, derandomize=True, deadline=None)
@given(examples, st.permutations(range(40)))
def test_merging_is_associative_and_commutative_with_an_empty_value(example: Example, order: list[int]) -> None:
    a, b, c = (counts_of(example, rows) for rows in np.split(np.array(order), [9, 25]))
    empty = no_counts(example.scenario)

    assert as_lists(merge_counts(merge_counts(a, b), c)) == as_lists(merge_counts(a, merge_counts(b, c)))
    assert as_lists(merge_counts(a, b)) == as_lists(merge_counts(b, a))
    assert as_lists(merge_counts(a, empty)) == as_lists(a) == as_lists(merge_counts(empty, a))


@settings(max_examples=30, derandomize=True, deadline=None)
@given(examples, st.lists(st.integers(0, 39), max_size=10))
def test_sparse_counts_are_json_that_reads_back_as_they_were(example: Example, rows: list[int]) -> None:
    counts = counts_of(example, np.array(rows, dtype=np.int64))
    stored = json.loads(json.dumps(sparse_counts(counts)))

    assert as_lists(dense_counts(example.scenario, stored)) == as_lists(counts)
    assert all(0 not in values for _, values in stored.values())


@settings(max_examples=40, derandomize=True, deadline=None)
@given(examples)
def test_the_population_counts_to_the_targets_that_were_counted_in_it(example: Example) -> None:
    counts = counts_of(example, np.arange(40))

    assert counts[ZONE_SIZES].sum() == 40
    for held in example.scenario.tables:
        target = held.target.reshape(held.units, -1)
        found = counts[held.name].reshape(held.units, -1)
        totals = found.sum(axis=1, keepdims=True)
        expected = target * np.maximum(totals, 1) if held.measure == "share" else target
        np.testing.assert_allclose(found, expected, atol=1e-9)


@settings(max_examples=10, derandomize=True, deadline=None)
@given(examples)
def test_nobody_counts_to_nothing(example: Example) -> None:
    assert as_lists(counts_of(example, np.zeros(0, dtype=np.int64))) == as_lists(no_counts(example.scenario))
