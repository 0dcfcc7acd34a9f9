"""Components: variables of an entity that tables, universes or rules link, and the tables and rules among them."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.expression import Aggregate, Node
from schemas.model import Entity, FloatArray, Rule, Scenario, TargetTable
from synthesis.cells import CellCoder, TableCells
from synthesis.proposer import is_static
from synthesis.reads import Reads, reads_of

MEMBERS = "@members"
"""Stands for a root record's members among the variables of a component."""


@dataclass(frozen=True, slots=True)
class View:
    """A target table as its own entity sees it: the axes over the entity's variables, others summed."""

    cells: TableCells
    kept: tuple[int, ...]

    @property
    def table(self) -> TargetTable:
        """The table itself."""
        return self.cells.table

    @property
    def is_whole(self) -> bool:
        """Whether no axis was summed."""
        return len(self.kept) == len(self.table.axes)

    def values(self, target: FloatArray) -> FloatArray:
        """An array of the table's shape (units, *axes), summed to (units, cells of the view)."""
        dropped = tuple(i + 1 for i in range(len(self.table.axes)) if i not in self.kept)
        return target.sum(axis=dropped).reshape(len(target), -1)


@dataclass(frozen=True, slots=True)
class Component:
    """Linked variables (MEMBERS among them where members matter), and what is among them alone."""

    names: frozenset[str]
    views: tuple[View, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Components:
    """An entity's components, and the tables that none of them can hold."""

    parts: tuple[Component, ...]
    left_out: tuple[str, ...]


def components_of(
    coder: CellCoder, entity: Entity, known: frozenset[Aggregate], together: frozenset[str] = frozenset()
) -> Components:
    """The components of an entity; `known` aggregates can be judged, `together` are linked whatever the tables say."""
    scenario = coder.scenario
    of_tables = {
        c.table.name: _table_names(coder, entity, c, known) for c in coder.tables if c.table.entity == entity.name
    }
    of_rules = {r.name: _rule_names(coder, entity, r, known) for r in scenario.rules if r.entity == entity.name}
    links = [together, *_count_link(scenario, entity), *(n for n in (*of_tables.values(), *of_rules.values()) if n)]
    groups = [frozenset({v.name}) for v in entity.variables]
    for link in links:
        groups = _joined(groups, link)
    parts = []
    for group in groups:
        views = tuple(
            View(c, own_axes(c, entity)) for c in coder.tables if (n := of_tables.get(c.table.name)) and n <= group
        )
        rules = tuple(r for r in scenario.rules if (n := of_rules.get(r.name)) and n <= group)
        parts.append(Component(group, views, rules))
    return Components(tuple(parts), tuple(name for name, names in of_tables.items() if not names))


def table_nodes(scenario: Scenario, table: TargetTable) -> list[Node]:
    """The expressions that decide a record's cell: its derived variables and the universe."""
    nodes: list[Node] = [] if table.universe is None else [table.universe]
    for axis in table.axes:
        variable = scenario.variable(table.entity, axis.variable)
        nodes += [variable.expression] if hasattr(variable, "expression") else []
    return nodes


def rule_nodes(rule: Rule) -> list[Node]:
    """The expressions of a rule."""
    return [node for node in (rule.when, rule.then) if node is not None]


def is_decided_by_atoms(coder: CellCoder, entity: Entity, reads: Reads) -> bool:
    """Whether an expression reads the entity's own variables alone, and none whose exact value is carried."""
    zone = coder.scenario.zones.variable if coder.scenario.zones else None
    is_own = all(owner == entity.name and name != zone for owner, name in reads.keys)
    return is_own and not any(coder.grids.of(*key).carried for key in reads.free)


def own_axes(cells: TableCells, entity: Entity) -> tuple[int, ...]:
    """The axes over the entity's own variables."""
    return tuple(i for i, key in enumerate(cells.keys) if key[0] == entity.name)


def _table_names(
    coder: CellCoder, entity: Entity, cells: TableCells, known: frozenset[Aggregate]
) -> frozenset[str] | None:
    zone = coder.scenario.zones.variable if coder.scenario.zones else None
    kept = own_axes(cells, entity)
    plain = {cells.keys[i][1] for i in kept if any(v.name == cells.keys[i][1] for v in entity.variables)}
    names = _names(coder, entity, table_nodes(coder.scenario, cells.table), known)
    return None if names is None or zone in plain or not kept else names | plain


def _rule_names(coder: CellCoder, entity: Entity, rule: Rule, known: frozenset[Aggregate]) -> frozenset[str] | None:
    if not is_static(coder.grids, coder.scenario, rule):
        return None
    return _names(coder, entity, rule_nodes(rule), known)


def _names(
    coder: CellCoder, entity: Entity, nodes: Iterable[Node], known: frozenset[Aggregate]
) -> frozenset[str] | None:
    """The variables that expressions read; None where the entity's atoms do not decide them."""
    reads = reads_of(coder.scenario, nodes)
    if not is_decided_by_atoms(coder, entity, reads) or not set(reads.aggregates) <= known:
        return None
    return frozenset({name for _, name in reads.keys} | ({MEMBERS} if reads.aggregates else set()))


def _count_link(scenario: Scenario, entity: Entity) -> list[frozenset[str]]:
    """The number of members and the members belong together."""
    if entity is not scenario.root or scenario.member is None:
        return []
    return [frozenset({MEMBERS, *([scenario.member.count] if scenario.member.count else [])})]


def _joined(groups: list[frozenset[str]], link: frozenset[str]) -> list[frozenset[str]]:
    touched = [group for group in groups if group & link]
    if not link or (len(touched) == 1 and link <= touched[0]):
        return groups
    return [*(group for group in groups if not group & link), frozenset().union(link, *touched)]
