"""Means, totals and quantiles: what records add to them, summed without rounding errors, in any order.

A cell's mean is the mean over its records of a figure: the value of the variable, or, for a quantile, whether the
value is below the published one (a whole number v covers [v, v + 1), as published medians of ages do). Figures are
summed in fixed point: a whole number as it is, a number in steps of its range / 2**30.
"""

from collections.abc import Mapping

import numpy as np

from schemas.model import Derived, FloatArray, IntArray, MomentTable, Scenario, Variable
from synthesis.cells import CellCoder, moment_cell_ids
from synthesis.plan import expected_values
from synthesis.records import Records

STEPS = 2**30
Counts = Mapping[str, IntArray]


def count_key(name: str) -> str:
    """Where the records per cell of a moment stand among the counts."""
    return f"{name}@records"


def sum_key(name: str) -> str:
    """Where the sums of its figures stand, in fixed point."""
    return f"{name}@sum"


def no_moments(scenario: Scenario) -> dict[str, IntArray]:
    """The empty value of the merge."""
    keys = [key(moment.name) for moment in scenario.moments for key in (count_key, sum_key)]
    sizes = [moment.cells.cells for moment in scenario.moments for _ in range(2)]
    return {key: np.zeros(size, dtype=np.int64) for key, size in zip(keys, sizes, strict=True)}


def count_moments(coder: CellCoder, records: Records) -> dict[str, IntArray]:
    """Records and summed figures per cell, derived variables included."""
    scenario, found = coder.scenario, no_moments(coder.scenario)
    ids = moment_cell_ids(coder, records) if scenario.moments else {}
    for moment in scenario.moments:
        inside = np.flatnonzero(ids[moment.name] >= 0)
        flat = ids[moment.name][inside]
        values = _column(scenario, moment, records)[inside]
        np.add.at(found[count_key(moment.name)], flat, 1)
        np.add.at(found[sum_key(moment.name)], flat, _fixed(scenario, moment, flat, values))
    return found


def moment_sums(scenario: Scenario, moment: MomentTable, counts: Counts) -> tuple[FloatArray, FloatArray]:
    """Records per cell, and the sum of their figures."""
    records, sums = (counts[key(moment.name)].astype(float) for key in (count_key, sum_key))
    variable = scenario.variable(moment.cells.entity, moment.of)
    if moment.measure == "quantile":
        return records, sums / STEPS
    if variable.kind == "integer":
        return records, sums
    return records, records * variable.low + sums * ((variable.high - variable.low) / STEPS)


def figures(scenario: Scenario, moment: MomentTable, flat: IntArray, values: FloatArray) -> FloatArray:
    """What each record adds to the sum of its cell `flat`, given its value of the variable."""
    if moment.measure != "quantile":
        return values
    cut = moment.cells.target.ravel()[flat]
    if scenario.variable(moment.cells.entity, moment.of).kind == "integer":
        return np.clip(np.nan_to_num(cut) - values, 0.0, 1.0)
    below: FloatArray = (values < cut).astype(float)
    return below


def expected_figures(coder: CellCoder, moment: MomentTable, flat: IntArray, rows: Records) -> FloatArray:
    """As `figures`, for plan rows: what a draw of each adds on average. `rows` are its members where the table's are.

    Cuts of quantiles are edges of the grid: all draws of an atom are on one side.
    """
    scenario = coder.scenario
    values = _column(scenario, moment, rows)
    if moment.measure != "quantile":
        of_members = scenario.member is not None and moment.cells.entity == scenario.member.name
        values = expected_values(scenario, coder.grids, _owner(scenario, moment), moment.of, rows, of_members)
    inside = np.flatnonzero(flat >= 0)
    return figures(scenario, moment, flat[inside], values[inside])


def _column(scenario: Scenario, moment: MomentTable, records: Records) -> FloatArray:
    of_members = scenario.member is not None and moment.cells.entity == scenario.member.name
    return records.column(moment.of, of_members).astype(float)


def _owner(scenario: Scenario, moment: MomentTable) -> str:
    entity = scenario.entity(moment.cells.entity)
    return entity.name if entity.find(moment.of) else scenario.root.name


def _fixed(scenario: Scenario, moment: MomentTable, flat: IntArray, values: FloatArray) -> IntArray:
    variable: Variable | Derived = scenario.variable(moment.cells.entity, moment.of)
    if moment.measure == "quantile":
        return np.rint(figures(scenario, moment, flat, values) * STEPS).astype(np.int64)
    if variable.kind == "integer":
        return values.astype(np.int64)
    return np.rint((values - variable.low) * (STEPS / (variable.high - variable.low))).astype(np.int64)
