"""Strata of a unit too large for one batch: consecutive plan rows along its largest joint table."""

import numpy as np

from schemas.model import IntArray
from synthesis.cells import CellCoder, cell_ids
from synthesis.plan import Plan, plan_values


def joint_order(coder: CellCoder, plan: Plan) -> IntArray:
    """Plan rows in the order of the cells of the root's largest joint (ties keep their order)."""
    scenario = coder.scenario
    tables = [table for table in scenario.tables if table.entity == scenario.root.name]
    if not tables:
        return np.arange(plan.count)
    largest = max(tables, key=lambda table: (len(table.axes), table.unit_cells))
    ids = cell_ids(coder, plan_values(scenario, coder.grids, plan))[largest.name]
    return np.argsort(ids, kind="stable")


def stratum_counts(counts: IntArray, stratum: int, strata: int) -> IntArray:
    """The part of every plan row's records that belongs to a stratum: equal slices of the records in plan order."""
    total = int(counts.sum())
    low, high = total * stratum // strata, total * (stratum + 1) // strata
    ends = np.cumsum(counts)
    inside: IntArray = np.clip(ends, low, high) - np.clip(ends - counts, low, high)
    return inside
