"""Classes that are asked from an age on, against the persons of that age: controls do not name their universe."""

from collections.abc import Sequence

import numpy as np

from schemas.imports import Finding
from schemas.model import FloatArray
from synthesis.control_domains import assumed_end, assumed_start
from synthesis.controls import Control, Group, Published, finding_of

AGE = "AGEP"
ASKED_FROM = {"ESR": 16, "WKHP": 16, "JWTRNS": 16, "JWTR": 16, "SCHG": 3, "SCHL": 3}
"""Columns of the American Community Survey's persons that are blank below an age."""
NOTICEABLE_SHARE = 0.02


def doubt_universes(groups: Sequence[Group], published: Published) -> list[Finding]:
    """Classes of one universe that together count more persons than there are of that age."""
    found = []
    for ages in groups:
        if ages.columns != (AGE,) or ages.state != "complete":
            continue
        for youngest in sorted(set(ASKED_FROM.values())):
            controls = _asked_from(groups, ages, youngest)
            finding = _doubt(controls, ages, youngest, published) if controls else None
            found += [finding] if finding is not None else []
    return found


def _asked_from(groups: Sequence[Group], ages: Group, youngest: int) -> list[Control]:
    """The classes of the age's table and geography that do not cover everybody and are asked from that age on."""
    return [
        control
        for group in groups
        if (group.table, group.geography, group.state) == (ages.table, ages.geography, "rest")
        and all(ASKED_FROM.get(column) == youngest for column in group.columns)
        for control in group.controls
    ]


def _doubt(controls: list[Control], ages: Group, youngest: int, published: Published) -> Finding | None:
    counted, of_age = published.of(controls).sum(axis=0), published.of(ages.controls)
    inside = _share_from(ages, youngest)
    low, expected, high = (of_age.T @ part for part in (inside >= 1, inside, inside > 0))
    if counted.sum() <= (1 + NOTICEABLE_SHARE) * expected.sum():
        return None
    over = counted > high + 0.5
    text = (
        f"are asked of persons of {youngest} or more and add up to {counted.sum():,.0f}, but by {AGE} there are "
        f"{low.sum():,.0f} to {high.sum():,.0f} of them, about {expected.sum():,.0f} if classes are spread evenly; "
        f"more than there can be in {over.sum()} of {len(over)} {ages.geography} units: some are counted in two classes"
    )
    return finding_of("doubtful", controls, text)


def _share_from(ages: Group, youngest: int) -> FloatArray:
    """Per age class the share of its years from `youngest` on."""
    shares = []
    for holds in ages.truth:
        regions = [point[AGE] for point, inside in zip(ages.points, holds, strict=True) if inside]
        low, high = min(r.low for r in regions), max(r.high for r in regions)
        low = low if np.isfinite(low) else assumed_start(AGE, high)
        high = high if np.isfinite(high) else assumed_end(AGE, low)
        shares.append(float(np.clip((high + 1 - max(low, youngest)) / (high + 1 - low), 0, 1)))
    return np.array(shares)
