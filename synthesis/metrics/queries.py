"""Queries over root records: a share, mean, median or difference of means, of those that a condition picks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from schemas.errors import MetricError
from schemas.expression import Node
from schemas.model import BoolArray, FloatArray
from synthesis.evaluation import evaluate, holds
from synthesis.records import Records

Statistic = Literal["share", "mean", "median", "difference of means"]


@dataclass(frozen=True, slots=True)
class Query:
    """A question with one number for an answer; `versus` picks the records whose mean is taken off."""

    name: str
    group: str
    text: str
    statistic: Statistic
    value: Node
    among: Node | None = None
    versus: Node | None = None
    published: Mapping[str, float] = field(default_factory=dict)
    """Answers that a publication gives, by who gave them."""


def answer(query: Query, records: Records) -> float:
    """The query's answer; a MetricError if no record is asked about."""
    values = np.broadcast_to(np.asarray(evaluate(query.value, records, False), dtype=float), (records.count,))
    picked = _picked(values, query.among, records, query.name)
    if query.statistic == "median":
        return float(np.median(picked))
    if query.statistic == "difference of means":
        return float(picked.mean() - _picked(values, query.versus, records, query.name).mean())
    return float(picked.mean())


def _picked(values: FloatArray, among: Node | None, records: Records, name: str) -> FloatArray:
    asked: BoolArray = np.ones(records.count, dtype=bool) if among is None else holds(among, records, False)
    if not asked.any():
        raise MetricError(f"query {name!r} asks about no record")
    return values[asked]
