"""Chains of tables: take a table, then condition the next one on the variables they share.

For a decomposable set of tables, sampling along the chain (`chain_sampling`) is their maximum-entropy distribution.
Variables are kept at their finest atom: a coarse bin is expanded by a density over atoms that agrees with the
variable's own marginals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.expression import Aggregate, Node
from schemas.model import Derived, FloatArray, IntArray, Rule, Scenario
from synthesis.cells import CellCoder, TableCells, unit_of_zones
from synthesis.evaluation import columns, walk
from synthesis.partial_tables import completed, expected_records

DENSITY_SWEEPS = 30


@dataclass(frozen=True, slots=True)
class Link:
    """One step of a chain: a table that gives its new variables, or (no table) one variable's own density."""

    cells: TableCells | None
    known: tuple[int, ...]
    new: tuple[int, ...]
    variables: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """The steps that sample all variables of an entity, and each variable's density over its atoms."""

    entity: str
    links: tuple[Link, ...]
    densities: Mapping[str, FloatArray]
    """Per variable (curves, atoms): as its tables have it, then for each curve of its density."""


def build_chain(coder: CellCoder, entity: str, zones: IntArray, known_already: frozenset[str] = frozenset()) -> Chain:
    """The chain for an entity given some of its variables; densities are those of the closed unit made of `zones`."""
    scenario = coder.scenario
    of_members = entity != scenario.root.name
    given = {*known_already, *((v.name for v in scenario.root.variables) if of_members else ())}
    if scenario.zones is not None:
        given.add(scenario.zones.variable)
    wanted = [v.name for v in scenario.entity(entity).variables if v.name not in given]
    links, known = [], set(given)
    everybody = expected_records(coder, entity)
    tables = [completed(coder, cells, everybody) for cells in coder.tables if cells.table.entity == entity]
    candidates = [cells for cells in tables if _is_usable(scenario, cells)]
    while (chosen := _next_table(scenario, candidates, known)) is not None:
        links.append(_table_link(scenario, chosen, known))
        candidates.remove(chosen)
        known |= set(links[-1].variables)
    for name in wanted:
        known.add(name)
        links.append(Link(None, (), (), (name,), _rules(scenario, entity, known, {name})))
    densities = {name: _density(coder, entity, name, zones) for name in wanted}
    return Chain(entity, tuple(links), densities)


def _is_usable(scenario: Scenario, cells: TableCells) -> bool:
    variables = [scenario.variable(*key) for key in cells.keys]
    if any(isinstance(variable, Derived) for variable in variables):
        return False
    return cells.table.universe is None or _is_plain(scenario, [cells.table.universe])


def _is_plain(scenario: Scenario, nodes: Sequence[Node]) -> bool:
    """Whether expressions use neither members nor derived variables."""
    for node in nodes:
        if any(isinstance(part, Aggregate) for part in walk(node)):
            return False
        used = columns(node)
        if any(isinstance(scenario.variable(c.entity, c.variable), Derived) for c in used):
            return False
    return True


def _next_table(scenario: Scenario, candidates: Sequence[TableCells], known: set[str]) -> TableCells | None:
    """The table with new variables that shares most variables with what is known, then the largest."""
    best, best_key = None, (-1, -1)
    for cells in candidates:
        names = {axis.variable for axis in cells.table.axes}
        universe = {c.variable for c in columns(cells.table.universe)} if cells.table.universe else set()
        if names <= known or not universe - names <= known or universe & (names - known):
            continue
        key = len(names & known), cells.table.unit_cells
        if key > best_key:
            best, best_key = cells, key
    return best


def _table_link(scenario: Scenario, cells: TableCells, known: set[str]) -> Link:
    names = [axis.variable for axis in cells.table.axes]
    old = tuple(i for i, name in enumerate(names) if name in known)
    # Categories first: how a number is spread inside its bin may depend on them.
    is_numeric = [scenario.variable(*key).kind != "category" for key in cells.keys]
    new = tuple(sorted((i for i, name in enumerate(names) if name not in known), key=is_numeric.__getitem__))
    variables = tuple(names[i] for i in new)
    return Link(cells, old, new, variables, _rules(scenario, cells.table.entity, known | set(names), set(variables)))


def _rules(scenario: Scenario, entity: str, known: set[str], new: set[str]) -> tuple[Rule, ...]:
    """The entity's plain rules that touch a new variable and need only known ones."""
    found = []
    for rule in scenario.rules:
        nodes = [node for node in (rule.when, rule.then) if node is not None]
        used = {c.variable for node in nodes for c in columns(node)}
        if rule.entity == entity and used & new and used <= known and _is_plain(scenario, nodes):
            found.append(rule)
    return tuple(found)


def _density(coder: CellCoder, entity: str, name: str, zones: IntArray) -> FloatArray:
    """Relative frequency of a variable's atoms: its fitted density, raked to the tables' own marginals."""
    fitted, base = coder.grids.densities.get((entity, name)), coder.grids.base_density(entity, name)
    margins = [m for cells in coder.tables if (m := _margin(coder.scenario, cells, entity, name, zones)) is not None]
    density = base
    for _ in range(DENSITY_SWEEPS if len(margins) > 1 else 1):
        for lookup, margin in margins:
            current = np.bincount(lookup[:-1], weights=density, minlength=len(margin))
            density = density * np.divide(margin, current, out=np.zeros(len(margin)), where=current > 0)[lookup[:-1]]
    total = density.sum()
    density = density / total if total > 0 else base
    if fitted is None:
        return density[None]
    return density * np.divide(fitted.masses, base, out=np.ones(fitted.masses.shape), where=base > 0)


def _margin(
    scenario: Scenario, cells: TableCells, entity: str, name: str, zones: IntArray
) -> tuple[IntArray, FloatArray] | None:
    """A whole-universe table's one-way margin of the variable over the zones, if its bins hold all atoms."""
    if (entity, name) not in cells.keys or cells.table.universe is not None:
        return None
    axis = cells.keys.index((entity, name))
    lookup = cells.lookups[axis]
    if (lookup[:-1] < 0).any():
        return None
    units = np.unique(unit_of_zones(scenario, cells.table)[zones])
    others = tuple(i for i in range(cells.table.target.ndim) if i != axis + 1)
    margin = cells.table.target[units].sum(axis=others)
    return (lookup, margin / margin.sum()) if margin.sum() > 0 else None
