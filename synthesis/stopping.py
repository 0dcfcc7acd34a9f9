"""When rounds end, and why: early rounds are for learning what is missing, and the last one carries the bulk."""

import numpy as np

from schemas.model import Scenario
from synthesis.aggregates import Counts
from synthesis.aims import Aims
from synthesis.discrepancy import ROUNDING_SLACK


def is_needless(fraction: float, is_met: bool) -> bool:
    """Whether a round is left out: an early one, if after the one before it every target was within tolerance."""
    return fraction < 1 and is_met


def stop_reason(is_met: bool, shortfall: int) -> str:
    """Why no round follows the last one, in words."""
    if shortfall > 0:
        return "no rounds left, records are missing"
    return "every target within tolerance" if is_met else "all records drawn"


def over_corrected(scenario: Scenario, aims: Aims, counts: Counts) -> int:
    """Records beyond what their cell is to hold in the end, in the table with most: no later round takes them back."""
    beyond = [
        np.maximum(counts[table.name] - np.ceil(aims.targets[table.name] - ROUNDING_SLACK), 0).sum()
        for table in scenario.tables
        if table.binds == "count"
    ]
    return int(max(beyond, default=0))
