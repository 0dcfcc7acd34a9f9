"""Every metric as one scorer of two arrays, with how its input is made and its declaration."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthesis.metrics import (
    association_tvd,
    c2st,
    closest_record,
    conditional_tvd,
    diversity,
    exact_copies,
    jensen_shannon,
    srmse,
    total_variation,
    wasserstein,
    zones_met,
)
from synthesis.metrics.metric import Metric

Score = Callable[[np.ndarray, np.ndarray], float]


@dataclass(frozen=True)
class Case:
    """A metric on samples of small whole numbers, shape (records, 2); tables are counted from them."""

    metric: Metric
    score: Score
    is_exact_on_itself: bool = True


def tabled(metric: Callable[[np.ndarray, np.ndarray], float]) -> Score:
    def score(left: np.ndarray, right: np.ndarray) -> float:
        return metric(*(np.histogram2d(*sample.T, bins=[range(6), range(6)])[0] for sample in (left, right)))

    return score


def _distances(left: np.ndarray, right: np.ndarray) -> float:
    far = np.ones(len(left))
    return closest_record.closest_record_ratio(closest_record.closest_distances(left, right) + far, far)


CASES = [
    Case(wasserstein.METRIC, lambda a, b: wasserstein.wasserstein_1(a[:, 0], b[:, 0])),
    Case(total_variation.METRIC, tabled(total_variation.total_variation)),
    Case(jensen_shannon.METRIC, tabled(jensen_shannon.jensen_shannon_distance)),
    Case(srmse.METRIC, tabled(srmse.srmse)),
    Case(zones_met.METRIC, tabled(zones_met.zones_met)),
    Case(conditional_tvd.METRIC, tabled(conditional_tvd.conditional_tvd)),
    Case(association_tvd.METRIC, tabled(association_tvd.association_tvd)),
    Case(closest_record.METRIC, _distances),
    Case(exact_copies.METRIC, exact_copies.exact_copies, is_exact_on_itself=False),
    Case(diversity.DISTINCT, lambda a, _: diversity.distinct_share(a), is_exact_on_itself=False),
    Case(diversity.DUPLICATE, lambda a, _: diversity.duplicate_share(a), is_exact_on_itself=False),
    Case(diversity.ENTROPY, lambda a, _: diversity.entropy_bits(a), is_exact_on_itself=False),
    Case(c2st.SIGNED, lambda a, b: c2st.c2st_signed_gap(a, b, np.random.default_rng(1)), is_exact_on_itself=False),
]
