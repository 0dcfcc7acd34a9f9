"""What holds for every metric: bounds, order of records, itself, symmetry as declared."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.metrics import c2st
from tests.synthesis.metrics.cases import CASES

EXAMPLES = settings(max_examples=25, derandomize=True, deadline=None)
FEW = settings(EXAMPLES, max_examples=2)


def each(cases):
    """The test, once per metric."""
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.metric.name)


EXACT = [case for case in CASES if case.is_exact_on_itself]
SYMMETRIC = [case for case in CASES if case.metric.is_symmetric]
seeds = st.integers(0, 2**32 - 1)


def samples(seed, size=40):
    """Two samples of dependent whole numbers from 0 to 4, differently skewed."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(2):
        first = rng.binomial(4, rng.uniform(0.1, 0.9), size)
        found.append(np.stack([first, np.where(rng.random(size) < 0.5, first, rng.integers(0, 5, size))], axis=1))
    return found


def run(case, check):
    """The check over many seeds; over few where a forest is grown."""

    @(FEW if case.metric is c2st.SIGNED else EXAMPLES)
    @given(seeds)
    def over_seeds(seed):
        check(seed)

    over_seeds()


@each(CASES)
def test_score_lies_within_its_declared_bounds(case):
    def check(seed):
        assert case.metric.low <= case.score(*samples(seed)) <= case.metric.high

    run(case, check)


@each(CASES)
def test_order_of_records_leaves_the_score_alone(case):
    def check(seed):
        left, right = samples(seed)
        rng = np.random.default_rng(seed)
        shuffled = case.score(rng.permutation(left), rng.permutation(right))
        assert shuffled == pytest.approx(case.score(left, right), abs=1e-12)

    run(case, check)


@each(EXACT)
def test_a_sample_compared_with_itself_scores_best(case):
    def check(seed):
        left, _ = samples(seed)
        assert case.score(left, left) == pytest.approx(case.metric.best, abs=1e-7)

    run(case, check)


@each(SYMMETRIC)
def test_swapping_the_sides_is_as_declared(case):
    def check(seed):
        left, right = samples(seed)
        assert case.score(left, right) == pytest.approx(case.score(right, left), abs=1e-12)

    run(case, check)


@each(EXACT)
def test_different_samples_score_worse_than_the_same_one(case):
    rng = np.random.default_rng(3)
    low, high = rng.integers(0, 3, (200, 2)), rng.integers(2, 5, (200, 2))
    worse, same = case.score(low, high), case.score(high, high)
    assert abs(worse - case.metric.best) > abs(same - case.metric.best) + 0.05
