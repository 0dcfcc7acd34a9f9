"""Means, totals and quantiles in the linear system of an allocation.

A mean m of a cell is met if the figures of its records, each less m, sum to zero: linear in the allocation. Figures
are divided by their typical size, so that a record adds about as much to a moment as to a count.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.model import MARGIN_OF_ERROR_Z, FloatArray, IntArray, MomentTable
from synthesis.aims import Aims
from synthesis.cells import CellCoder, moment_cell_ids
from synthesis.moments import expected_figures, moment_sums
from synthesis.records import Records


@dataclass(frozen=True, slots=True)
class MomentEntries:
    """Entries of the matrix (plan row, cell, figure); per cell what is aimed at, what is committed, and its error."""

    row: IntArray
    cell: IntArray
    figure: FloatArray
    aim: FloatArray
    committed: FloatArray
    error: FloatArray

    def between(self, first: int, last: int) -> "MomentEntries":
        """Those of the cells [first, last), which then count from 0."""
        inside = np.flatnonzero((self.cell >= first) & (self.cell < last))
        part = slice(first, last)
        return MomentEntries(
            self.row[inside],
            self.cell[inside] - first,
            self.figure[inside],
            self.aim[part],
            self.committed[part],
            self.error[part],
        )


def moment_entries(
    coder: CellCoder,
    values: Records,
    zones: IntArray,
    aims: Aims,
    committed: Mapping[str, IntArray],
    fraction: float,
) -> list[MomentEntries]:
    """The entries of every moment of the scenario, for plan rows of the `zones` with these `values`."""
    scenario, found = coder.scenario, []
    ids = moment_cell_ids(coder, values) if scenario.moments else {}
    records_per_row = float(aims.zone_sizes[zones].sum()) / max(values.count, 1)
    for moment in scenario.moments:
        aim = aims.targets[moment.name]
        is_bound = np.isfinite(aim)
        flat = np.where(np.append(is_bound, False)[ids[moment.name]], ids[moment.name], -1)  # -1 reads the last
        cell = flat[flat >= 0]
        middle = np.zeros(len(aim)) if moment.measure == "total" else np.nan_to_num(aim)
        figure = expected_figures(coder, moment, flat, values) - middle[cell]
        size = float(np.sqrt(np.mean(figure**2))) if figure.any() else 1.0
        records, sums = moment_sums(scenario, moment, committed)
        wanted = np.nan_to_num(aim) * fraction if moment.measure == "total" else np.zeros(len(aim))
        found.append(
            MomentEntries(
                _row(coder, moment, values, flat),
                cell,
                figure / size,
                wanted / size,
                np.where(is_bound, sums - middle * records, 0.0) / size,
                _errors(moment, np.bincount(cell, minlength=len(aim)).astype(float) * records_per_row) / size,
            )
        )
    return found


def _row(coder: CellCoder, moment: MomentTable, values: Records, flat: IntArray) -> IntArray:
    inside, member = np.flatnonzero(flat >= 0), coder.scenario.member
    return values.parent[inside] if member is not None and moment.cells.entity == member.name else inside


def _errors(moment: MomentTable, records: FloatArray) -> FloatArray:
    """Standard errors of a moment's sums; that of a mean counts for each of the `records` that its cell will hold."""
    moe = moment.cells.moe
    if moe is None or moment.measure == "quantile":
        return np.full(moment.cells.cells, np.nan)
    error: FloatArray = moe.ravel() / MARGIN_OF_ERROR_Z
    return error if moment.measure == "total" else error * records
