"""Tables that count a part of everybody by the very variable that tells who is in it (students by type of housing).

What they leave uncounted is everybody minus the counts. With that filled in, such a table says how frequent each class
is, those it does not count included, and candidates can be drawn from it like from any other.
"""

from dataclasses import replace

import numpy as np

from schemas.model import BoolArray, FloatArray
from synthesis.aims import base_table
from synthesis.cells import CellCoder, TableCells, unit_of_zones
from synthesis.evaluation import columns, holds
from synthesis.records import Records

LEAST_UNCOUNTED_SHARE = 0.01
"""Of everybody, where the counts leave fewer uncounted: how many there are is only expected."""


def expected_records(coder: CellCoder, entity: str) -> FloatArray | None:
    """Records of an entity that each zone is expected to have; None where no table tells how many roots there are."""
    scenario, base = coder.scenario, base_table(coder.scenario)
    if base is None:
        return None
    roots = base.target.reshape(base.units, -1).sum(axis=1)
    return roots if entity == scenario.root.name else roots * _listed_per_root(coder)


def completed(coder: CellCoder, cells: TableCells, everybody: FloatArray | None) -> TableCells:
    """The table with what it does not count filled in, `everybody` by zone; as it is where it is no such table."""
    inside = _counted_bins(coder, cells)
    if inside is None or everybody is None:
        return cells
    table, key = cells.table, cells.keys[0]
    expected = np.bincount(unit_of_zones(coder.scenario, table), weights=everybody, minlength=table.units)
    uncounted = np.maximum(expected - table.target[:, inside].sum(axis=1), LEAST_UNCOUNTED_SHARE * expected)
    weights = np.bincount(cells.lookups[0][:-1], weights=coder.grids.base_density(*key), minlength=len(inside))
    filled = table.target.copy()
    outside = weights[~inside] if weights[~inside].sum() > 0 else np.ones(int((~inside).sum()))
    filled[:, ~inside] = uncounted[:, None] * (outside / outside.sum())
    return replace(cells, table=replace(table, target=filled, universe=None))


def _listed_per_root(coder: CellCoder) -> FloatArray:
    """Members that a root record lists on average, by zone: by a table of their number, or by its prior weights."""
    scenario = coder.scenario
    member, root = scenario.member, scenario.root.name
    assert member is not None
    assert member.count is not None
    density = coder.grids.base_density(root, member.count)
    values = coder.grids.of(root, member.count).representatives().astype(float)
    overall = np.full(_zone_count(coder), float(density @ values))
    cells = next((cells for cells in coder.tables if _tells_all(cells, (root, member.count))), None)
    if cells is None:
        return overall
    axis = cells.keys.index((root, member.count))
    lookup, size = cells.lookups[axis][:-1], len(cells.table.axes[axis])
    mass, sums = (np.bincount(lookup, weights=w, minlength=size) for w in (density, density * values))
    others = tuple(i for i in range(1, cells.table.target.ndim) if i != axis + 1)
    margin = cells.table.target.sum(axis=others)
    totals = margin.sum(axis=1)
    listed = margin @ np.divide(sums, mass, out=np.zeros(size), where=mass > 0)
    units = unit_of_zones(scenario, cells.table)
    return np.divide(listed[units], totals[units], out=overall, where=totals[units] > 0)


def _tells_all(cells: TableCells, key: tuple[str, str]) -> bool:
    """Whether a table of root records counts all of them by a variable."""
    if key not in cells.keys or cells.table.entity != key[0] or cells.table.universe is not None:
        return False
    return bool((cells.lookups[cells.keys.index(key)][:-1] >= 0).all())


def _zone_count(coder: CellCoder) -> int:
    zones = coder.scenario.zones
    return 1 if zones is None else len(zones.lookup[zones.variable])


def _counted_bins(coder: CellCoder, cells: TableCells) -> BoolArray | None:
    """The bins that the table counts, if its universe is some of the classes of its only variable."""
    table = cells.table
    if table.universe is None or table.measure != "count" or len(table.axes) != 1:
        return None
    key, lookup = cells.keys[0], cells.lookups[0][:-1]
    if key[0] != table.entity or {(c.entity, c.variable) for c in columns(table.universe)} != {key}:
        return None
    values = coder.grids.of(*key).representatives()
    holding = holds(table.universe, Records(len(values), {key[1]: values}), False)
    inside: BoolArray = np.bincount(lookup[lookup >= 0], weights=holding[lookup >= 0], minlength=len(table.axes[0])) > 0
    return None if (lookup < 0).any() or inside.all() else inside
