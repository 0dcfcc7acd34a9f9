"""Questions asked separately of the same persons: a class of one and a class of the other count some persons both."""

from collections.abc import Sequence

import numpy as np

from schemas.imports import Finding
from synthesis.controls import Control, Group, Published, finding_of

SEPARATE = (("RAC1P", "HISP"),)
"""Columns of the American Community Survey whose classes are often taken for one classification."""
NOTICEABLE_RECORDS = 0.5


def tell_overlaps(groups: Sequence[Group], published: Published) -> list[Finding]:
    """Pairs of separate questions whose classes overlap for certain, by their counts alone."""
    found = []
    for one in groups:
        for other in groups:
            is_alike = (one.table, one.geography) == (other.table, other.geography)
            if is_alike and (one.columns, other.columns) in [((a,), (b,)) for a, b in SEPARATE]:
                finding = _overlap(one, other, published)
                found += [finding] if finding is not None else []
    return found


def _overlap(one: Group, other: Group, published: Published) -> Finding | None:
    """The classes that share most persons: what both count beyond everybody is counted in both."""
    everybody = published.total(one)
    if everybody is None:
        return None
    widest = _widest(other, published)
    pairs = [(a, b) for a in one.controls for b in other.controls if b is not widest]
    shared = [np.maximum(published.of([a, b]).sum(axis=0) - everybody, 0) for a, b in pairs]
    if not shared or max(part.sum() for part in shared) <= NOTICEABLE_RECORDS:
        return None
    best = int(np.argmax([part.sum() for part in shared]))
    (a, b), records = pairs[best], shared[best]
    over = records > NOTICEABLE_RECORDS
    text = (
        f"{one.columns[0]} and {other.columns[0]} are two questions, and their classes overlap: at least "
        f"{records.sum():,.0f} {one.table} are counted both in {a.target} and in {b.target}, which together exceed the "
        f"total in {over.sum()} of {len(over)} {one.geography} units; read as two variables, which no table joins"
    )
    return finding_of("noted", [*one.controls, b], text)


def _widest(group: Group, published: Published) -> Control:
    """The class that most are in: that it overlaps with everything says nothing."""
    return max(group.controls, key=lambda control: float(published.counts[control.target].sum()))
