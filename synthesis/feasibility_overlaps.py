"""Categories given as tables of their own, each with its universe, that add up although they overlap."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from schemas.model import FloatArray, Scenario
from synthesis.figures import Figures, totals_of
from synthesis.spaces import Space, Spaces

LARGEST_GROUP = 6
MEETS_SHARE = 0.95
"""In how many zones the counts have to add up to everybody for that to be no accident."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Tables that count everybody once, zone by zone, although records can be in the universes of two of them.

    `inside` lies in `around` wholly or in part. `excess`, per unit: what is counted of `inside`, and so is missing
    from `around` if the universes are taken literally.
    """

    tables: tuple[str, ...]
    inside: str
    around: str
    is_contained: bool
    level: str | None
    excess: FloatArray
    variance: FloatArray


def overlaps(scenario: Scenario, spaces: Spaces, figures: Figures) -> list[Overlap]:
    """One finding per group of tables, the first pair of it that overlaps."""
    found = []
    for space in (*spaces.root, *spaces.member):
        names = [n for n in space.tables if spaces.views[n].table.universe is not None and n in figures.published]
        for group in _groups(names):
            pair = _overlapping(space, group)
            if pair is not None and _adds_up(scenario, spaces, figures, group):
                inside, around = pair
                table = spaces.views[inside].table
                is_contained = bool((space.of(around)[space.of(inside) >= 0] >= 0).all())
                counts = figures.published[inside].sum(axis=1), figures.variances[inside].sum(axis=1)
                found.append(Overlap(group, inside, around, is_contained, table.zone_level, *counts))
    return found


def _groups(names: list[str]) -> Iterator[tuple[str, ...]]:
    for size in range(2, min(len(names), LARGEST_GROUP) + 1):
        yield from combinations(names[:12], size)


def _overlapping(space: Space, group: tuple[str, ...]) -> tuple[str, str] | None:
    """The two tables of a group that share patterns; the one with fewer patterns first."""
    for one, other in combinations(group, 2):
        inside, around = sorted((one, other), key=lambda name: int((space.of(name) >= 0).sum()))
        if ((space.of(inside) >= 0) & (space.of(around) >= 0)).any():
            return inside, around
    return None


def _adds_up(scenario: Scenario, spaces: Spaces, figures: Figures, group: tuple[str, ...]) -> bool:
    level = spaces.views[group[0]].table.zone_level
    if any(spaces.views[name].table.zone_level != level for name in group):
        return False
    reference = figures.references.get(spaces.views[group[0]].table.entity)
    totals = None if reference is None else totals_of(scenario, reference, level)
    if totals is None or any(figures.published[name].sum() == 0 for name in group):
        return False
    counted = sum(figures.published[name].sum(axis=1) for name in group)
    return bool((np.abs(counted - totals) < 1.0).mean() >= MEETS_SHARE)
