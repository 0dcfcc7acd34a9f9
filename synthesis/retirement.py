"""Which records are retired: so many of each plan row, drawn without replacement file by file.

No list of all records is needed: a file takes its part of what is left to retire (multivariate hypergeometric), then
the records within it are chosen by lot.
"""

import numpy as np

from schemas.model import BoolArray, IntArray


def quota_of_file(left: IntArray, remaining: IntArray, here: IntArray, rng: np.random.Generator) -> IntArray:
    """Records of each plan row to retire from a file that holds `here`, of `remaining` records of which `left` go."""
    quota: IntArray = rng.hypergeometric(here, remaining - here, left).astype(np.int64)
    return quota


def choose_retired(rows: IntArray, quota: IntArray, rng: np.random.Generator) -> BoolArray:
    """Whether each record is retired: of those of plan row r, `quota[r]` by lot; a row of -1 stays."""
    order = rng.permutation(len(rows))
    by_row = order[np.argsort(rows[order], kind="stable")]
    sorted_rows = rows[by_row]
    first = np.searchsorted(sorted_rows, sorted_rows, side="left")
    allowed = np.append(quota, 0)[sorted_rows]  # -1 reads the appended 0
    retired = np.zeros(len(rows), dtype=bool)
    retired[by_row] = np.arange(len(rows)) - first < allowed
    return retired
