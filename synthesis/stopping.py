"""When rounds end, and why: early rounds are for learning what is missing, and the last one carries the bulk."""

import numpy as np

from schemas.model import Scenario
from synthesis.aggregates import Counts
from synthesis.aims import Aims
from synthesis.discrepancy import ROUNDING_SLACK, RoundFit


def is_needless(fraction: float, fit: RoundFit | None) -> bool:
    """Whether an early round is left out: after the one before it, every cell was within tolerance."""
    return fraction < 1 and fit is not None and fit.cells_within == fit.cells


def stop_reason(fit: RoundFit, shortfall: int) -> str:
    """Why no round follows the last one, in words."""
    if shortfall > 0:
        return "no rounds left, records are missing"
    return "every target within tolerance" if fit.cells_within == fit.cells else "all records drawn"


def over_corrected(scenario: Scenario, aims: Aims, counts: Counts) -> int:
    """Records beyond what their cell is to hold in the end, in the table with most: no later round takes them back."""
    beyond = [
        np.maximum(counts[table.name] - np.ceil(aims.targets[table.name] - ROUNDING_SLACK), 0).sum()
        for table in scenario.tables
        if table.binds == "count"
    ]
    return int(max(beyond, default=0))
