"""Zones that are asked for together: those whose tables look alike share the support that a proposer suggests."""

import numpy as np

from schemas.model import FloatArray, IntArray, Scenario
from synthesis.aims import Aims

ALIKE_TVD = 0.1
"""Zones whose tables differ by less on average are one group."""


def zone_groups(scenario: Scenario, aims: Aims, most: int) -> tuple[IntArray, ...]:
    """At most `most` groups of zones with records; zone 0 alone where there are no zones."""
    if scenario.zones is None:
        return (np.zeros(1, dtype=np.int64),)
    zones = np.flatnonzero(aims.zone_sizes > 0)
    profiles = _profiles(scenario, aims, zones)
    if profiles.shape[1] == 0 or len(zones) == 1:
        return (zones,)
    # Farthest-first: the next centre is the zone least like all centres so far, the first the largest zone.
    centres = [int(np.argmax(aims.zone_sizes[zones]))]
    distance = _distance(profiles, centres[0])
    nearest = np.zeros(len(zones), dtype=np.int64)
    while len(centres) < most and distance.max() > ALIKE_TVD:
        centres.append(int(np.argmax(distance)))
        fresh = _distance(profiles, centres[-1])
        nearest[fresh < distance] = len(centres) - 1
        distance = np.minimum(distance, fresh)
    return tuple(zones[nearest == index] for index in range(len(centres)))


def _profiles(scenario: Scenario, aims: Aims, zones: IntArray) -> FloatArray:
    """Shares of the cells of every table at the finest level, one row per zone; each table weighs the same."""
    assert scenario.zones is not None
    parts = []
    for table in scenario.tables:
        if table.zone_level == scenario.zones.variable:
            values = aims.targets[table.name].reshape(table.units, -1)[zones]
            totals = values.sum(axis=1, keepdims=True)
            parts.append(np.divide(values, totals, out=np.zeros(values.shape), where=totals > 0))
    return np.concatenate(parts, axis=1) / len(parts) if parts else np.zeros((len(zones), 0))


def _distance(profiles: FloatArray, centre: int) -> FloatArray:
    """Mean total variation distance of all zones from one."""
    found: FloatArray = 0.5 * np.abs(profiles - profiles[centre]).sum(axis=1)
    return found
