"""Closed units: sets of zones that no table reaches beyond; what is solved on its own."""

from dataclasses import dataclass

import numpy as np

from schemas.model import IntArray, Scenario
from synthesis.cells import unit_of_zones


@dataclass(frozen=True, slots=True)
class Unit:
    """Zones (finest, ascending) whose tables count nobody else; one pseudo-zone 0 where there are no zones."""

    index: int
    zones: tuple[int, ...]

    @property
    def zone_array(self) -> IntArray:
        """The zones as an array."""
        return np.array(self.zones, dtype=np.int64)


def closed_units(scenario: Scenario) -> tuple[Unit, ...]:
    """The finest partition of the zones such that every table's unit lies within one part."""
    if scenario.zones is None:
        return (Unit(0, (0,)),)
    label = np.arange(len(scenario.zones.lookup[scenario.zones.variable]))
    changed = True
    while changed:
        before = label.copy()
        for table in (*scenario.tables, *(moment.cells for moment in scenario.moments)):
            lowest = np.full(table.units, len(label))
            units = unit_of_zones(scenario, table)
            np.minimum.at(lowest, units, label)
            label = lowest[units]
        changed = bool((label != before).any())
    return tuple(
        Unit(i, tuple(np.flatnonzero(label == first).tolist())) for i, first in enumerate(np.unique(label).tolist())
    )
