"""Counts per target cell: taken once per batch, merged by addition in any order."""

from collections.abc import Iterable, Mapping

import numpy as np

from schemas.model import IntArray, Scenario
from synthesis.cells import CellCoder, cell_ids
from synthesis.moments import count_moments, no_moments
from synthesis.plan import Plan, plan_values
from synthesis.records import Records

ZONE_SIZES = "@zones"
"""Key of the root records per zone, kept beside the tables' counts."""

Counts = Mapping[str, IntArray]


def no_counts(scenario: Scenario) -> dict[str, IntArray]:
    """The empty value of the merge."""
    zones = 1 if scenario.zones is None else len(scenario.zones.lookup[scenario.zones.variable])
    tables = (*scenario.tables, *scenario.held_out)
    counts = {table.name: np.zeros(table.cells, dtype=np.int64) for table in tables}
    return {**counts, **no_moments(scenario), ZONE_SIZES: np.zeros(zones, dtype=np.int64)}


def count_records(coder: CellCoder, records: Records) -> dict[str, IntArray]:
    """Counts of the records (derived variables included) in every table, held out or not, and per zone."""
    scenario = coder.scenario
    counts = {}
    ids = cell_ids(coder, records) | (cell_ids(coder.held_out, records) if coder.held_out else {})
    for table in (*scenario.tables, *scenario.held_out):
        # One more bin takes the -1 of records outside the table.
        counts[table.name] = np.bincount(ids[table.name] + 1, minlength=table.cells + 1)[1:]
    counts |= count_moments(coder, records)
    if scenario.zones is None:
        counts[ZONE_SIZES] = np.array([records.count])
    else:
        zones = len(scenario.zones.lookup[scenario.zones.variable])
        counts[ZONE_SIZES] = np.bincount(records.root[scenario.zones.variable], minlength=zones)
    return counts


def count_plan_rows(coder: CellCoder, plan: Plan, of_rows: IntArray) -> dict[str, IntArray]:
    """Counts of so many records of each plan row, in every table and per zone; moments are zero.

    A table sees all draws of a plan row alike, as long as they lie within its atoms (`sampling.check_atoms`): counting
    rows gives what counting their records would, at a cost that does not grow with them.
    """
    scenario, used = coder.scenario, np.flatnonzero(of_rows)
    counts, rows, of_used = no_counts(scenario), plan.take(used), of_rows[used]
    values = plan_values(scenario, coder.grids, rows)
    ids = cell_ids(coder, values)
    for table in scenario.tables:
        weights = of_used if table.entity == scenario.root.name else of_used[values.parent]
        counts[table.name] = _weighted(ids[table.name] + 1, weights, table.cells + 1)[1:]
    zones = None if scenario.zones is None else values.root[scenario.zones.variable].astype(np.int64)
    counts[ZONE_SIZES] = (
        np.array([of_used.sum()]) if zones is None else _weighted(zones, of_used, len(counts[ZONE_SIZES]))
    )
    return counts


def count_drawn(coder: CellCoder, records: Records) -> dict[str, IntArray]:
    """What `count_plan_rows` cannot know of the records: sums of values, and tables held out with bins of their own."""
    counts = no_counts(coder.scenario) | count_moments(coder, records)
    if coder.held_out is not None:
        ids = cell_ids(coder.held_out, records)
        for table in coder.scenario.held_out:
            counts[table.name] = np.bincount(ids[table.name] + 1, minlength=table.cells + 1)[1:]
    return counts


def _weighted(cells: IntArray, weights: IntArray, size: int) -> IntArray:
    """Sums of whole numbers by cell; exact, for they stay far below 2**53."""
    return np.bincount(cells, weights=weights, minlength=size).astype(np.int64)


def merge_counts(left: Counts, right: Counts) -> dict[str, IntArray]:
    """Counts of both: associative, commutative, `no_counts` being neutral."""
    return {name: left[name] + right[name] for name in left}


def sparse_counts(counts: Counts) -> dict[str, list[list[int]]]:
    """Counts as JSON: per table the cells that hold records, and how many."""
    cells = {name: np.flatnonzero(array) for name, array in counts.items()}
    return {name: [cells[name].tolist(), counts[name][cells[name]].tolist()] for name in counts}


def with_stored(counts: Counts, stored: Iterable[Mapping[str, list[list[int]]]]) -> dict[str, IntArray]:
    """The counts with those of batches added, as `sparse_counts` wrote them: each costs what its own cells do."""
    total = {name: array.copy() for name, array in counts.items()}
    for of_batch in stored:
        for name, (cells, values) in of_batch.items():
            total[name][cells] += np.array(values, dtype=np.int64)
    return total


def dense_counts(scenario: Scenario, stored: Mapping[str, list[list[int]]]) -> dict[str, IntArray]:
    """The counts that `sparse_counts` wrote."""
    counts = no_counts(scenario)
    for name, (cells, values) in stored.items():
        counts[name][cells] = values
    return counts
