"""Drawing records from plan rows, and accepting them: vectorised, in chunks of bounded size."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from schemas.errors import BatchError
from schemas.model import Derived, Entity, IntArray, Scenario, Variable
from synthesis.binning import Grids
from synthesis.density import as_kept
from synthesis.evaluation import with_derived
from synthesis.plan import CARRIED, HIGH, LOW, Plan, cells_in, draw_in_cells, draw_in_ranges, narrows
from synthesis.proposer import first_broken_rule
from synthesis.records import Array, Records, member_rows

CHUNK_RECORDS = 250_000
KEPT_REJECTED = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """Accepted records of a chunk, each one's plan row, and what was rejected on the way.

    drawn = accepted + rejected, always; `shortfall` records were still refused after the last redraw.
    """

    records: Records
    plan_rows: IntArray
    drawn: int
    rejections: Mapping[str, int]
    shortfall: int
    rejected: Records | None = None
    rejected_rules: tuple[str, ...] = ()


def chunks(counts: IntArray, rng: np.random.Generator) -> Iterator[IntArray]:
    """Plan rows repeated by their counts, shuffled, in chunks."""
    order = rng.permutation(np.repeat(np.arange(len(counts)), counts))
    for start in range(0, len(order), CHUNK_RECORDS):
        yield order[start : start + CHUNK_RECORDS]


def draw(
    scenario: Scenario, grids: Grids, plan: Plan, plan_rows: IntArray, rng: np.random.Generator, max_redraws: int
) -> Drawn:
    """One accepted record per entry of `plan_rows`; a rejected one is drawn anew from its plan row."""
    source = _source(scenario, grids, plan)
    records = _draw(scenario, grids, source, plan_rows, rng)
    broken = first_broken_rule(scenario, scenario.rules, records)
    drawn, rejections = len(plan_rows), Counter[str]()
    kept: Records | None = None
    kept_rules: tuple[str, ...] = ()
    for _ in range(max_redraws + 1):
        bad = np.flatnonzero(broken >= 0)
        names = [scenario.rules[i].name for i in broken[bad]]
        rejections.update(names)
        if len(bad) == 0:
            break
        if kept is None:
            kept, kept_rules = records.take(bad[:KEPT_REJECTED]), tuple(names[:KEPT_REJECTED])
        if _ == max_redraws:
            fine = np.flatnonzero(broken < 0)
            return Drawn(records.take(fine), plan_rows[fine], drawn, rejections, len(bad), kept, kept_rules)
        fresh = _draw(scenario, grids, source, plan_rows[bad], rng)
        records = _replace(records, bad, fresh)
        broken[bad] = first_broken_rule(scenario, scenario.rules, fresh)
        drawn += len(bad)
    return Drawn(records, plan_rows, drawn, rejections, 0, kept, kept_rules)


def acceptance_counts(scenario: Scenario, grids: Grids, plan: Plan, rng: np.random.Generator, trials: int) -> IntArray:
    """How many of `trials` draws of each plan row are accepted."""
    source, every = _source(scenario, grids, plan), np.arange(plan.count)
    accepted = np.zeros(plan.count, dtype=np.int64)
    for _ in range(trials):
        drawn = _draw(scenario, grids, source, every, rng)
        accepted += first_broken_rule(scenario, scenario.rules, drawn) < 0
    return accepted


def check_atoms(scenario: Scenario, grids: Grids, plan: Plan, drawn: Drawn) -> None:
    """Refuse values outside the atoms of their plan row: that none is, is what counts of plan rows rest on."""
    records, atoms = drawn.records, plan.atoms
    _check_columns(grids, scenario.root, atoms.root, drawn.plan_rows, records.root)
    if scenario.member is not None and any(_is_drawn(grids, scenario.member, v) for v in scenario.member.variables):
        rows, _ = member_rows(atoms.members_per_root(), drawn.plan_rows)
        _check_columns(grids, scenario.member, atoms.members, rows, records.members)


def _check_columns(
    grids: Grids, entity: Entity, atoms: Mapping[str, Array], rows: IntArray, columns: Mapping[str, Array]
) -> None:
    for variable in entity.variables:
        edges = grids.of(entity.name, variable.name).edges
        if edges is not None and _is_drawn(grids, entity, variable):
            codes, values = atoms[variable.name][rows], columns[variable.name]
            if not ((values >= edges[codes]) & (values < edges[codes + 1])).all():
                raise BatchError(f"{entity.name}.{variable.name}: a value was drawn outside the bin of its plan row")


def _is_drawn(grids: Grids, entity: Entity, variable: Variable) -> bool:
    """Whether chance decides its values: not those of a category, of one-valued atoms, or carried by the plan row."""
    density = grids.densities.get((entity.name, variable.name))
    return not grids.of(entity.name, variable.name).carried and not (density is not None and density.is_exact)


@dataclass(frozen=True, slots=True)
class _Source:
    """What plan rows draw from: per variable the cell of its density, or the value that they carry."""

    root: Mapping[str, Array]
    members: Mapping[str, Array]
    members_per_row: IntArray


def _source(scenario: Scenario, grids: Grids, plan: Plan) -> _Source:
    atoms, member = plan.atoms, scenario.member
    root = _cells(grids, scenario.root, atoms.root)
    if member is None:
        return _Source(root, {}, atoms.members_per_root())
    needed = {
        given.variable
        for variable in member.variables
        if (density := grids.densities.get((member.name, variable.name))) is not None
        for given in density.given
    }
    seen = {name: atoms.root[name][atoms.parent] for name in sorted(needed & atoms.root.keys())}
    return _Source(root, _cells(grids, member, {**seen, **atoms.members}), atoms.members_per_root())


def _cells(grids: Grids, entity: Entity, atoms: Mapping[str, Array]) -> dict[str, Array]:
    cells = {}
    for variable in entity.variables:
        carried = variable.name + CARRIED
        if carried in atoms:
            cells[carried] = atoms[carried]
        else:
            cells[variable.name] = cells_in(grids, entity.name, variable.name, atoms)
            cells.update(narrows(grids.of(entity.name, variable.name), atoms))
    return cells


def _draw(scenario: Scenario, grids: Grids, source: _Source, plan_rows: IntArray, rng: np.random.Generator) -> Records:
    root = _columns(scenario.root, grids, source.root, plan_rows, rng)
    if scenario.member is None:
        return with_derived(scenario, Records(len(plan_rows), root))
    rows, parent = member_rows(source.members_per_row, plan_rows)
    members = _columns(scenario.member, grids, source.members, rows, rng)
    return with_derived(scenario, Records(len(plan_rows), root, members, parent))


def _columns(
    entity: Entity, grids: Grids, source: Mapping[str, Array], rows: IntArray, rng: np.random.Generator
) -> dict[str, Array]:
    columns = {}
    for variable in entity.variables:
        name = variable.name
        carried = source.get(name + CARRIED)
        if carried is not None:
            columns[name] = carried[rows]
            continue
        drawn = draw_in_cells(grids, entity.name, name, source[name][rows], rng)
        if name + LOW in source:
            drawn = _narrowed(variable, drawn, source[name + LOW][rows], source[name + HIGH][rows], rng)
            density = grids.densities.get((entity.name, name))
            if density is not None and density.is_single:
                cells = source[name][rows].astype(np.int64, copy=False)
                drawn = as_kept(density, drawn.astype(np.float64, copy=False), cells)
        columns[name] = drawn
    return columns


def _narrowed(variable: Variable | Derived, drawn: Array, low: Array, high: Array, rng: np.random.Generator) -> Array:
    """The values with those of narrowed ranges drawn anew, evenly: what a proposer says goes before a density."""
    own = np.flatnonzero(~np.isnan(low))
    if len(own) == 0:
        return drawn
    values = drawn.copy()
    values[own] = draw_in_ranges(low[own].astype(float), high[own].astype(float), variable.kind, rng)
    return values


def _replace(records: Records, rows: IntArray, fresh: Records) -> Records:
    """The records with those in `rows` replaced by `fresh` (each lists as many members as before)."""
    is_replaced = np.zeros(records.count, dtype=bool)
    is_replaced[rows] = True
    slots = np.flatnonzero(is_replaced[records.parent]) if records.members else np.zeros(0, dtype=np.int64)
    root = {name: _put(column, rows, fresh.root[name]) for name, column in records.root.items()}
    members = {name: _put(column, slots, fresh.members[name]) for name, column in records.members.items()}
    return Records(records.count, root, members, records.parent)


def _put(column: Array, rows: IntArray, values: Array) -> Array:
    changed = column.copy()
    changed[rows] = values
    return changed
