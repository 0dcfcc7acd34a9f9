"""What an update touches, and what it aims at there: targets that moved, and elsewhere what the records hold."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from schemas.model import BoolArray, FloatArray, Scenario
from synthesis.aggregates import ZONE_SIZES, Counts
from synthesis.aims import Aims
from synthesis.cells import unit_of_zones
from synthesis.discrepancy import TableDiscrepancy, discrepancies
from synthesis.moment_fit import moment_fits
from synthesis.units import UnitCut

Missed = Mapping[str, BoolArray]
"""Per table, for each of its zones, whether the records miss a target of it that has moved."""
SAME = 1e-9


def moved_targets(before: Scenario, after: Scenario, old: Aims, new: Aims, counts: Counts) -> Missed:
    """Tables and zones whose targets (or tolerances) moved such that the records there no longer meet them.

    What was missed before and has not moved is left as it is: no change of the targets asks for another try.
    """
    found = {}
    then = {part.table.name: part for part in discrepancies(before, old, counts)}
    for part in discrepancies(after, new, counts):
        name = part.table.name
        is_met, was_met = _all_met(part.within), _all_met(then[name].within)
        found[name] = ~is_met & (was_met | _has_moved(old, new, name, len(is_met)))
    met_then = {fit.moment.name: _all_met(fit.within) for fit in moment_fits(before, old, counts)}
    for fit in moment_fits(after, new, counts):
        name, is_met = fit.moment.name, _all_met(fit.within)
        found[name] = ~is_met & (met_then[name] | _has_moved(old, new, name, len(is_met)))
    return found


def touched_units(scenario: Scenario, cut: UnitCut, aims: Aims, counts: Counts, missed: Missed) -> tuple[int, ...]:
    """The units, by index, whose inner tables or numbers of records no longer hold."""
    zone_missed = np.asarray(aims.zone_sizes != counts[ZONE_SIZES])
    inner = [table for table in scenario.tables if table.name not in cut.outer]
    inner += [moment.cells for moment in scenario.moments if moment.name not in cut.unbound]
    for table in inner:
        zone_missed |= missed[table.name][unit_of_zones(scenario, table)]
    return tuple(unit.index for unit in cut.units if zone_missed[unit.zone_array].any())


def outer_units(scenario: Scenario, cut: UnitCut, missed: Missed) -> tuple[int, ...]:
    """The units that lie where a table that reaches beyond units is missed."""
    zone_missed = np.zeros(sum(len(unit.zones) for unit in cut.units), dtype=bool)
    for table in scenario.tables:
        if table.name in cut.outer:
            zone_missed |= missed[table.name][unit_of_zones(scenario, table)]
    return tuple(unit.index for unit in cut.units if zone_missed[unit.zone_array].any())


def unit_growth(cut: UnitCut, aims: Aims, counts: Counts) -> FloatArray:
    """How many times as many records each unit is to hold; 1 where it holds none."""
    new, old = (np.array([sizes[unit.zone_array].sum() for unit in cut.units], dtype=float)
                for sizes in (aims.zone_sizes, counts[ZONE_SIZES]))  # fmt: skip
    return np.divide(new, old, out=np.ones(len(new)), where=old > 0)


def retained_aims(scenario: Scenario, aims: Aims, counts: Counts, missed: Missed) -> Aims:
    """The aims, but what the records hold wherever that is still as wanted: nothing is changed for a better fit."""
    targets = dict(aims.targets)
    sizes_changed = aims.zone_sizes != counts[ZONE_SIZES]
    for part in discrepancies(scenario, aims, counts):
        table = part.table
        is_kept = np.asarray(~missed[table.name])
        if table.entity == scenario.root.name and table.universe is None and table.binds == "count":
            resized = np.zeros(table.units, dtype=bool)
            resized[unit_of_zones(scenario, table)[sizes_changed]] = True
            is_kept &= ~resized  # everybody is in it: it has to add up to the new number of records
        aim = targets[table.name].reshape(part.synthetic.shape)
        targets[table.name] = np.where(is_kept[:, None], _held(part, aim), aim).ravel()
    return replace(aims, targets=targets)


def _held(part: TableDiscrepancy, aim: FloatArray) -> FloatArray:
    """What the records hold, in the table's own terms."""
    if part.table.binds != "share":
        return part.synthetic
    totals = part.synthetic.sum(axis=1, keepdims=True)
    return np.divide(part.synthetic, totals, out=aim.copy(), where=totals > 0)


def _all_met(within: BoolArray) -> BoolArray:
    met: BoolArray = np.asarray(within.all(axis=1))
    return met


def _has_moved(old: Aims, new: Aims, name: str, units: int) -> BoolArray:
    left, right = (np.nan_to_num(aims.targets[name]).reshape(units, -1) for aims in (old, new))
    return np.logical_not(_all_met(np.abs(left - right) <= SAME * np.maximum(np.abs(left), 1.0)))
