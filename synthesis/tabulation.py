"""Counting columns into the cells of axes: how a target table is made from micro-data."""

from collections.abc import Mapping, Sequence

import numpy as np

from schemas.errors import UserError
from schemas.model import Axis, IntArray
from synthesis.records import Array

MAX_CELLS = 2_000_000


def tabulate(columns: Mapping[str, Array], axes: Sequence[Axis], units: IntArray | None, unit_count: int) -> IntArray:
    """Counts of shape (unit_count, *axes); the values lie within the axes, whose bins leave no gap."""
    shape = (unit_count, *(len(axis) for axis in axes))
    if np.prod(shape, dtype=float) > MAX_CELLS:
        names = " × ".join(axis.variable for axis in axes)
        raise UserError(
            f"the table {names} spans {np.prod(shape, dtype=float):,.0f} cells, expected at most {MAX_CELLS:,}"
        )
    codes = [axis_codes(axis, columns[axis.variable]) for axis in axes]
    first = np.zeros(len(codes[0]), dtype=np.int64) if units is None else units
    flat = np.ravel_multi_index((first, *codes), shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)


def axis_codes(axis: Axis, column: Array) -> IntArray:
    """The bin of every value; a category's code is its bin."""
    if axis.lows is None:
        return column.astype(np.int64)
    return np.searchsorted(axis.lows, column, side="right") - 1
