"""Diversity of records: exact while patterns are few, close beyond, and the same however batches are merged."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import IntArray
from synthesis.diversity import EMPTY, Sketch, diversity_of, merge_sketches, retired_sketch, sketch_of
from synthesis.metrics.diversity import duplicate_share, entropy_bits
from synthesis.plan import Plan
from synthesis.records import Records
from tests.strategies import rngs


def plan_of(*columns: IntArray) -> Plan:
    count = len(columns[0])
    atoms = Records(count, {f"v{i}": column for i, column in enumerate(columns)})
    return Plan(atoms, np.ones(count), np.zeros(count, dtype=np.int64))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(1, 200), st.integers(1, 6), rngs)
def test_figures_of_few_patterns_are_those_of_the_records(rows: int, span: int, rng: np.random.Generator) -> None:
    columns = rng.integers(0, span, (2, rows))
    counts = rng.integers(0, 5, rows)
    counts[0] = 1
    found = diversity_of(sketch_of(plan_of(*columns), counts))
    records = np.repeat(columns.T, counts, axis=0)

    assert found.distinct_records == len(np.unique(records, axis=0))
    assert found.duplicate_share == pytest.approx(duplicate_share(records))
    assert found.entropy_bits == pytest.approx(entropy_bits(records), abs=1e-9)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.integers(1, 5), st.sampled_from([50, 5000]), rngs)
def test_batches_merge_in_any_order_to_the_sketch_of_all(parts: int, span: int, rng: np.random.Generator) -> None:
    columns, counts = rng.integers(0, span, (1, 2000)), rng.integers(0, 3, 2000)
    part_of = rng.integers(0, parts, 2000)
    sketches = [sketch_of(plan_of(*columns), np.where(part_of == part, counts, 0)) for part in range(parts)]
    merged: Sketch = EMPTY
    for i in rng.permutation(parts):
        merged = merge_sketches(merged, sketches[i])

    assert merged == sketch_of(plan_of(*columns), counts)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.sampled_from([50, 5000]), rngs)
def test_retired_records_leave_the_figures_of_the_others(span: int, rng: np.random.Generator) -> None:
    columns, counts = rng.integers(0, span, (1, 2000)), rng.integers(0, 3, 2000)
    retired = np.minimum(rng.integers(0, 3, 2000), counts)
    plan = plan_of(*columns)
    merged = merge_sketches(sketch_of(plan, counts), retired_sketch(plan, retired))
    left, wanted = diversity_of(merged), diversity_of(sketch_of(plan, counts - retired))

    assert merged["records"] == [int((counts - retired).sum())]
    if span == 50:
        assert (left.distinct_records, left.duplicate_share) == (wanted.distinct_records, wanted.duplicate_share)
    assert left.distinct_records == pytest.approx(wanted.distinct_records, rel=0.15)


def test_many_patterns_are_estimated() -> None:
    rng = np.random.default_rng(4)
    columns, counts = np.arange(40_000), np.where(rng.random(40_000) < 0.25, 2, 1)
    found = diversity_of(sketch_of(plan_of(columns), counts))

    assert found.distinct_records == pytest.approx(40_000, rel=0.1)
    assert found.duplicate_share == pytest.approx(0.4, abs=0.08)
    assert found.entropy_bits == pytest.approx(np.log2(50_000) - 0.4, abs=0.1)


def test_the_order_of_members_makes_no_difference_but_their_number_does() -> None:
    atoms = Records(
        3, {"size": np.zeros(3, dtype=np.int64)}, {"age": np.array([3, 1, 1, 3, 1])}, np.array([0, 0, 1, 1, 2])
    )
    plan = Plan(atoms, np.ones(3), np.zeros(3, dtype=np.int64))

    assert diversity_of(sketch_of(plan, np.ones(3, dtype=np.int64))).distinct_records == 2


def test_nothing_is_no_pattern() -> None:
    found = diversity_of(merge_sketches(EMPTY, EMPTY))

    assert (found.distinct_records, found.duplicate_share, found.entropy_bits) == (0, 0.0, 0.0)
