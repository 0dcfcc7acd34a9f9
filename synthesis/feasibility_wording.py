"""Findings in words: what contradicts what, by how much, where most, and what a run does about it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.finding import CellPlace, Finding
from schemas.model import FloatArray, Scenario, TargetTable
from synthesis.components import View
from synthesis.discrepancy import cell_name
from synthesis.feasibility_overlaps import Overlap
from synthesis.feasibility_pairs import Overfull
from synthesis.feasibility_reach import ReachGap
from synthesis.feasibility_totals import Multiples, TotalGap
from synthesis.feasibility_universes import UniverseGap
from synthesis.levels import level_size, mapping, unit_label
from synthesis.policies import POLICIES, policy_of_cells, policy_of_totals

NAMED_CELLS = 5
WORTH_A_HINT = 0.005
"""Share of a deficit below which no universe is suggested for it."""


def tell_total(scenario: Scenario, gap: TotalGap) -> Finding:
    """A table that counts more or fewer than its entity's reference."""
    table, difference = table_of(scenario, gap.table), gap.total - gap.reference_total
    what = (
        f"{gap.table} counts {gap.total:,.0f} {table.entity} records, {gap.reference} {gap.reference_total:,.0f}: "
        f"{abs(difference):,.0f} {_more(difference)} ({abs(difference) / max(gap.reference_total, 1):.1%})"
    )
    if abs(difference) < 0.5:
        what = f"{gap.table} and {gap.reference} count the same in all, but not in every zone"
    if gap.holder is not None:
        what += f"; the excess goes with {cell_name(table, gap.holder)}: is a class counted twice in it?"
    if gap.fits is not None and -difference > WORTH_A_HINT * gap.reference_total:
        what += f"; by {gap.fits[0]} as many have {gap.fits[1]:.1f} or more: does it count everybody?"
    where = _where(scenario, gap.gap, gap.variance, gap.level)
    cells = () if gap.holder is None else (gap.holder,)
    places = _places(scenario, where, {gap.table: cells, gap.reference: ()})
    return _finding("total", (gap.reference, gap.table), what, policy_of_totals(scenario, table), where, places)


def tell_universe(scenario: Scenario, gap: UniverseGap) -> Finding:
    """A table whose universe has another number of records by another table."""
    table, low, high = table_of(scenario, gap.table), float(gap.low.sum()), float(gap.high.sum())
    has = f"{low:,.0f}" if high - low < 0.5 else f"{low:,.0f} to {high:,.0f}"
    about = "" if gap.expected is None else f", about {gap.expected:,.0f} if classes cut by it are spread evenly"
    what = (
        f"{gap.table} counts {gap.total.sum():,.0f} {table.entity} records, but by {gap.other} its universe "
        f"({table.universe_text}) has {has}{about}"
    )
    where = _where(scenario, gap.outside, gap.variance, gap.level)
    if gap.expected is not None:
        off = abs(float(gap.total.sum()) - gap.expected)
        impossible = f"{where['records']:,.0f} beyond what is possible in {_share(where)}" if where["zones"] else ""
        what += f"; {impossible}" if impossible else ""
        where |= {"records": off, "standard_errors": _in_errors(off, float(gap.variance.sum()))}
    places = _places(scenario, where, {gap.table: (), gap.other: ()})
    return _finding("universe", (gap.other, gap.table), what, policy_of_totals(scenario, table), where, places)


def tell_reach(scenario: Scenario, gap: ReachGap) -> Finding:
    """Members that the root records cannot list."""
    member, root = table_of(scenario, gap.member_table), table_of(scenario, gap.root_table)
    over, under = (gap.outside > 0).sum(), (gap.outside < 0).sum()
    side = "more and elsewhere fewer" if over and under else "more" if over else "fewer"
    whom = f"{member.entity} records" + (f" with {_named(member, gap.cells)}" if gap.cells else "")
    what = f"by {gap.member_table} there are {side} {whom} than the {root.entity} records of {gap.root_table} can list"
    if not gap.cells and over:
        what += f" (does it count some who live in no {root.entity}, as in group quarters?)"
    if gap.implied is not None and gap.open_cell is not None:
        what += f"; over all, {cell_name(root, gap.open_cell)} would list {gap.implied:.2f} on average"
    where = _where(scenario, gap.outside, gap.variance, gap.level)
    places = _places(scenario, where, {gap.member_table: gap.cells, gap.root_table: ()})
    tables = (gap.root_table, gap.member_table)
    return _finding("reach", tables, what, policy_of_totals(scenario, member), where, places)


def tell_overfull(scenario: Scenario, views: Mapping[str, View], found: Overfull) -> Finding:
    """Cells that no record can fall into, or that need others which count fewer."""
    table, cells = table_of(scenario, found.table), _named_view(views[found.table], found.cells)
    where = _where(scenario, found.excess, found.variance, found.level)
    of_cells = {found.table: found.cells if views[found.table].is_whole else ()}
    if found.other is None:
        what = f"{found.table} counts records with {cells}, which rules or definitions forbid"
        places = _places(scenario, where, of_cells)
        return _finding("forbidden", (found.table,), what, policy_of_cells(scenario, [table]), where, places)
    other = views[found.other]
    what = (
        f"{found.table} counts more records with {cells} than {found.other} counts with "
        f"{_named_view(other, found.needed)}, where they have to be"
    )
    if not found.needed:
        what = f"{found.table} counts records with {cells}, for whom {found.other} has no cell"
    places = _places(scenario, where, of_cells | {found.other: found.needed if other.is_whole else ()})
    policy = policy_of_cells(scenario, [table, other.table])
    return _finding("contradiction", (found.table, found.other), what, policy, where, places)


def tell_overlap(scenario: Scenario, found: Overlap) -> Finding:
    """Categories that add up although they overlap."""
    inside, around = table_of(scenario, found.inside), table_of(scenario, found.around)
    how = "all of it also" if found.is_contained else "some of it also"
    what = (
        f"{', '.join(found.tables)} add up to all {inside.entity} records, so they were counted as exclusive; but "
        f"{found.inside} ({inside.universe_text}) lies, {how}, in {found.around} ({around.universe_text}), "
        f"which is short of it"
    )
    where = _where(scenario, found.excess, found.variance, found.level)
    policy = policy_of_cells(scenario, [table_of(scenario, name) for name in found.tables])
    places = _places(scenario, where, dict.fromkeys(found.tables, ()))
    return _finding("overlap", found.tables, what, policy, where, places)


def tell_set(
    scenario: Scenario, tables: tuple[str, ...], level: str | None, size: FloatArray, examined: int
) -> Finding:
    """A smallest set of tables that cannot be met together; `size` per unit, zero where not examined."""
    what = f"{', '.join(tables)} cannot be met together, though any of them but one can"
    if len(tables) == 1:
        what = f"{tables[0]} cannot be met by any records that obey the rules"
    where = _where(scenario, size, np.full(len(size), np.nan), level)
    if examined < len(size):
        what += f" (examined: the {examined:,} of {len(size):,} {level} with the largest findings)"
    policy = policy_of_cells(scenario, [table_of(scenario, name) for name in tables])
    places = _places(scenario, where, dict.fromkeys(tables, ()))
    return _finding("contradiction", tables, what, policy, where, places)


def tell_multiples(scenario: Scenario, found: Multiples) -> Finding:
    """Counts that are all multiples of a number."""
    table = table_of(scenario, found.table)
    if found.cell is None:
        what = f"all {found.counts} counts of {found.table} are multiples of {found.factor}, as if rounded"
        return Finding("multiples", "noted", (found.table,), what, places=(CellPlace(found.table, (0,)),))
    cell = cell_name(table, found.cell)
    what = (
        f"all {found.counts} counts of {cell} in {found.table} are multiples of {found.factor}, other counts are not: "
        "are parent rows summed with their children?"
    )
    worst = int(np.argmax(table.target.reshape(table.units, -1)[:, found.cell]))
    records, place = found.total * (1 - 1 / found.factor), CellPlace(table.name, (worst,), (found.cell,))
    return Finding("multiples", "noted", (found.table,), what, records=records, zone_level=table.zone_level,
                   zones=found.counts, zones_total=table.units, places=(place,))  # fmt: skip


def table_of(scenario: Scenario, name: str) -> TargetTable:
    """The table called `name`."""
    return next(table for table in scenario.tables if table.name == name)


def _finding(
    kind: Any, tables: tuple[str, ...], what: str, policy: tuple[str, Any], where: dict[str, Any], places: Any
) -> Finding:
    spread = {name: value for name, value in where.items() if name != "unit"}
    return Finding(kind, policy[1], tables, what, policy[0], POLICIES[policy[0]], places=places, **spread)


def _where(scenario: Scenario, size: FloatArray, variance: FloatArray, level: str | None) -> dict[str, Any]:
    """Magnitude over the affected units, in records and standard errors, and where it is worst."""
    affected = np.abs(size) > 0.5
    worst = int(np.argmax(np.abs(size)))
    records = float(np.abs(size)[affected].sum())
    return {
        "records": records,
        "standard_errors": _in_errors(records, float(variance[affected].sum())) if affected.any() else None,
        "zone_level": level,
        "zones": int(affected.sum()),
        "zones_total": level_size(scenario, level),
        "worst_zone": unit_label(scenario, level, worst),
        "worst_records": float(abs(size[worst])),
        "unit": worst,
    }


def _places(
    scenario: Scenario, where: Mapping[str, Any], cells: Mapping[str, tuple[int, ...]]
) -> tuple[CellPlace, ...]:
    """The cells of each table within the worst unit."""
    found = []
    for name, wanted in cells.items():
        table = table_of(scenario, name)
        units = mapping(scenario, table.zone_level, where["zone_level"])
        inside = np.flatnonzero(units == where["unit"]) if units is not None else np.zeros(1, dtype=np.int64)
        wanted = tuple(cell for cell in wanted if cell < table.unit_cells)
        found.append(CellPlace(name, tuple(inside.tolist()), wanted))
    return tuple(found)


def _in_errors(records: float, variance: float) -> float | None:
    return records / math.sqrt(variance) if math.isfinite(variance) and variance > 0 else None


def _more(difference: float) -> str:
    return "more" if difference > 0 else "fewer"


def _share(where: Mapping[str, Any]) -> str:
    level = where["zone_level"]
    return f"{where['zones']:,} of {where['zones_total']:,} {level}" if level else "the whole"


def _named(table: TargetTable, cells: Sequence[int]) -> str:
    labels = [cell_name(table, cell) for cell in cells[:NAMED_CELLS]]
    if len(table.axes) == 1:
        labels = [labels[0], *(label.partition("=")[2] for label in labels[1:])]
    more = len(cells) - NAMED_CELLS
    return " or ".join(labels) + (f" or {more} more" if more > 0 else "")


def _named_view(view: View, cells: Sequence[int]) -> str:
    """Cells of a view; the cell after its last is the outside of the universe."""
    shape = tuple(len(view.table.axes[i]) for i in view.kept)
    inside = [cell for cell in cells if cell < int(np.prod(shape))]
    if view.is_whole:
        text = _named(view.table, inside) if inside else ""
    else:
        names = [view.table.axes[i] for i in view.kept]
        labels = [
            ", ".join(f"{a.variable}={a.labels[b]}" for a, b in zip(names, np.unravel_index(c, shape), strict=True))
            for c in inside[:NAMED_CELLS]
        ]
        text = " or ".join(labels) + (f" or {len(inside) - NAMED_CELLS} more" if len(inside) > NAMED_CELLS else "")
    outside = f"outside {view.table.universe_text}" if len(inside) < len(cells) else ""
    return " or ".join(part for part in (text, outside) if part)
