"""Nested records being drafted from a prior: values set one after another, position by position.

A *position* is the root (None) or the k-th member of every row. Values are exact (category codes, whole numbers), so
that relations between members hold exactly; they become atoms of the grid when the draft is done.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from schemas.expression import Node
from schemas.model import BoolArray, FloatArray, IntArray, Scenario
from schemas.prior import PREVIOUS, ROLE, Prior
from synthesis.evaluation import columns, holds
from synthesis.records import Records

ABSENT = -1
Position = int | None


@dataclass(slots=True)
class Draft:
    """Rows of `archetype` in `zone`; members as arrays (positions, rows), `part` and `role` ABSENT where there is none.

    A row is `broken` once something that the prior asks of it turned out impossible.
    """

    scenario: Scenario
    zone: IntArray
    archetype: IntArray
    source: IntArray
    root: dict[str, FloatArray]
    root_set: dict[str, BoolArray]
    part: IntArray
    role: IntArray
    members: dict[str, FloatArray]
    members_set: dict[str, BoolArray]
    broken: BoolArray

    @property
    def count(self) -> int:
        """Number of rows."""
        return len(self.zone)

    def values(self, position: Position, name: str) -> FloatArray:
        """A variable's values at a position, one per row; writing to it changes the draft."""
        return self.root[name] if position is None else self.members[name][position]

    def known(self, position: Position, name: str) -> BoolArray:
        """Whether they are set."""
        return self.root_set[name] if position is None else self.members_set[name][position]

    def exists(self, position: Position) -> BoolArray:
        """Whether each row has the position."""
        return np.ones(self.count, dtype=bool) if position is None else self.role[position] != ABSENT

    def put(self, position: Position, name: str, rows: IntArray, values: FloatArray) -> None:
        """Set a variable in some rows."""
        self.values(position, name)[rows] = values
        self.known(position, name)[rows] = True

    def unset(self, position: Position, names: Iterable[str]) -> BoolArray:
        """Rows that have the position and lack one of the variables there."""
        lacks = np.zeros(self.count, dtype=bool)
        for name in names:
            lacks |= ~self.known(position, name)
        return lacks & self.exists(position)

    def others(self, position: int, rows: IntArray, role: int | str) -> IntArray:
        """Per row, the position of the first member of a role other than `position` itself (ABSENT: none)."""
        if role == PREVIOUS:
            if position == 0:
                return np.full(len(rows), ABSENT)
            same = self.part[position - 1, rows] == self.part[position, rows]
            return np.where(same, position - 1, ABSENT)
        has = self.role[:, rows] == role
        has[position] = False
        return np.where(has.any(axis=0), has.argmax(axis=0), ABSENT)

    def column(self, position: Position, rows: IntArray, name: str, prior: Prior) -> tuple[FloatArray, BoolArray]:
        """A condition's column in some rows (its own, a root one, role or `spouse.age`), and where it is set."""
        if position is None or (name in self.root and name not in self.members):
            return self.root[name][rows], self.root_set[name][rows]
        if name in self.members:
            return self.values(position, name)[rows], self.known(position, name)[rows]
        if name == ROLE:
            return self.role[position, rows].astype(float), np.ones(len(rows), dtype=bool)
        role, _, variable = name.partition(".")
        return self.gather(self.others(position, rows, prior.roles.index(role)), rows, variable)

    def gather(self, positions: IntArray, rows: IntArray, name: str) -> tuple[FloatArray, BoolArray]:
        """A member variable at another position of each row, and where that exists and is set."""
        is_there = positions != ABSENT
        at = np.where(is_there, positions, 0)
        return self.members[name][at, rows], is_there & self.members_set[name][at, rows]

    def holds(self, node: Node, position: Position, rows: IntArray, prior: Prior) -> BoolArray:
        """Whether a condition holds in each of some rows; false while something it reads is unset."""
        seen, known = {}, np.ones(len(rows), dtype=bool)
        for name in {column.variable for column in columns(node)}:
            seen[name], is_set = self.column(position, rows, name, prior)
            known &= is_set
        return known & holds(node, Records(len(rows), seen), False)

    def holds_in_record(self, node: Node, rows: IntArray) -> BoolArray:
        """As `holds` for the root, where the condition may count or sum over members (false while any is unset)."""
        used = {column.variable for column in columns(node)}
        known = np.ones(self.count, dtype=bool)
        for name in used & set(self.root):
            known &= self.root_set[name]
        exists = self.role != ABSENT
        members, parent = {}, np.nonzero(exists.T)[0]
        for name in used & set(self.members):
            known &= (self.members_set[name] | ~exists).all(axis=0)
            members[name] = self.members[name].T[exists.T]
        root = {name: self.root[name] for name in used & set(self.root)}
        return (known & holds(node, Records(self.count, root, members, parent), False))[rows]


def new_draft(scenario: Scenario, zone: IntArray, archetype: IntArray, source: IntArray) -> Draft:
    """A draft with nothing set but the zone, and no members yet."""
    count = len(zone)
    root = {v.name: np.zeros(count) for v in scenario.root.variables}
    root_set = {name: np.zeros(count, dtype=bool) for name in root}
    none = np.full((0, count), ABSENT)
    draft = Draft(scenario, zone, archetype, source, root, root_set, none, none, {}, {}, np.zeros(count, dtype=bool))
    if scenario.zones is not None:
        draft.put(None, scenario.zones.variable, np.arange(count), zone.astype(float))
    return draft


def seat_members(draft: Draft, part: IntArray, role: IntArray) -> None:
    """Give the draft its member positions, all variables unset."""
    member = draft.scenario.member
    assert member is not None
    draft.part, draft.role = part, role
    draft.members = {v.name: np.zeros(part.shape) for v in member.variables}
    draft.members_set = {name: np.zeros(part.shape, dtype=bool) for name in draft.members}
