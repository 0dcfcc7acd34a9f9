"""Classes of a numeric table spread evenly over their atoms: what a universe cut inside a class may hold."""

import numpy as np

from schemas.model import FloatArray
from synthesis.cells import CellCoder, TableCells

LOWEST_PART = 0.25
"""A threshold is looked for in the lowest part of a range (`3 or more`): elsewhere a coincidence is likelier."""


def is_spreadable(cells: TableCells) -> bool:
    """Whether a table counts everybody by one numeric variable."""
    table = cells.table
    return (
        len(table.axes) == 1 and table.axes[0].lows is not None and table.universe is None and table.measure == "count"
    )


def spread_counts(coder: CellCoder, cells: TableCells, counts: FloatArray) -> FloatArray:
    """Counts of the table's cells, shape (..., cells), spread over the atoms by their widths: (..., atoms)."""
    grid, lookup = coder.grids.of(*cells.keys[0]), cells.lookups[0][:-1]
    assert grid.edges is not None
    widths = np.diff(grid.edges)
    of_cells = np.bincount(lookup[lookup >= 0], weights=widths[lookup >= 0], minlength=counts.shape[-1])
    part = np.where(lookup >= 0, widths / np.where(of_cells > 0, of_cells, 1)[lookup], 0.0)
    return counts[..., np.maximum(lookup, 0)] * part


def fitting_threshold(coder: CellCoder, cells: TableCells, total: float) -> float | None:
    """The value from which on the table counts `total` records, if it lies in the lowest part of the range."""
    edges = coder.grids.of(*cells.keys[0]).edges
    assert edges is not None
    below = np.concatenate(([0.0], np.cumsum(spread_counts(coder, cells, cells.table.target.sum(axis=0)))))
    value = float(np.interp(below[-1] - total, below, edges))
    return value if edges[0] < value < edges[0] + LOWEST_PART * (edges[-1] - edges[0]) else None
