"""Churn: what an update kept, added and retired, by zone."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from schemas.model import Scenario
from synthesis.aggregates import ZONE_SIZES, Counts


def churn_of(scenario: Scenario, before: Counts, after: Counts, commits: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Root records (and members) kept, added and retired, in all and in every zone where that is not all of them.

    `commits` are the update's own.
    """
    held = before[ZONE_SIZES]
    retired = np.sum([np.zeros_like(held), *(commit["retired"]["zones"] for commit in commits)], axis=0)
    added = after[ZONE_SIZES] - held + retired
    names = scenario.zones.names[scenario.zones.variable] if scenario.zones else ("",)
    zones = [
        {
            "zone": names[zone],
            "kept": int(held[zone] - retired[zone]),
            "added": int(added[zone]),
            "retired": int(retired[zone]),
            "retired_share": float(retired[zone] / held[zone]) if held[zone] else 0.0,
        }
        for zone in np.flatnonzero(retired + added).tolist()
    ]
    gone = sum(commit["retired"]["members"] for commit in commits)
    return {
        "kept": int((held - retired).sum()),
        "added": int(added.sum()),
        "retired": int(retired.sum()),
        "members_added": sum(commit["members"] for commit in commits) + gone,
        "members_retired": gone,
        "zones": zones,
    }
