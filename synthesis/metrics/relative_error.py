"""Relative error of an answer: its distance from the real one, as a share of that."""

import math
from collections.abc import Mapping

import numpy as np

from schemas.errors import MetricError
from synthesis.metrics.metric import Metric

METRIC = Metric("relative_error", "relative error", 0.0, math.inf, 0.0)


def relative_error(answer: float, truth: float) -> float:
    """|answer - truth| / |truth|; undefined where the truth is 0 and the answer is not."""
    if answer == truth:
        return 0.0
    if truth == 0:
        raise MetricError(f"the real answer is 0, the synthetic one {answer:.4g}")
    return abs(answer - truth) / abs(truth)


def mean_by_group(errors: Mapping[str, float], group_of: Mapping[str, str]) -> dict[str, float]:
    """Mean error of each group's queries, groups in the order in which they first appear."""
    groups: dict[str, list[float]] = {}
    for name, error in errors.items():
        groups.setdefault(group_of[name], []).append(error)
    return {group: float(np.mean(held)) for group, held in groups.items()}
