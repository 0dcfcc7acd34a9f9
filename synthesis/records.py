"""Nested records as columns: root records and, under them, their members."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from schemas.model import IntArray

Array = NDArray[np.generic]
Columns = Mapping[str, Array]
_NO_PARENT: IntArray = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Records:
    """Columns by variable: categories as codes, integers and numbers as values.

    `parent[m]` is the row of member m's root record; members are sorted by it.
    """

    count: int
    root: Columns
    members: Columns = field(default_factory=dict)
    parent: IntArray = field(default_factory=lambda: _NO_PARENT)

    @property
    def member_count(self) -> int:
        """Number of members of all root records."""
        return len(self.parent)

    def members_per_root(self) -> IntArray:
        """Members of each root record, shape (count,)."""
        return np.bincount(self.parent, minlength=self.count)

    def column(self, name: str, of_members: bool) -> Array:
        """A column as seen from the members (root columns broadcast) or from the root records."""
        if not of_members:
            return self.root[name]
        return self.members[name] if name in self.members else self.root[name][self.parent]

    def take(self, rows: IntArray) -> "Records":
        """The root records `rows`, in that order and as often as named, with their members."""
        root = {name: column[rows] for name, column in self.root.items()}
        if not self.members:
            return Records(len(rows), root)
        picked, parent = member_rows(self.members_per_root(), rows)
        return Records(len(rows), root, {n: c[picked] for n, c in self.members.items()}, parent)


def member_rows(members_per_root: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Member indices of the root records `rows` (repeats allowed), and each one's new root row."""
    starts = np.concatenate(([0], np.cumsum(members_per_root)))[:-1]
    lengths = members_per_root[rows]
    parent = np.repeat(np.arange(len(rows)), lengths)
    first = np.cumsum(lengths) - lengths
    return np.arange(lengths.sum()) - np.repeat(first - starts[rows], lengths), parent


def concatenate(parts: list[Records]) -> Records:
    """All records of `parts`, in order; the parts have the same columns."""
    if len(parts) == 1:
        return parts[0]
    shifts = np.cumsum([0] + [part.count for part in parts])
    root = {name: np.concatenate([p.root[name] for p in parts]) for name in parts[0].root}
    members = {name: np.concatenate([p.members[name] for p in parts]) for name in parts[0].members}
    parent = np.concatenate([part.parent + shift for part, shift in zip(parts, shifts, strict=False)])
    return Records(int(shifts[-1]), root, members, parent)
