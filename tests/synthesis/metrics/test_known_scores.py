"""Scores that can be worked out by hand, and inputs that have none."""

import numpy as np
import pytest

from schemas.errors import MetricError
from synthesis.metrics.association_tvd import association_tvd
from synthesis.metrics.c2st import c2st_signed_gap
from synthesis.metrics.closest_record import closer_than_holdout, closest_distances, closest_record_ratio
from synthesis.metrics.conditional_tvd import conditional_tvd
from synthesis.metrics.diversity import distinct_share, duplicate_share, entropy_bits
from synthesis.metrics.ecommerce_labels import discount_propensity, lifetime_value
from synthesis.metrics.exact_copies import exact_copies
from synthesis.metrics.jensen_shannon import jensen_shannon_distance
from synthesis.metrics.relative_error import mean_by_group, relative_error
from synthesis.metrics.srmse import srmse
from synthesis.metrics.total_variation import total_variation
from synthesis.metrics.utility import MODELS, train_and_test
from synthesis.metrics.wasserstein import wasserstein_1
from synthesis.metrics.zones_met import zones_met

PAIR = np.array([[30.0, 10.0], [20.0, 40.0]])


def test_a_shift_is_its_own_wasserstein_distance():
    values = np.array([1.0, 5, 9])
    assert wasserstein_1(values, values + 2.5) == pytest.approx(2.5)


def test_tables_without_a_common_cell_are_as_far_as_can_be():
    left, right = [3, 0, 0], [0, 1, 1]
    assert (total_variation(left, right), jensen_shannon_distance(left, right)) == (1.0, 1.0)


def test_sizes_of_the_samples_do_not_matter():
    assert total_variation([1, 3], [100, 300]) == jensen_shannon_distance([1, 3], [100, 300]) == 0
    assert srmse([1, 3], [100, 300]) == 0


def test_srmse_is_relative_to_the_mean_cell():
    assert srmse([6, 4], [5, 5]) == pytest.approx(0.1 / 0.5)
    assert srmse([1, 0], [0, 1]) == pytest.approx(np.sqrt(2 * 2))


def test_conditional_tvd_ignores_how_frequent_the_condition_is():
    assert conditional_tvd(PAIR * [[5], [1]], PAIR) == pytest.approx(0)
    assert conditional_tvd([[30, 10], [0, 0]], PAIR) == pytest.approx(0.6)  # 60 of 100 have a row nobody is in


def test_association_tvd_ignores_both_margins_but_not_the_odds_ratio():
    assert association_tvd(PAIR * [[5], [1]] * [[1, 3]], PAIR) == pytest.approx(0, abs=2e-4)
    independent = np.outer(PAIR.sum(axis=1), PAIR.sum(axis=0))
    assert association_tvd(independent, PAIR) == pytest.approx(0.2, abs=1e-3)  # cells of 20, 20, 30, 30


def test_association_tvd_rakes_over_empty_cells():
    assert 0 < association_tvd([[10, 0], [0, 0]], PAIR) <= 1


def test_zones_are_met_within_the_limit_and_empty_ones_left_out():
    reference = np.array([[50, 50], [50, 50], [50, 50], [0, 0]])
    synthetic = np.array([[54, 46], [60, 40], [0, 0], [0, 0]])
    assert zones_met(synthetic, reference, 0.05) == pytest.approx(1 / 3)


def test_a_forest_tells_apart_what_differs_and_not_what_does_not():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(2, 200, 2))
    assert c2st_signed_gap(noise[0], noise[1] + 9, np.random.default_rng(1)) == 0.5
    assert abs(c2st_signed_gap(noise[0], noise[1], np.random.default_rng(1))) < 0.12


def test_copies_and_neighbours():
    reference = np.array([[0.0, 0], [1, 1], [5, 5]])
    assert exact_copies([[1.0, 1], [-0.0, 0], [2, 2]], reference) == pytest.approx(2 / 3)
    assert closest_distances([[1.0, 2], [9, 9]], reference).tolist() == [1, 8]
    assert closest_record_ratio(np.array([1.0, 1, 1]), np.array([2.0, 2, 2])) == 0.5
    assert closer_than_holdout(np.array([0.0, 1, 2]), np.array([1.0, 1, 1])) == pytest.approx(0.5)


def test_diversity_of_four_records():
    rows = [[0, 1], [0, 1], [2, 2], [3, 3]]
    assert (distinct_share(rows), duplicate_share(rows), entropy_bits(rows)) == (0.75, 0.5, 1.5)


def test_relative_errors_and_their_group_means():
    assert (relative_error(12, 10), relative_error(-5, -10), relative_error(0, 0)) == (0.2, 0.5, 0)
    groups = {"a": "one", "b": "two", "c": "one"}
    assert mean_by_group({"a": 0.1, "b": 0.5, "c": 0.3}, groups) == pytest.approx({"one": 0.2, "two": 0.5})


@pytest.mark.parametrize("model", MODELS)
def test_a_learnable_label_is_learnt(model):
    rng = np.random.default_rng(4)
    features = rng.normal(size=(2, 300, 3))
    sides = [(part, (part[:, 0] > 0).astype(np.int64)) for part in features]
    accuracy, macro_f1 = train_and_test(model, sides[0], sides[1], np.random.default_rng(5))
    assert min(accuracy, macro_f1) > 0.9


def test_ecommerce_labels_at_both_ends():
    age, price = np.array([35.0, 80, 35]), np.array([1990.0, 1, 400])
    category, is_cash = np.array([0, 2, 1]), np.array([False, True, False])
    means, sds = np.full(4, 400.0), np.full(4, 200.0)
    assert discount_propensity(age, price, category, is_cash, is_cash, means, sds).tolist() == [1, 2, 1]
    assert lifetime_value(age, price, category, is_cash).tolist() == [2, 0, 2]


@pytest.mark.parametrize(
    "score",
    [
        lambda: total_variation([0, 0], [1, 1]),
        lambda: total_variation([1, 1], [1, 1, 1]),
        lambda: jensen_shannon_distance([np.nan, 1], [1, 1]),
        lambda: wasserstein_1([], [1]),
        lambda: wasserstein_1([np.nan], [1]),
        lambda: conditional_tvd([1, 2], [1, 2]),
        lambda: zones_met(np.zeros((2, 2)), np.zeros((2, 2))),
        lambda: exact_copies(np.zeros((0, 2)), np.zeros((1, 2))),
        lambda: closest_record_ratio(np.ones(3), np.zeros(3)),
        lambda: entropy_bits(np.zeros((0, 2))),
        lambda: relative_error(1, 0),
        lambda: c2st_signed_gap(np.zeros((30, 1)), np.zeros((31, 1)), np.random.default_rng(0)),
        lambda: train_and_test("tree", *[(np.zeros((4, 1)), np.zeros(4, np.int64))] * 2, np.random.default_rng(0)),
    ],
)
def test_what_has_no_score_is_an_error_not_a_number(score):
    with pytest.raises(MetricError):
        score()
