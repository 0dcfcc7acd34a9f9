"""How the work of an update is cut: batches own whole partitions, so that no two of them write one file."""

from collections.abc import Sequence

import numpy as np

from schemas.batch import BatchSpec
from schemas.model import Scenario
from schemas.settings import RunSettings
from synthesis.aims import Aims
from synthesis.batching import CLOSING_WAVE, PLAN_SECONDS, RECORD_SECONDS
from synthesis.units import Unit, zones_of_units

PASSES = 8
"""How often a touched record is read, coded or written, in units of the cost of drawing one."""


def partition_groups(scenario: Scenario, units: Sequence[Unit]) -> list[list[Unit]]:
    """The units, those that share a partition together, in the order of their first."""
    if scenario.zones is None:
        return [list(units)] if units else []
    lookup = scenario.zones.lookup[scenario.zones.partition_by]
    label = np.arange(int(lookup.max()) + 1)
    for unit in units:
        labels = np.unique(label[lookup[unit.zone_array]])
        label[np.isin(label, labels)] = labels[0]
    groups: dict[int, list[Unit]] = {}
    for unit in units:
        groups.setdefault(int(label[lookup[unit.zones[0]]]), []).append(unit)
    return list(groups.values())


def cut_waves(groups: Sequence[list[Unit]], has_outer: bool) -> list[list[list[Unit]]]:
    """One wave; where tables reach beyond units, a closing one evens out what the first left of them."""
    if not has_outer or len(groups) < 2:
        return [list(groups)] if groups else []
    step = min(CLOSING_WAVE, len(groups))
    closing = list(groups[step - 1 :: step])
    return [[group for i, group in enumerate(groups) if (i + 1) % step], closing]


def records_of(units: Sequence[Unit], aims: Aims) -> int:
    """Root records that the units are to hold."""
    return int(aims.zone_sizes[zones_of_units(units)].sum())


def cut_update(
    scenario: Scenario,
    settings: RunSettings,
    groups: Sequence[list[Unit]],
    aims: Aims,
    round_index: int,
    first_id: int,
) -> tuple[BatchSpec, ...]:
    """The batches of a wave; `records` counts those that the batch looks at."""
    cost = PASSES * RECORD_SECONDS * (1 if scenario.member is None else 4)
    batches: list[BatchSpec] = []
    waiting: list[Unit] = []

    def close() -> None:
        if waiting:
            batch_id = first_id + len(batches)
            indices = tuple(unit.index for unit in waiting)
            batches.append(BatchSpec(batch_id, round_index, 1.0, indices, 0, 1, batch_id, records_of(waiting, aims)))
        waiting.clear()

    for group in groups:
        waiting.extend(group)
        if PLAN_SECONDS * len(waiting) + cost * records_of(waiting, aims) >= settings.batch_seconds:
            close()
    close()
    return tuple(batches)
