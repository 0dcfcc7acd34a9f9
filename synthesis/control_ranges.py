"""The range of an imported number, and how its open class decays, where no file tells."""

import math
from collections.abc import Sequence

import numpy as np

from schemas.model import BoolArray
from synthesis.control_domains import SMALL_CLASS, Domain, assumed_end, assumed_start
from synthesis.controls import Group

_DECAY = 0.5
_MAX_WEIGHTED = 40


def assumed_range(domain: Domain, users: Sequence[Group]) -> tuple[float, float, str]:
    """Lowest and highest value that the controls leave, and what of it is assumed."""
    if domain.is_compared:
        low, high = domain.regions[0].low, domain.regions[-1].high
        return low, high, "no table tells its bounds"
    regions = domain.regions
    covered = _covered(domain, users)
    first, last = (int(covered.argmax()), len(covered) - 1 - int(covered[::-1].argmax())) if covered.any() else (0, -1)
    told = []
    low, high = regions[first].low, regions[last].high
    if math.isinf(low):
        low = assumed_start(domain.column, regions[0].high)
        told.append(f"the lowest class begins at {low:,.0f}")
    if math.isinf(high):
        high = assumed_end(domain.column, regions[-1].low)
        told.append(f"the open class ends at {high:,.0f}")
    return low, high, ", ".join(told)


def _covered(domain: Domain, users: Sequence[Group]) -> BoolArray:
    """Regions that the variable has: all of them unless complete tables leave the outer ones out."""
    alone = [group for group in users if group.columns == (domain.column,)]
    if not alone or len(alone) < len(users) or any(group.state != "complete" for group in alone):
        return np.ones(len(domain.regions), dtype=bool)
    return np.any([group.truth.any(axis=0) for group in alone], axis=0)


def top_cut(domain: Domain) -> float:
    """Where the highest class begins; a compared column is cut at its constants only."""
    if not domain.is_compared:
        return domain.regions[-1].low
    return domain.regions[min(1, len(domain.regions) - 1)].low


def decaying_weights(domain: Domain, low: float, high: float) -> dict[str, float]:
    """Weights of a small count's values: within the open class each is half as frequent as the one before."""
    cut = top_cut(domain)
    if domain.kind != "integer" or not 0 <= cut <= SMALL_CLASS or cut >= high or high - low > _MAX_WEIGHTED:
        return {}
    return {str(v): _DECAY ** max(0.0, v - cut) for v in range(int(low), int(high) + 1)}
