"""Zone levels of tables: which is coarser, and figures summed from one to another. None is the whole."""

import numpy as np

from schemas.model import FloatArray, IntArray, Scenario


def level_size(scenario: Scenario, level: str | None) -> int:
    """Number of units of a level."""
    return 1 if level is None or scenario.zones is None else len(scenario.zones.names[level])


def mapping(scenario: Scenario, fine: str | None, coarse: str | None) -> IntArray | None:
    """The coarse unit of every fine unit; None where fine units straddle coarse ones."""
    if coarse is None or scenario.zones is None:
        return np.zeros(level_size(scenario, fine), dtype=np.int64)
    if fine is None:
        return None
    fine_of, coarse_of = scenario.zones.lookup[fine], scenario.zones.lookup[coarse]
    found = np.zeros(level_size(scenario, fine), dtype=np.int64)
    found[fine_of] = coarse_of
    return found if (found[fine_of] == coarse_of).all() else None


def common_level(scenario: Scenario, one: str | None, other: str | None) -> str | None:
    """The finest level that figures of both levels can be summed to."""
    if mapping(scenario, one, other) is not None:
        return other
    return one if mapping(scenario, other, one) is not None else None


def at_level(scenario: Scenario, values: FloatArray, fine: str | None, coarse: str | None) -> FloatArray | None:
    """Figures (units, ...) of a level summed to a coarser one; None where that cannot be."""
    units = mapping(scenario, fine, coarse)
    if units is None:
        return None
    if fine == coarse:
        return values
    summed = np.zeros((level_size(scenario, coarse), *values.shape[1:]))
    np.add.at(summed, units, values)
    return summed


def unit_label(scenario: Scenario, level: str | None, unit: int) -> str | None:
    """The name of a unit, None for the whole."""
    return None if level is None or scenario.zones is None else scenario.zones.names[level][unit]
