"""Plan rows: proposals compiled to atoms. A nested plan row is a root row with the list of its member rows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from schemas.model import Entity, FloatArray, IntArray, Scenario
from synthesis.binning import Grids
from synthesis.density import cells_of, draw_values
from synthesis.evaluation import with_derived
from synthesis.records import Array, Records, concatenate

CARRIED = "="
"""Suffix of the column that holds a carried variable's exact value beside its atom."""


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
    low, high = edges[atoms], edges[atoms + 1]
    uniform = rng.random(len(atoms))
    if kind == "integer":
        return (low + np.floor(uniform * (high - low))).astype(np.int64)
    # low + u (high - low) can round up to the excluded end; the next float below it is inside.
    return np.minimum(low + uniform * (high - low), np.nextafter(high, low))


def expected_values(grids: Grids, entity: Entity, atoms: Mapping[str, Array], name: str) -> FloatArray:
    """The expected value of a numeric variable for each row of `atoms` (a member's with its root's atoms)."""
    carried = atoms.get(name + CARRIED)
    if carried is not None:
        return carried.astype(float)
    return grids.densities[entity.name, name].means[cells_in(grids, entity.name, name, atoms)]


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
