"""A figure of an evaluation, and how one is measured beside its noise floor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.errors import MetricError
from synthesis.comparison import Comparison, resampled_pairs
from synthesis.metrics.metric import Metric
from synthesis.records import Records

HIGH_QUANTILE = 0.95


@dataclass(frozen=True, slots=True)
class Figure:
    """A score, or the reason why there is none. `floor` is what records as good as a fresh sample would score."""

    group: str
    metric: Metric
    entity: str
    subject: str
    value: float | None
    floor: float | None = None
    floor_high: float | None = None
    """The floor's 95 % quantile over the resamples."""
    synthetic: float | None = None
    reference: float | None = None
    """What the two sides' own answers are, where the score compares answers."""
    is_targeted: bool | None = None
    """Whether one target table of the run holds all of the subject's variables."""
    binning: str = ""
    reason: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Measure:
    """How a figure is computed from (synthetic, reference) records."""

    group: str
    metric: Metric
    entity: str
    subject: str
    score: Callable[[Records, Records], float]
    is_targeted: bool | None = None
    binning: str = ""
    note: str = ""
    answer: Callable[[Records], float] | None = None
    """What one side alone says, if the score compares answers."""


def measure_all(comparison: Comparison, measures: Sequence[Measure]) -> list[Figure]:
    """Each measure's figure with its floor: its mean score over pairs of resampled references."""
    values = [_attempt(measure.score, comparison.synthetic, comparison.reference) for measure in measures]
    floors: list[list[float]] = [[] for _ in measures]
    for pair in resampled_pairs(comparison):
        for measure, (value, _), found in zip(measures, values, floors, strict=True):
            score = _attempt(measure.score, *pair)[0] if value is not None else None
            found += [] if score is None else [score]
    return [_figure(comparison, *parts) for parts in zip(measures, values, floors, strict=True)]


def refused(group: str, metric: Metric, entity: str, subject: str, reason: object) -> Figure:
    """A figure that cannot be computed."""
    return Figure(group, metric, entity, subject, None, reason=str(reason))


def _attempt(score: Callable[..., float], *sides: Records) -> tuple[float | None, str]:
    try:
        return score(*sides), ""
    except MetricError as exc:
        return None, str(exc)


def _figure(
    comparison: Comparison, measure: Measure, value: tuple[float | None, str], floors: Sequence[float]
) -> Figure:
    sides = comparison.synthetic, comparison.reference
    answers = [None if measure.answer is None else _attempt(measure.answer, side)[0] for side in sides]
    return Figure(
        group=measure.group,
        metric=measure.metric,
        entity=measure.entity,
        subject=measure.subject,
        value=value[0],
        floor=float(np.mean(floors)) if floors else None,
        floor_high=float(np.quantile(floors, HIGH_QUANTILE)) if floors else None,
        synthetic=answers[0],
        reference=answers[1],
        is_targeted=measure.is_targeted,
        binning=measure.binning,
        reason=value[1],
        note=measure.note,
    )
