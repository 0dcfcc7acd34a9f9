"""Counts per target cell: taken once per batch, merged by addition in any order."""

from collections.abc import Mapping

import numpy as np

from schemas.model import IntArray, Scenario
from synthesis.cells import CellCoder, cell_ids
from synthesis.moments import count_moments, no_moments
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


def merge_counts(left: Counts, right: Counts) -> dict[str, IntArray]:
    """Counts of both: associative, commutative, `no_counts` being neutral."""
    return {name: left[name] + right[name] for name in left}


def sparse_counts(counts: Counts) -> dict[str, list[list[int]]]:
    """Counts as JSON: per table the cells that hold records, and how many."""
    cells = {name: np.flatnonzero(array) for name, array in counts.items()}
    return {name: [cells[name].tolist(), counts[name][cells[name]].tolist()] for name in counts}


def dense_counts(scenario: Scenario, stored: Mapping[str, list[list[int]]]) -> dict[str, IntArray]:
    """The counts that `sparse_counts` wrote."""
    counts = no_counts(scenario)
    for name, (cells, values) in stored.items():
        counts[name][cells] = values
    return counts
