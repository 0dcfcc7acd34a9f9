"""Sampling along a chain of tables, vectorised over rows; rules that can be judged are, by redrawing."""

from collections.abc import Sequence

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray, Rule
from synthesis.cells import CellCoder, unit_of_zones
from synthesis.chain import Chain, Link
from synthesis.density import cells_of
from synthesis.evaluation import columns, holds, obeys
from synthesis.plan import draw_in_cells
from synthesis.records import Array, Records

UNSET = -1
STEP_REDRAWS = 25

Codes = dict[str, IntArray]


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
            rows = rows[~_obeyed(coder, chain.entity, link.rules, codes, rows, rng)]
    return codes


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
        codes[name][rows] = _draw_atoms(density, 0, 0, density.shape[1], rng.random(len(rows)))
        return
    rows, group, bins_known = _rows_in_table(coder, chain.entity, link, codes, rows, zone_of_row, rng)
    weights, shape = _conditional(link, flat)
    picked, supported = _draw_bins(weights, group * bins_known[1] + bins_known[0], rng.random(len(rows)))
    rows, picked = rows[supported], picked[supported]
    bins = np.unravel_index(picked, shape)
    for axis, name, its_bins in zip(link.new, link.variables, bins, strict=True):
        if coder.grids.of(*link.cells.keys[axis]).edges is None:
            codes[name][rows] = its_bins
        else:
            curve = _curves(coder, chain.entity, name, codes, rows)
            codes[name][rows] = _expand(link.cells.lookups[axis], chain.densities[name], curve, its_bins, rng)


def _rows_in_table(
    coder: CellCoder,
    entity: str,
    link: Link,
    codes: Codes,
    rows: IntArray,
    zone_of_row: IntArray,
    rng: np.random.Generator,
) -> tuple[IntArray, IntArray, tuple[IntArray, int]]:
    """The rows inside the table's universe and known axes, their unit, and their flat known cell (and its number)."""
    assert link.cells is not None
    table = link.cells.table
    inside = np.ones(len(rows), dtype=bool)
    if table.universe is not None:
        used = {column.variable for column in columns(table.universe)}
        inside &= _are_set(codes, used, rows)
        inside &= holds(table.universe, _view(coder, entity, used, codes, rows, rng), False)
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


def _draw_bins(weights: FloatArray, group: IntArray, uniform: FloatArray) -> tuple[IntArray, BoolArray]:
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


def _curves(coder: CellCoder, entity: str, name: str, codes: Codes, rows: IntArray) -> IntArray:
    """The curve of the variable's density that each row follows, as far as the atoms set so far select one."""
    density = coder.grids.densities[entity, name]
    atoms = {given.variable: codes[given.variable][rows] for given in density.given if given.variable in codes}
    return cells_of(density, name, {**atoms, name: np.zeros(len(rows), dtype=np.int64)}) // density.atoms


def _expand(
    lookup: IntArray, density: FloatArray, curve: IntArray, bins: IntArray, rng: np.random.Generator
) -> IntArray:
    """An atom inside each bin, drawn by the variable's density (atoms of a bin are consecutive)."""
    atoms = lookup[:-1]
    order = np.arange(bins.max(initial=-1) + 1)
    inside = np.flatnonzero(atoms >= 0)
    first = inside[np.searchsorted(atoms[inside], order)]
    last = inside[np.searchsorted(atoms[inside], order, side="right") - 1] + 1
    return _draw_atoms(density, curve, first[bins], last[bins], rng.random(len(bins)))


def _draw_atoms(
    density: FloatArray, curve: IntArray | int, first: IntArray | int, last: IntArray | int, uniform: FloatArray
) -> IntArray:
    """Atoms in [first, last) with probability proportional to the density's curve (uniform where it has no mass)."""
    cumulative = np.concatenate(([0.0], np.cumsum(density)))
    start = np.asarray(curve) * density.shape[1]
    low, high = cumulative[start + first], cumulative[start + last]
    drawn = np.searchsorted(cumulative, low + uniform * (high - low), side="right") - 1 - start
    even = first + np.floor(uniform * (np.asarray(last) - first)).astype(np.int64)
    return np.clip(np.where(high > low, drawn, even), first, np.asarray(last) - 1)


def _obeyed(
    coder: CellCoder, entity: str, rules: Sequence[Rule], codes: Codes, rows: IntArray, rng: np.random.Generator
) -> BoolArray:
    """Whether each row obeys the rules; rows with an unset variable pass for now.

    A rule that exact values decide is judged by values drawn from the atoms: rows stay as often as draws will obey it.
    """
    fine = np.ones(len(rows), dtype=bool)
    for rule in rules:
        used = {c.variable for node in (rule.when, rule.then) if node is not None for c in columns(node)}
        fine &= ~_are_set(codes, used, rows) | obeys(rule, _view(coder, entity, used, codes, rows, rng), False)
    return fine


def _are_set(codes: Codes, names: set[str], rows: IntArray) -> BoolArray:
    are_set = np.ones(len(rows), dtype=bool)
    for name in names:
        are_set &= codes[name][rows] != UNSET
    return are_set


def _view(
    coder: CellCoder, entity: str, names: set[str], codes: Codes, rows: IntArray, rng: np.random.Generator
) -> Records:
    """Values inside the rows' atoms as if they were root records (member rows see root columns broadcast)."""
    scenario = coder.scenario
    root: dict[str, Array] = {}
    for name in sorted(names):
        owner = entity if scenario.entity(entity).find(name) else scenario.root.name
        root[name] = draw_in_cells(coder.grids, owner, name, np.maximum(codes[name][rows], 0), rng)
    return Records(len(rows), root)
