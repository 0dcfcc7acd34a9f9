"""Sampling along a chain of tables: take a table, then condition the next one on the variables they share.

For a decomposable set of tables this is their maximum-entropy distribution. Variables are kept at their finest atom:
a coarse bin is expanded by a density over atoms that agrees with the variable's own marginals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.expression import Aggregate
from schemas.model import Derived, FloatArray, IntArray, Rule, Scenario, Variable
from synthesis.binning import Grid, Grids
from synthesis.cells import CellCoder, TableCells, unit_of_zones
from synthesis.evaluation import columns, holds, obeys, walk
from synthesis.records import Array, Records

UNSET = -1
STEP_REDRAWS = 25
DENSITY_SWEEPS = 30

Codes = dict[str, IntArray]


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


def build_chain(coder: CellCoder, entity: str, zones: IntArray) -> Chain:
    """The chain for an entity; densities are those of the closed unit made of `zones`."""
    scenario = coder.scenario
    of_members = entity != scenario.root.name
    given = {v.name for v in scenario.root.variables} if of_members else set()
    if scenario.zones is not None:
        given.add(scenario.zones.variable)
    wanted = [v.name for v in scenario.entity(entity).variables if v.name not in given]
    links, known = [], set(given)
    candidates = [cells for cells in coder.tables if _is_usable(scenario, cells, entity)]
    while (chosen := _next_table(scenario, candidates, known)) is not None:
        links.append(_table_link(scenario, chosen, known))
        candidates.remove(chosen)
        known |= set(links[-1].variables)
    links += [Link(None, (), (), (name,), _rules(scenario, entity, set(wanted), {name})) for name in wanted]
    densities = {name: _density(coder, entity, name, zones) for name in wanted}
    return Chain(entity, tuple(links), densities)


def sample_chain(
    coder: CellCoder, chain: Chain, given: Codes, zone_of_row: IntArray, rng: np.random.Generator, flat: bool = False
) -> Codes:
    """Atoms of every variable for `len(zone_of_row)` rows; `given` holds atoms already known per row.

    With `flat`, every supported cell of a table is equally likely (it finds rare support). Rows that still break a
    rule after some redraws are returned as they are: the caller checks.
    """
    codes = dict(given)
    every = np.arange(len(zone_of_row))
    for link in chain.links:
        for name in link.variables:
            codes.setdefault(name, np.full(len(every), UNSET))
        rows = every if link.cells is not None else np.flatnonzero(codes[link.variables[0]] == UNSET)
        for _ in range(STEP_REDRAWS):
            if len(rows) == 0:
                break
            _draw_link(coder, chain, link, codes, rows, zone_of_row, rng, flat)
            rows = rows[~_obeyed(coder, chain.entity, link.rules, codes, rows)]
    return codes


def representatives(grids: Grids, entity: str, names: Sequence[str], codes: Codes, rows: IntArray) -> dict[str, Array]:
    """A value inside the atom of each row, per variable (unset atoms give the first)."""
    return {name: grids.of(entity, name).representatives()[np.maximum(codes[name][rows], 0)] for name in names}


def _is_usable(scenario: Scenario, cells: TableCells, entity: str) -> bool:
    if cells.table.entity != entity:
        return False
    variables = [scenario.variable(*key) for key in cells.keys]
    if any(isinstance(variable, Derived) for variable in variables):
        return False
    return cells.table.universe is None or _is_plain(scenario, [cells.table.universe])


def _is_plain(scenario: Scenario, nodes: Sequence[object]) -> bool:
    """Whether expressions use neither members nor derived variables."""
    for node in nodes:
        if any(isinstance(part, Aggregate) for part in walk(node)):  # type: ignore[arg-type]
            return False
        used = columns(node)  # type: ignore[arg-type]
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
    new = tuple(i for i, name in enumerate(names) if name not in known)
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
    """Relative frequency of a variable's atoms: widths and prior weights, raked to the tables' own marginals."""
    variable, grid = coder.scenario.variable(entity, name), coder.grids.of(entity, name)
    density = _base_density(variable, grid)
    margins = [m for cells in coder.tables if (m := _margin(coder.scenario, cells, entity, name, zones)) is not None]
    for _ in range(DENSITY_SWEEPS if len(margins) > 1 else 1):
        for lookup, margin in margins:
            current = np.bincount(lookup[:-1], weights=density, minlength=len(margin))
            density = density * np.divide(margin, current, out=np.zeros(len(margin)), where=current > 0)[lookup[:-1]]
    total = density.sum()
    return density / total if total > 0 else _base_density(variable, grid)


def _base_density(variable: Variable | Derived, grid: Grid) -> FloatArray:
    weights = variable.prior_weights if isinstance(variable, Variable) else None
    if grid.edges is None:
        base = np.ones(grid.size) if weights is None else np.array(weights)
    elif weights is None:
        base = np.diff(grid.edges)
    else:
        cumulative = np.concatenate(([0.0], np.cumsum(weights)))
        base = np.diff(cumulative[(grid.edges - grid.edges[0]).astype(np.int64)])
    return base / base.sum()


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


def _draw_link(
    coder: CellCoder,
    chain: Chain,
    link: Link,
    codes: Codes,
    rows: IntArray,
    zone_of_row: IntArray,
    rng: np.random.Generator,
    flat: bool,
) -> None:
    if link.cells is None:
        name = link.variables[0]
        density = (chain.densities[name] > 0).astype(float) if flat else chain.densities[name]
        codes[name][rows] = _draw_atoms(density, 0, len(density), rng.random(len(rows)))
        return
    rows, group, bins_known = _rows_in_table(coder, chain.entity, link, codes, rows, zone_of_row)
    weights, shape = _conditional(link, flat)
    picked, supported = _draw_bins(weights, group * bins_known[1] + bins_known[0], rng.random(len(rows)))
    rows, picked = rows[supported], picked[supported]
    for axis, name in zip(link.new, link.variables, strict=True):
        bins = np.unravel_index(picked, shape)[link.new.index(axis)]
        density = chain.densities[name]
        codes[name][rows] = _expand(
            link.cells.lookups[axis], density, bins, rng, coder.grids.of(*link.cells.keys[axis])
        )


def _rows_in_table(
    coder: CellCoder, entity: str, link: Link, codes: Codes, rows: IntArray, zone_of_row: IntArray
) -> tuple[IntArray, IntArray, tuple[IntArray, int]]:
    """The rows inside the table's universe and known axes, their unit, and their flat known cell (and its number)."""
    assert link.cells is not None
    table = link.cells.table
    inside = np.ones(len(rows), dtype=bool)
    if table.universe is not None:
        used = {column.variable for column in columns(table.universe)}
        inside &= _are_set(codes, used, rows)
        inside &= holds(table.universe, _view(coder, entity, used, codes, rows), False)
    known, count = np.zeros(len(rows), dtype=np.int64), 1
    for axis in link.known:
        atom = codes[table.axes[axis].variable][rows]
        bins = np.where(atom >= 0, link.cells.lookups[axis][atom], -1)
        inside &= bins >= 0
        known, count = known * len(table.axes[axis]) + bins, count * len(table.axes[axis])
    units = unit_of_zones(coder.scenario, table)[zone_of_row[rows]]
    return rows[inside], units[inside], (known[inside], count)


def _conditional(link: Link, flat: bool) -> tuple[FloatArray, tuple[int, ...]]:
    """The table as (units x known cells, new cells), and the shape of the new axes."""
    assert link.cells is not None
    target = link.cells.table.target
    target = (target > 0).astype(float) if flat else target
    ordered = np.transpose(target, (0, *(i + 1 for i in link.known), *(i + 1 for i in link.new)))
    shape = tuple(target.shape[i + 1] for i in link.new)
    return ordered.reshape(-1, int(np.prod(shape))), shape


def _draw_bins(weights: FloatArray, group: IntArray, uniform: FloatArray) -> tuple[IntArray, np.ndarray]:
    """One column per row from the conditional distribution of its group, and whether the group has any mass."""
    used, position = np.unique(group, return_inverse=True)
    part = weights[used]
    totals = part.sum(axis=1)
    supported = totals > 0
    cumulative = np.cumsum(part, axis=1) / np.where(supported, totals, 1)[:, None]
    cumulative[:, -1] = 1.0
    # One sorted search for all groups: group g's distribution is shifted to [g, g + 1).
    shifted = (cumulative + np.arange(len(used))[:, None]).ravel()
    picked = np.searchsorted(shifted, position + uniform, side="right") - position * part.shape[1]
    return np.minimum(picked, part.shape[1] - 1), supported[position]


def _expand(lookup: IntArray, density: FloatArray, bins: IntArray, rng: np.random.Generator, grid: Grid) -> IntArray:
    """An atom inside each bin, drawn by the variable's density (atoms of a bin are consecutive)."""
    if grid.edges is None:
        return bins.astype(np.int64)
    atoms = lookup[:-1]
    order = np.arange(bins.max(initial=-1) + 1)
    inside = np.flatnonzero(atoms >= 0)
    first = inside[np.searchsorted(atoms[inside], order)]
    last = inside[np.searchsorted(atoms[inside], order, side="right") - 1] + 1
    return _draw_atoms(density, first[bins], last[bins], rng.random(len(bins)))


def _draw_atoms(density: FloatArray, first: IntArray | int, last: IntArray | int, uniform: FloatArray) -> IntArray:
    """Atoms in [first, last) with probability proportional to the density (uniform where it has no mass)."""
    cumulative = np.concatenate(([0.0], np.cumsum(density)))
    low, high = cumulative[first], cumulative[last]
    drawn = np.searchsorted(cumulative, low + uniform * (high - low), side="right") - 1
    even = first + np.floor(uniform * (np.asarray(last) - first)).astype(np.int64)
    return np.clip(np.where(high > low, drawn, even), first, np.asarray(last) - 1)


def _obeyed(coder: CellCoder, entity: str, rules: Sequence[Rule], codes: Codes, rows: IntArray) -> np.ndarray:
    """Whether each row obeys the rules; rows with an unset variable pass for now."""
    fine = np.ones(len(rows), dtype=bool)
    for rule in rules:
        used = {c.variable for node in (rule.when, rule.then) if node is not None for c in columns(node)}
        fine &= ~_are_set(codes, used, rows) | obeys(rule, _view(coder, entity, used, codes, rows), False)
    return fine


def _are_set(codes: Codes, names: set[str], rows: IntArray) -> np.ndarray:
    are_set = np.ones(len(rows), dtype=bool)
    for name in names:
        are_set &= codes[name][rows] != UNSET
    return are_set


def _view(coder: CellCoder, entity: str, names: set[str], codes: Codes, rows: IntArray) -> Records:
    """The rows' representative values as if they were root records (member rows see root columns broadcast)."""
    scenario = coder.scenario
    root: dict[str, Array] = {}
    for name in sorted(names):
        owner = entity if scenario.entity(entity).find(name) else scenario.root.name
        root.update(representatives(coder.grids, owner, [name], codes, rows))
    return Records(len(rows), root)
