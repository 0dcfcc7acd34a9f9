"""Plan rows: proposals compiled to atoms. A nested plan row is a root row with the list of its member rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from schemas.model import Entity, FloatArray, IntArray, Scenario
from synthesis.binning import Grid, Grids
from synthesis.density import cells_of, draw_values
from synthesis.evaluation import with_derived
from synthesis.records import Array, Records, concatenate

CARRIED = "="
"""Suffix of the column that holds a carried variable's exact value beside its atom."""
LOW, HIGH = ">=", "<"
"""Suffixes of the columns that narrow a range within its atom: a proposal's own ends. All rows have them, or none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """`atoms`: a code per variable (and carried values); `prior`: prior weight; `proposal`: which proposal it is of."""

    atoms: Records
    prior: FloatArray
    proposal: IntArray

    @property
    def count(self) -> int:
        """Number of plan rows."""
        return self.atoms.count

    def take(self, rows: IntArray) -> "Plan":
        """The plan rows `rows`, in that order."""
        return Plan(self.atoms.take(rows), self.prior[rows], self.proposal[rows])


def join_plans(plans: Iterable[Plan]) -> Plan:
    """All plan rows, in order."""
    parts = list(plans)
    return Plan(
        concatenate([part.atoms for part in parts]),
        np.concatenate([part.prior for part in parts]),
        np.concatenate([part.proposal for part in parts]),
    )


def plan_values(scenario: Scenario, grids: Grids, plan: Plan) -> Records:
    """One possible record per plan row, derived variables included: every table sees all its draws as this one."""
    root = _values(grids, scenario.root, plan.atoms.root)
    members = _values(grids, scenario.member, plan.atoms.members) if scenario.member else {}
    return with_derived(scenario, Records(plan.count, root, members, plan.atoms.parent))


def carry(grids: Grids, entity: Entity, atoms: Mapping[str, Array], rng: np.random.Generator) -> dict[str, Array]:
    """The atoms, and for each carried variable a value drawn inside its atom."""
    columns = dict(atoms)
    for variable in entity.variables:
        if grids.of(entity.name, variable.name).carried:
            cells = cells_in(grids, entity.name, variable.name, atoms)
            columns[variable.name + CARRIED] = draw_in_cells(grids, entity.name, variable.name, cells, rng)
    return columns


def cells_in(grids: Grids, entity: str, name: str, atoms: Mapping[str, Array]) -> IntArray:
    """The cell of the variable's density that each row of `atoms` draws from: its atom, or one given other atoms."""
    density = grids.densities.get((entity, name))
    return np.asarray(atoms[name], dtype=np.int64) if density is None else cells_of(density, name, atoms)


def draw_in_cells(grids: Grids, entity: str, name: str, cells: Array, rng: np.random.Generator) -> Array:
    """A value of the variable inside each cell, by its density; a category is its own code."""
    grid, density = grids.of(entity, name), grids.densities.get((entity, name))
    if density is not None:
        return draw_values(density, cells.astype(np.int64, copy=False), rng)
    return draw_in_atoms(grid.edges, grid.variable.kind, cells, rng)


def draw_in_atoms(edges: FloatArray | None, kind: str, atoms: Array, rng: np.random.Generator) -> Array:
    """A uniform value inside each atom: the code of a category, a whole number of an integer."""
    if edges is None:
        return atoms
    return draw_in_ranges(edges[atoms], edges[atoms + 1], kind, rng)


def with_ranges(scenario: Scenario, grids: Grids, plan: Plan) -> Plan:
    """The plan with the ends of each atom as its ranges, where it has none yet."""
    atoms = plan.atoms
    root = {**ranges_of(grids, scenario.root, atoms.root), **atoms.root}
    members = {**ranges_of(grids, scenario.member, atoms.members), **atoms.members} if scenario.member else {}
    return Plan(Records(atoms.count, root, members, atoms.parent), plan.prior, plan.proposal)


def has_ranges(plan: Plan) -> bool:
    """Whether its rows have ranges of their own."""
    return any(name.endswith(LOW) for name in (*plan.atoms.root, *plan.atoms.members))


def without_ranges(plan: Plan) -> Plan:
    """The plan's atoms alone."""
    atoms = plan.atoms
    root, members = (
        {name: column for name, column in columns.items() if not name.endswith((LOW, HIGH))}
        for columns in (atoms.root, atoms.members)
    )
    return Plan(Records(atoms.count, root, members, atoms.parent), plan.prior, plan.proposal)


def ranges_of(grids: Grids, entity: Entity, atoms: Mapping[str, Array]) -> dict[str, Array]:
    """[low, high) of the atoms of every variable that is drawn from a range."""
    found = {}
    for variable in entity.variables:
        grid = grids.of(entity.name, variable.name)
        if grid.edges is not None and not grid.carried:
            codes = atoms[variable.name]
            found[variable.name + LOW], found[variable.name + HIGH] = grid.edges[codes], grid.edges[codes + 1]
    return found


def narrows(grid: Grid, atoms: Mapping[str, Array]) -> dict[str, Array]:
    """The ranges of rows that are narrower than their atom; NaN where the whole atom is meant."""
    name = grid.variable.name
    if name + LOW not in atoms or grid.edges is None:
        return {}
    low, high, codes = atoms[name + LOW].astype(float), atoms[name + HIGH].astype(float), atoms[name]
    is_whole = (low <= grid.edges[codes]) & (high >= grid.edges[codes + 1])
    return {name + LOW: np.where(is_whole, np.nan, low), name + HIGH: np.where(is_whole, np.nan, high)}


def draw_in_ranges(low: FloatArray, high: FloatArray, kind: str, rng: np.random.Generator) -> Array:
    """A uniform value in each [low, high): a whole number of an integer, `low` itself where both are the same."""
    uniform = rng.random(len(low))
    if kind == "integer":
        return (low + np.floor(uniform * (high - low))).astype(np.int64)
    # low + u (high - low) can round up to the excluded end; the next float below it is inside.
    values: FloatArray = np.where(high > low, np.minimum(low + uniform * (high - low), np.nextafter(high, low)), low)
    return values


def expected_values(
    scenario: Scenario, grids: Grids, entity: str, name: str, rows: Records, of_members: bool
) -> FloatArray:
    """What draws of each of `rows` (values of plan rows, as `plan_values` has them) average to, as members see them."""
    column = rows.column(name, of_members)
    density = grids.densities.get((entity, name))
    if density is None or grids.of(entity, name).carried:
        return column.astype(float)
    atoms = {}
    for other in (name, *(given.variable for given in density.given)):
        owner = entity if scenario.entity(entity).find(other) else scenario.root.name
        atoms[other] = grids.of(owner, other).codes(rows.column(other, of_members))
    return density.means[cells_of(density, name, atoms)]


def _values(grids: Grids, entity: Entity, atoms: Mapping[str, Array]) -> dict[str, Array]:
    values = {}
    for variable in entity.variables:
        carried = atoms.get(variable.name + CARRIED)
        values[variable.name] = (
            carried
            if carried is not None
            else grids.of(entity.name, variable.name).representatives()[atoms[variable.name]]
        )
    return values
