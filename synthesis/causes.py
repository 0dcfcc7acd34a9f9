"""Why cells are missed: the first of four stages at which a cell was lost.

*no support*: no candidate that the rules allow falls in the cell. *contradiction*: the exact tables named cannot all be
met. *allocation*: they could be, but the weights do not. *integerization*: whole numbers of records do not.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from schemas.model import MARGIN_OF_ERROR_Z, BoolArray, FloatArray, IntArray, Scenario
from synthesis.elastic import Relaxation
from synthesis.system import Block, System

NO_SUPPORT, CONTRADICTION, ALLOCATION, INTEGERIZATION = "no support", "contradiction", "allocation", "integerization"
REJECTION = "rejection"
"""The plan met the cell, but records of it were refused by a rule again and again."""
DISTRIBUTION = "distribution"
"""A table that reaches beyond units: all met their parts, within its tolerance, and yet the sum misses."""
NEAR = 0.5
SLACK = 1e-6

Causes = Mapping[str, Mapping[str, list[int]]]
"""Per cause and table the cells missed; for a table that tolerates a distance of shares, all cells of its unit."""


def find_causes(
    scenario: Scenario,
    system: System,
    weights: FloatArray,
    counts: IntArray,
    unsupported: BoolArray,
    relaxation: Relaxation | None,
) -> Causes:
    """The cells of a unit that its plan leaves outside their tolerance, by cause."""
    planned, solved = system.matrix.T @ counts, system.matrix.T @ weights
    wanted, hoped = system.wanted(planned), system.wanted(solved)
    error = system.error_records(planned)
    found: dict[str, dict[str, list[int]]] = {}
    tolerances = {table.name: table.tolerance for table in scenario.tables}
    for block in system.blocks:
        if block.table == "" or block.is_moment:
            continue
        part, tolerance = slice(block.start, block.stop), tolerances[block.table]
        if tolerance.kind != "share_tvd":
            allowed = np.full(block.stop - block.start, tolerance.value)
            if tolerance.kind == "moe":
                allowed *= np.nan_to_num(error[part]) * MARGIN_OF_ERROR_Z
            missed = _outside(planned[part], wanted[part], allowed)
            is_lost = np.abs(solved[part] - hoped[part]) >= NEAR + allowed
        else:
            missed = np.full(block.stop - block.start, _tvd(planned[part], wanted[part]) > tolerance.value + SLACK)
            is_lost = np.full(len(missed), _tvd(solved[part], hoped[part]) > tolerance.value)
        for cell in np.flatnonzero(missed).tolist():
            at = block.start + cell
            cause = _cause(block, bool(unsupported[at]), bool(is_lost[cell]), relaxation)
            flat = block.unit * (block.stop - block.start) + cell
            found.setdefault(cause, {}).setdefault(block.table, []).append(flat)
    return found


def merge_causes(parts: Iterable[Causes]) -> dict[str, dict[str, list[int]]]:
    """The union of causes: associative and commutative."""
    merged: dict[str, dict[str, set[int]]] = {}
    for part in parts:
        for cause, tables in part.items():
            for table, cells in tables.items():
                merged.setdefault(cause, {}).setdefault(table, set()).update(cells)
    return {
        cause: {table: sorted(cells) for table, cells in sorted(tables.items())}
        for cause, tables in sorted(merged.items())
    }


def cause_of_cells(causes: Causes, table: str, within: BoolArray, otherwise: str) -> list[str | None]:
    """The cause of each cell of a table that is not within its tolerance, of several the one of the earliest stage."""
    named: list[str | None] = [None if fine else otherwise for fine in within.ravel().tolist()]
    for cause in sorted(causes, key=_stage, reverse=True):
        for cell in causes[cause].get(table, ()):
            named[cell] = cause if named[cell] is not None else None
    return named


def _cause(block: Block, is_unsupported: bool, is_lost: bool, relaxation: Relaxation | None) -> str:
    if is_unsupported:
        return NO_SUPPORT
    if not is_lost:
        return INTEGERIZATION
    if not block.is_exact:
        # Soft cells yield to exact ones, and to each other.
        return CONTRADICTION
    if relaxation is None or not relaxation.tables:
        return ALLOCATION
    return f"{CONTRADICTION}: {', '.join(relaxation.tables)}"


def _stage(cause: str) -> int:
    stages = (NO_SUPPORT, CONTRADICTION, ALLOCATION, INTEGERIZATION)
    return next(i for i, stage in enumerate(stages) if cause.startswith(stage))


def _outside(planned: FloatArray, wanted: FloatArray, tolerance: FloatArray) -> BoolArray:
    """Whether cells are further than `tolerance` from the nearest whole number beside what they want."""
    off = np.minimum(np.abs(planned - np.floor(wanted + SLACK)), np.abs(planned - np.ceil(wanted - SLACK)))
    outside: BoolArray = off > tolerance + SLACK
    return outside


def _tvd(held: FloatArray, wanted: FloatArray) -> float:
    totals = held.sum(), wanted.sum()
    if min(totals) <= 0:
        return float(max(totals) > 0)
    return float(0.5 * np.abs(held / totals[0] - wanted / totals[1]).sum())
