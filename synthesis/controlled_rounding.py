"""Controlled rounding: every weight down or up, such that the cells are met as nearly as can be, as an integer program.

Where swaps end short of exact cells, the way out takes many records at once. For two tables, or tables that nest in
two hierarchies, rounding is a flow in a network: whole numbers that meet every whole target always exist, and the
first linear relaxation finds them (Cox 1987, doi:10.1080/01621459.1987.10478456). For more tables it is NP-hard in
general; the search is then cut short, and its best is taken if it is nearer than what swaps found.
"""

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from schemas.model import FloatArray, IntArray

MAX_ELEMENTS = 200_000
"""Rows times cells up to which a program is tried: it then takes seconds at most."""
MAX_NODES = 50
STAYING = 1e-3
"""Cost of moving a record away from where swaps put it, beside a record's distance in an exact cell."""
NEAR = 1e-6
"""Weights this near to a whole number may also be rounded to the one beyond it."""


def controlled_rounding(
    adds: FloatArray, importance: FloatArray, weights: FloatArray, counts: IntArray, target: FloatArray
) -> IntArray | None:
    """Counts that are each of `weights` rounded down or up, have the sum of `counts`, and miss `target` least.

    `adds` are rows x cells; distances count by `importance`. None if no such counts were found.
    """
    rows, cells = adds.shape
    if rows * cells > MAX_ELEMENTS:
        return None
    low, high = np.maximum(np.floor(weights - NEAR), 0.0), np.ceil(weights + NEAR)
    # Unknown: records above `low`, then how far each cell ends above and below its target.
    matrix = sparse.csr_matrix(np.column_stack([adds, np.ones(rows)]).T)
    slack = sparse.vstack([sparse.eye(cells), sparse.csr_matrix((1, cells))])
    wanted = np.append(target, counts.sum()) - matrix @ low
    cost = np.concatenate([_staying(low, high, counts), importance, importance])
    found = milp(
        cost,
        integrality=np.repeat([1, 0], [rows, 2 * cells]),
        bounds=Bounds(np.zeros(len(cost)), np.concatenate([high - low, np.full(2 * cells, np.inf)])),
        constraints=LinearConstraint(sparse.hstack([matrix, -slack, slack]).tocsc(), wanted, wanted),
        options={"node_limit": MAX_NODES},
    )
    if found.x is None:
        return None
    rounded = (low + np.round(found.x[:rows])).astype(np.int64)
    return rounded if rounded.sum() == counts.sum() else None


def _staying(low: FloatArray, high: FloatArray, counts: IntArray) -> FloatArray:
    """What a record above `low` costs: less where swaps have put one."""
    return STAYING * np.where(counts >= high, -1.0, 1.0)
