"""Everything a record can be, as far as the tables see it: the ground on which contradictions are proved.

A component is enumerated over its atoms, what breaks a rule is dropped, and what all its tables see alike is one
*pattern*. A root pattern also says how many members of each *type* it lists; types are what the aggregates of root
tables and rules, such as `count(age >= 18)`, tell apart. What cannot be enumerated is left out and named. Then the
space holds more than there can be, so that a contradiction found in it is one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np
from scipy.special import gammaln

from schemas.expression import Aggregate
from schemas.model import BoolArray, Entity, FloatArray, IntArray, Rule
from synthesis.cells import CellCoder
from synthesis.components import (
    MEMBERS,
    Component,
    View,
    components_of,
    is_decided_by_atoms,
    rule_nodes,
    table_nodes,
)
from synthesis.evaluation import evaluate, holds, obeys, with_derived
from synthesis.reads import reads_of
from synthesis.records import Array, Records

MAX_PATTERNS = 200_000
MAX_TYPES = 6
TINY = 1e-300
MAX_LISTED = 12
"""Members of a root record, at most, for what it can list to be enumerated."""


@dataclass(frozen=True, slots=True)
class Space:
    """One component: `cells` (patterns, tables) hold the cell of each table, -1 outside its universe.

    `members` (patterns, types): how many members of each type a root pattern lists, or of which type a member is;
    None where members do not matter.
    """

    entity: str
    tables: tuple[str, ...]
    cells: IntArray
    members: IntArray | None
    weights: FloatArray
    """How many combinations of values each pattern stands for: where no table speaks, these are even."""

    @property
    def patterns(self) -> int:
        """Number of patterns."""
        return len(self.cells)

    def of(self, table: str) -> IntArray:
        """The cell of every pattern in a table."""
        return self.cells[:, self.tables.index(table)]


@dataclass(frozen=True, slots=True)
class Spaces:
    """The components of both entities with the views they hold, and why other tables are not held."""

    root: tuple[Space, ...]
    member: tuple[Space, ...]
    views: Mapping[str, View]
    left_out: Mapping[str, str]

    def holding(self, table: str) -> Space:
        """The component that a table is in."""
        return next(space for space in (*self.root, *self.member) if table in space.tables)


@dataclass(frozen=True, slots=True)
class _Types:
    """A member of each type, one under each root record, and the aggregates that the types decide."""

    examples: Records
    known: frozenset[Aggregate]
    weights: FloatArray


def build_spaces(coder: CellCoder) -> Spaces:
    """The spaces of a scenario."""
    scenario, left_out = coder.scenario, dict[str, str]()
    views: dict[str, View] = {}
    member, types = _member_spaces(coder, views, left_out)
    components = components_of(coder, scenario.root, types.known if types else frozenset())
    left_out |= dict.fromkeys(components.left_out, "more than the atoms of its entity's variables decides its cells")
    root = []
    for part in components.parts:
        every = _root_records(coder, part, types)
        if every is None:
            left_out |= dict.fromkeys((v.table.name for v in part.views), TOO_LARGE)
        else:
            root.append(_reduced(coder, scenario.root, part.views, *every))
            views |= {view.table.name: view for view in part.views}
    return Spaces(tuple(root), member, views, left_out)


TOO_LARGE = f"its variables, and those linked to them, have more than {MAX_PATTERNS:,} combinations"


def _member_spaces(
    coder: CellCoder, views: dict[str, View], left_out: dict[str, str]
) -> tuple[tuple[Space, ...], _Types | None]:
    member = coder.scenario.member
    if member is None:
        return (), None
    aggregates = _aggregates(coder, member)
    typed = frozenset(name for a in aggregates for _, name in reads_of(coder.scenario, [a.argument]).keys)
    components = components_of(coder, member, frozenset(), typed)
    left_out |= dict.fromkeys(components.left_out, "more than the atoms of its entity's variables decides its cells")
    found: list[Space] = []
    types = _types(_untyped(coder, member), np.ones(1), [])[0]
    for part in components.parts:
        every = _member_records(coder, member, part)
        if every is None:
            left_out |= dict.fromkeys((v.table.name for v in part.views), TOO_LARGE)
            continue
        records, weights = every
        members = None
        if typed & part.names or (not typed and not found):
            types, members = _types(records, weights, aggregates)
        found.append(_reduced(coder, member, part.views, records, members, weights))
        views |= {view.table.name: view for view in part.views}
    return tuple(found), types


def _aggregates(coder: CellCoder, member: Entity) -> list[Aggregate]:
    """The aggregates of root tables and rules that atoms of members decide."""
    scenario = coder.scenario
    nodes = [n for table in scenario.tables if table.entity == scenario.root.name for n in table_nodes(scenario, table)]
    nodes += [n for rule in scenario.rules if rule.entity == scenario.root.name for n in rule_nodes(rule)]
    found = reads_of(scenario, nodes).aggregates
    return [a for a in found if is_decided_by_atoms(coder, member, reads_of(scenario, [a.argument]))]


def _types(records: Records, weights: FloatArray, aggregates: list[Aggregate]) -> tuple[_Types, IntArray]:
    """The types of members, and of which type (one-hot) each of the records' members is.

    Where there would be too many, the aggregate that tells most apart (a sum, a maximum) is given up.
    """
    usable = list(aggregates)
    while True:
        read = [np.broadcast_to(evaluate(a.argument, records, True), records.member_count) for a in usable]
        signature = np.stack([np.zeros(records.member_count), *(r.astype(float) for r in read)], axis=1)
        _, first, of_row = np.unique(signature, axis=0, return_index=True, return_inverse=True)
        if len(first) <= MAX_TYPES:
            one_hot = np.eye(len(first), dtype=np.int64)[of_row.ravel()]
            return _Types(records.take(first), frozenset(usable), weights @ one_hot / weights.sum()), one_hot
        usable.pop(max(range(len(usable)), key=lambda i: len(np.unique(read[i]))))


def _untyped(coder: CellCoder, member: Entity) -> Records:
    """Some member, where nothing tells members apart."""
    return Records(1, _constants(coder, coder.scenario.root, 1), _constants(coder, member, 1), np.zeros(1, np.int64))


def _member_records(coder: CellCoder, member: Entity, part: Component) -> tuple[Records, FloatArray] | None:
    """All members over the component's atoms that obey its rules, one under each root record, and their weights."""
    product = _product(coder, member, sorted(part.names))
    if product is None:
        return None
    columns, weights = product
    count = len(weights)
    members = _constants(coder, member, count) | columns
    records = Records(count, _constants(coder, coder.scenario.root, count), members, np.arange(count))
    records = with_derived(coder.scenario, records)
    fine = np.flatnonzero(_obedient(records, part.rules, True))
    return records.take(fine), weights[fine]


def _root_records(
    coder: CellCoder, part: Component, types: _Types | None
) -> tuple[Records, IntArray | None, FloatArray] | None:
    """All root records over the component's atoms that obey its rules, the members each lists by type, its weight."""
    root, member = coder.scenario.root, coder.scenario.member
    count_name = member.count if member and MEMBERS in part.names else None
    product = _product(coder, root, sorted(part.names - {MEMBERS, count_name}))
    lists = _lists(coder, types, count_name) if MEMBERS in part.names else np.ones((1, 1), np.int64)
    if product is None or lists is None or len(product[1]) * len(lists) > MAX_PATTERNS:
        return None
    columns, weights = product
    listed = np.tile(lists, (len(weights), 1))
    weights = np.repeat(weights, len(lists))
    columns = {name: np.repeat(column, len(lists)) for name, column in columns.items()}
    columns = _constants(coder, root, len(listed)) | columns
    if count_name:
        columns[count_name] = listed.sum(axis=1)
    records = Records(len(listed), columns)
    if types is not None:
        picked = np.repeat(np.tile(np.arange(listed.shape[1]), len(listed)), listed.ravel())
        parent = np.repeat(np.arange(len(listed)), listed.sum(axis=1))
        records = Records(len(listed), columns, {n: c[picked] for n, c in types.examples.members.items()}, parent)
    records = with_derived(coder.scenario, records)
    fine = np.flatnonzero(_obedient(records, part.rules, False))
    if types is None or MEMBERS not in part.names:
        return records.take(fine), None, weights[fine]
    return records.take(fine), listed[fine], (weights * _ways(listed, types.weights))[fine]


def _ways(listed: IntArray, of_types: FloatArray) -> FloatArray:
    """The probability of a list of types among all of its length (multinomial)."""
    logs = gammaln(listed.sum(axis=1) + 1) - gammaln(listed + 1).sum(axis=1)
    return np.exp(logs + (listed * np.log(np.maximum(of_types, TINY))).sum(axis=1))


def _lists(coder: CellCoder, types: _Types | None, count_name: str | None) -> IntArray | None:
    """Every way to list members by type, of every number that the count variable allows."""
    if types is None or count_name is None:
        return None
    allowed = coder.grids.of(coder.scenario.root.name, count_name).representatives().astype(np.int64)
    if allowed.max() > MAX_LISTED:
        return None
    kinds = types.examples.count
    rows = [
        np.bincount(np.array(c, dtype=np.int64), minlength=kinds)
        for number in allowed.tolist()
        for c in combinations_with_replacement(range(kinds), number)
    ]
    return np.array(rows, dtype=np.int64)


def _product(coder: CellCoder, entity: Entity, names: list[str]) -> tuple[dict[str, Array], FloatArray] | None:
    """Representatives of every combination of atoms, and how many values each stands for; None if too many."""
    grids = [coder.grids.of(entity.name, name) for name in names]
    if float(np.prod([float(grid.size) for grid in grids])) > MAX_PATTERNS:
        return None
    sizes = tuple(grid.size for grid in grids)
    codes = np.indices(sizes).reshape(len(grids), -1) if grids else np.zeros((0, 1), dtype=np.int64)
    weights = np.ones(codes.shape[1])
    for i, grid in enumerate(grids):
        weights *= 1.0 if grid.edges is None else (np.diff(grid.edges) / (grid.edges[-1] - grid.edges[0]))[codes[i]]
    columns = {name: grid.representatives()[codes[i]] for i, (name, grid) in enumerate(zip(names, grids, strict=True))}
    return columns, weights


def _constants(coder: CellCoder, entity: Entity, count: int) -> dict[str, Array]:
    """Some value of every variable: those that a component does not hold do not matter to it."""
    return {
        v.name: np.repeat(coder.grids.of(entity.name, v.name).representatives()[:1], count) for v in entity.variables
    }


def _obedient(records: Records, rules: tuple[Rule, ...], of_members: bool) -> BoolArray:
    fine = np.ones(records.member_count if of_members else records.count, dtype=bool)
    for rule in rules:
        fine &= obeys(rule, records, of_members)
    return fine


def _reduced(
    coder: CellCoder,
    entity: Entity,
    views: tuple[View, ...],
    records: Records,
    members: IntArray | None,
    weights: FloatArray,
) -> Space:
    of_members = entity is coder.scenario.member
    count = records.member_count if of_members else records.count
    columns = [_cell_of(coder, view, records, of_members) for view in views]
    cells = np.stack(columns, axis=1) if columns else np.zeros((count, 0), dtype=np.int64)
    rest = np.zeros((count, 1), dtype=np.int64) if members is None else members
    every, pattern = np.unique(np.hstack([cells, rest]), axis=0, return_inverse=True)
    summed = np.bincount(pattern.ravel(), weights=weights, minlength=len(every)).astype(float)
    held, rest = every[:, : len(views)], every[:, len(views) :]
    names = tuple(view.table.name for view in views)
    return Space(entity.name, names, held, rest if members is not None else None, summed)


def _cell_of(coder: CellCoder, view: View, records: Records, of_members: bool) -> IntArray:
    count = records.member_count if of_members else records.count
    flat, inside = np.zeros(count, dtype=np.int64), np.ones(count, dtype=bool)
    for i in view.kept:
        key, lookup = view.cells.keys[i], view.cells.lookups[i]
        bins = lookup[coder.grids.of(*key).codes(records.column(key[1], of_members))]
        flat, inside = flat * len(view.table.axes[i]) + bins, inside & (bins >= 0)
    if view.table.universe is not None:
        inside &= holds(view.table.universe, records, of_members)
    return np.where(inside, flat, -1)
