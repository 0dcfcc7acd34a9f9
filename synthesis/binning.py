"""The finest grid: per variable, atoms within which every table, universe and rule sees one value.

A numeric variable's atoms are cut at all tables' bin edges and at every constant that an expression compares it
with. An integer whose exact value matters to an expression has one atom per value; a number (or a wide integer)
that does so is *carried*: plan rows hold its value instead of a range. So does what a prior's relation links.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from schemas.expression import Node
from schemas.model import Axis, Derived, FloatArray, IntArray, MomentTable, Scenario, Variable
from synthesis.density import Density
from synthesis.evaluation import cuts, free_columns
from synthesis.prior_links import Key as Key
from synthesis.prior_links import condition_cuts, linked_variables, setting_ends
from synthesis.records import Array

MOMENT_PARTS = 8
"""Atoms per bin of a variable of which a mean or total is published."""
MAX_SINGLE_VALUES = 512
"""Widest integer that gets one atom per value; wider ones are carried."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Atoms of one variable: `size` categories, or intervals between consecutive `edges`."""

    variable: Variable | Derived
    size: int
    edges: FloatArray | None = None
    carried: bool = False

    def codes(self, values: Array) -> IntArray:
        """The atom of each value; -1 below and `size` above the grid."""
        if self.edges is None:
            return values.astype(np.int64)
        return np.searchsorted(self.edges, values, side="right") - 1

    def representatives(self) -> Array:
        """A value inside each atom: lowest integer, middle of an interval, or the category's code."""
        if self.edges is None:
            return np.arange(self.size, dtype=np.int16)
        if self.variable.kind == "integer":
            return self.edges[:-1].astype(np.int64)
        lows, highs = self.edges[:-1], self.edges[1:]
        # The middle of an interval that holds a single float can round up to its excluded end.
        return np.minimum((lows + highs) / 2, np.nextafter(highs, lows))


@dataclass(frozen=True, slots=True)
class Grids:
    """The grid of every variable and derived variable that a table or plan needs.

    `densities` say how values are spread inside the atoms (`density_fit.fit_densities`); without one, evenly.
    """

    grids: Mapping[Key, Grid]
    densities: Mapping[Key, Density] = field(default_factory=dict)

    def of(self, entity: str, variable: str) -> Grid:
        """The grid of a variable."""
        return self.grids[entity, variable]

    def singles(self, entity: str) -> frozenset[str]:
        """The entity's variables whose values are kept in single precision; carried ones matter exactly."""
        keys = [key for key, density in self.densities.items() if density.is_single and not self.grids[key].carried]
        return frozenset(name for owner, name in keys if owner == entity)

    def base_density(self, entity: str, name: str) -> FloatArray:
        """Relative frequency of a variable's atoms: as fitted, or else by its prior weights, or else even."""
        fitted = self.densities.get((entity, name))
        if fitted is not None:
            return fitted.masses[0]
        grid = self.of(entity, name)
        weights = grid.variable.prior_weights if isinstance(grid.variable, Variable) else None
        base = np.ones(grid.size) if weights is None else np.array(weights)
        return base / base.sum()


def build_grids(scenario: Scenario) -> Grids:
    """Finest grids for a scenario's variables, and for the derived variables that tables are over."""
    edges = _edges_by_variable(scenario)
    exact, carried = _exact_values(scenario)
    grids = {}
    for entity in scenario.entities:
        for variable in entity.variables:
            key = entity.name, variable.name
            grids[key] = _grid(variable, edges.get(key, set()), key in exact, key in carried)
        for derived in entity.derived:
            key = entity.name, derived.name
            if derived.kind == "category" or key in edges:
                grids[key] = _grid(derived, edges.get(key, set()), False, False)
    return Grids(grids)


def axis_lookup(axis: Axis, grid: Grid) -> IntArray:
    """The axis' bin of every atom (-1: none), with one more entry for values outside the grid."""
    if grid.edges is None or axis.lows is None or axis.highs is None:
        return np.append(np.arange(grid.size), -1)
    inside = grid.edges[:-1]
    found = np.searchsorted(axis.lows, inside, side="right") - 1
    is_in = (found >= 0) & (inside < axis.highs[np.maximum(found, 0)])
    return np.append(np.where(is_in, found, -1), -1)


def _grid(variable: Variable | Derived, edges: set[float], exact: bool, carried: bool) -> Grid:
    if variable.kind == "category":
        return Grid(variable, len(variable.categories))
    if not np.isfinite(variable.low):  # a derived number without a stated range: the tables' bins alone
        cut = np.array(sorted(edges))
        return Grid(variable, len(cut) - 1, cut)
    end = variable.high + 1 if variable.kind == "integer" else variable.high
    if exact:
        cut = np.arange(variable.low, end + 1)
    else:
        inner = {edge for edge in edges if variable.low < edge < end}
        cut = np.array(sorted({variable.low, end} | inner))
    return Grid(variable, len(cut) - 1, cut, carried)


def _edges_by_variable(scenario: Scenario) -> dict[Key, set[float]]:
    edges: dict[Key, set[float]] = {}
    for table in (*scenario.tables, *(moment.cells for moment in scenario.moments)):
        for axis in table.axes:
            if axis.lows is not None and axis.highs is not None:
                key = _owner(scenario, table.entity, axis.variable)
                edges.setdefault(key, set()).update(axis.lows.tolist(), axis.highs.tolist())
    for node in _expressions(scenario):
        for column, symbol, value in cuts(node):
            _cut(scenario, edges, (column.entity, column.variable), symbol, value)
    for key, ends in setting_ends(scenario).items():
        edges.setdefault(key, set()).update(ends)
    for key, symbol, value in condition_cuts(scenario):
        _cut(scenario, edges, key, symbol, value)
    for moment in scenario.moments:
        key = _owner(scenario, moment.cells.entity, moment.of)
        if isinstance(variable := scenario.variable(*key), Variable):
            edges[key] = _moment_edges(moment, variable, edges.get(key, set()))
    return edges


def _cut(scenario: Scenario, edges: dict[Key, set[float]], key: Key, symbol: str, value: float) -> None:
    edges.setdefault(key, set()).update(_cut_points(scenario.variable(*key).kind, symbol, value))


def _moment_edges(moment: MomentTable, variable: Variable, edges: set[float]) -> set[float]:
    """Cuts at published quantiles; for means and totals bins in parts, so that weight can move within a bin."""
    is_integer = variable.kind == "integer"
    if moment.measure == "quantile":
        values = moment.cells.target[np.isfinite(moment.cells.target)]
        return edges | set((np.concatenate((np.floor(values), np.ceil(values))) if is_integer else values).tolist())
    end = variable.high + 1 if is_integer else variable.high
    bins = np.array(sorted({variable.low, end} | {edge for edge in edges if variable.low < edge < end}))
    parts = np.linspace(bins[:-1], bins[1:], MOMENT_PARTS, endpoint=False).ravel()
    return edges | set((np.floor(parts) if is_integer else parts).tolist())


def _owner(scenario: Scenario, entity: str, variable: str) -> Key:
    own = scenario.entity(entity).find(variable) is not None
    return (entity if own else scenario.root.name), variable


def _cut_points(kind: str, symbol: str, value: float) -> tuple[float, ...]:
    if kind == "integer":
        below, above = float(np.ceil(value)), float(np.floor(value)) + 1
    else:
        # The next float above the constant: an atom that starts at it has the constant itself on the other side.
        below, above = value, float(np.nextafter(value, np.inf))
    return {"<": (below,), ">=": (below,), "<=": (above,), ">": (above,)}.get(symbol, (below, above))


def _exact_values(scenario: Scenario) -> tuple[set[Key], set[Key]]:
    """Variables with one atom per value, and variables that plan rows carry."""
    exact = {(scenario.root.name, scenario.member.count)} if scenario.member and scenario.member.count else set()
    carried: set[Key] = set()
    binding = {(c.entity, c.variable) for node in _binding_expressions(scenario) for c in free_columns(node)}
    free = {(c.entity, c.variable) for node in _expressions(scenario) for c in free_columns(node)}
    linked = linked_variables(scenario)
    for entity, name in free | linked:
        variable = scenario.variable(entity, name)
        if isinstance(variable, Derived):
            continue
        if variable.kind == "integer" and variable.high - variable.low < MAX_SINGLE_VALUES:
            exact.add((entity, name))
        elif (entity, name) in binding or (entity, name) in linked:
            carried.add((entity, name))
    return exact, carried


def _binding_expressions(scenario: Scenario) -> Iterable[Node]:
    """Expressions that decide a cell: universes and derived variables."""
    tables = (*scenario.tables, *(moment.cells for moment in scenario.moments))
    yield from (table.universe for table in tables if table.universe is not None)
    yield from (derived.expression for entity in scenario.entities for derived in entity.derived)


def _expressions(scenario: Scenario) -> Iterable[Node]:
    yield from _binding_expressions(scenario)
    for rule in scenario.rules:
        yield from (node for node in (rule.when, rule.then) if node is not None)
