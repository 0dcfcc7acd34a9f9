"""Controls as read, and groups of them that are the classes of one target table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from schemas.imports import Finding, FindingKind
from schemas.model import BoolArray, FloatArray
from synthesis.control_domains import Region
from synthesis.control_expressions import Test

ADDS_UP = 0.01
"""Share of the total by which classes that partition it may miss it, absolute misses summed over the zones."""
State = Literal["complete", "rest", "part"]


@dataclass(frozen=True, slots=True)
class Control:
    """One row of the controls file."""

    target: str
    geography: str
    table: str
    field: str
    importance: float
    text: str
    test: Test
    where: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Classes of one target table; `truth[i, p]` tells whether point p is in class i.

    complete: the classes partition everybody. rest: what they leave is total minus classes. part: there is no total.
    """

    controls: tuple[Control, ...]
    columns: tuple[str, ...]
    points: tuple[Mapping[str, Region], ...]
    truth: BoolArray
    state: State = "part"

    @property
    def table(self) -> str:
        """The seed table."""
        return self.controls[0].table

    @property
    def geography(self) -> str:
        """The geography of the counts."""
        return self.controls[0].geography


@dataclass(frozen=True, slots=True)
class Published:
    """Counts per control target and unit, and the entity's total per geography and seed table."""

    counts: dict[str, FloatArray]
    totals: Mapping[tuple[str, str], FloatArray]

    def of(self, controls: Sequence[Control]) -> FloatArray:
        """Counts of shape (controls, units)."""
        return np.array([self.counts[control.target] for control in controls])

    def total(self, group: Group) -> FloatArray | None:
        """The total that the group is part of, per unit."""
        return self.totals.get((group.geography, group.table))


def names(controls: Sequence[Control]) -> str:
    """The controls' targets, for people."""
    return ", ".join(control.target for control in controls)


def finding_of(kind: FindingKind, controls: Sequence[Control], text: str) -> Finding:
    return Finding(kind, names(controls), text, controls[0].where)


def adds_up(group: Group, published: Published) -> bool:
    total = published.total(group)
    counts = published.of(group.controls)
    return total is not None and bool(np.abs(counts.sum(axis=0) - total).sum() <= ADDS_UP * total.sum())
