"""How a run is cut: into rounds, and the work of a round into batches of a few seconds each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.batch import BatchSpec
from schemas.model import IntArray, Scenario
from schemas.settings import RunSettings
from synthesis.aims import Aims
from synthesis.system import zone_round_sizes
from synthesis.unit_plan import RESPONSE_ROWS, rows_per_zone
from synthesis.units import Unit, UnitCut

PLAN_SECONDS = 0.05
"""Measured cost of a unit's plan; `ROW_SECONDS` more a candidate row.

Drawing costs `RECORD_SECONDS` a record and as much a member.
"""
ROW_SECONDS = 2e-5
RECORD_SECONDS = 2e-6
MAX_BATCH_RECORDS = 1_000_000
EARLY_ROUNDS_SHARE = 0.2
"""Records of all rounds before the last, at most: what they get wrong has to be put right by the last."""
LEAST_EARLY_RECORDS = 50
"""Records per zone below which an early round would teach nothing, and cost as much as the last."""
CLOSING_WAVE = 5
"""One unit in so many waits for the next wave, which evens out what the others left of the outer tables."""
MAX_WAVES = 3


@dataclass(frozen=True, slots=True)
class Round:
    """The units that a round adds records to, and the fraction of their records that are there by its end."""

    index: int
    fraction: float
    units: tuple[Unit, ...]


def plan_rounds(settings: RunSettings, aims: Aims, cut: UnitCut) -> tuple[Round, ...]:
    """Early, small rounds and the last; where tables reach beyond units, waves of units instead."""
    total = int(aims.zone_sizes.sum())
    if cut.outer:
        waves = _waves(cut.units, MAX_WAVES if settings.max_rounds > 1 else 1)
        return tuple(Round(i, 1.0, wave) for i, wave in enumerate(waves, start=1))
    fractions = round_fractions(settings, total)
    zones = np.count_nonzero(aims.zone_sizes)
    # Who asks a model learns from each round's answers, however few its records.
    if zones > 1 and not settings.asks:
        fractions = tuple(f for f in fractions if f >= 1 or f * total >= LEAST_EARLY_RECORDS * zones)
    return tuple(Round(i, fraction, cut.units) for i, fraction in enumerate(fractions, start=1))


def round_fractions(settings: RunSettings, total: int) -> tuple[float, ...]:
    """The fraction of the records that is to be committed at the end of each round; early rounds are small."""
    share = settings.early_round_share
    if settings.allocation == "proposed":
        # Nothing is corrected afterwards but by the next round's proposals: all rounds weigh the same.
        share = 1 / settings.max_rounds
    elif settings.max_rounds > 1:
        share = min(share, EARLY_ROUNDS_SHARE / (settings.max_rounds - 1))
    early = [share * (i + 1) for i in range(settings.max_rounds - 1)]
    return (*(fraction for fraction in early if fraction * total >= 1 and fraction < 1), 1.0)


def cut_batches(
    scenario: Scenario,
    settings: RunSettings,
    aims: Aims,
    units: Sequence[Unit],
    zone_committed: IntArray,
    round_index: int,
    fraction: float,
    first_id: int,
) -> tuple[BatchSpec, ...]:
    """The batches of a round: units of one partition together, a large unit in strata.

    A batch that is more than half full ends with its partition, so that a partition has few files.
    """
    sizes = zone_round_sizes(aims, zone_committed, fraction)
    cost = RECORD_SECONDS * (1 if scenario.member is None else 4)
    batches: list[BatchSpec] = []
    waiting: list[Unit] = []
    spent, records, partition = 0.0, 0, -1

    def close() -> None:
        nonlocal spent, records
        if waiting:
            batch_id = first_id + len(batches)
            indices = tuple(unit.index for unit in waiting)
            batches.append(BatchSpec(batch_id, round_index, fraction, indices, 0, 1, batch_id, records))
        waiting.clear()
        spent, records = 0.0, 0

    for unit, unit_partition in _by_partition(scenario, units):
        size = int(sizes[unit.zone_array].sum())
        if size == 0:
            continue
        if unit_partition != partition and spent >= settings.batch_seconds / 2:
            close()
        partition = unit_partition
        strata = max(_ceil(size * cost / (2 * settings.batch_seconds)), _ceil(size / MAX_BATCH_RECORDS))
        if strata > 1:
            close()
            plan_id = first_id + len(batches)
            for i in range(strata):
                part = size * (i + 1) // strata - size * i // strata
                batches.append(BatchSpec(plan_id + i, round_index, fraction, (unit.index,), i, strata, plan_id, part))
            continue
        waiting.append(unit)
        rows = rows_per_zone(settings, sizes[unit.zone_array], len(sizes), fraction >= 1).sum()
        spent, records = spent + PLAN_SECONDS + rows * ROW_SECONDS + size * cost, records + size
        if spent >= settings.batch_seconds:
            close()
    close()
    return tuple(batches)


def cut_responses(settings: RunSettings, units: Iterable[Unit]) -> tuple[tuple[int, ...], ...]:
    """Units whose responses are taken together."""
    batches: list[list[int]] = [[]]
    spent = 0.0
    for unit in units:
        if spent >= settings.batch_seconds:
            batches.append([])
            spent = 0.0
        batches[-1].append(unit.index)
        spent += PLAN_SECONDS + len(unit.zones) * RESPONSE_ROWS * ROW_SECONDS
    return tuple(tuple(batch) for batch in batches)


def _waves(units: tuple[Unit, ...], wanted: int) -> tuple[tuple[Unit, ...], ...]:
    """The bulk of the units, then closing waves spread evenly among them, each a tenth of the one before."""
    step = min(CLOSING_WAVE, len(units))
    if wanted < 2 or step < 2:
        return (units,)
    closing = units[step - 1 :: step]
    kept = {unit.index for unit in closing}
    rest = _waves(closing, wanted - 1) if len(closing) >= CLOSING_WAVE else (closing,)
    return (tuple(unit for unit in units if unit.index not in kept), *rest)


def _by_partition(scenario: Scenario, units: Sequence[Unit]) -> list[tuple[Unit, int]]:
    """The units with the partition of their first zone, sorted by it (units of a partition keep their order)."""
    if scenario.zones is None:
        return [(unit, 0) for unit in units]
    lookup = scenario.zones.lookup[scenario.zones.partition_by]
    return sorted(((unit, int(lookup[unit.zones[0]])) for unit in units), key=lambda pair: pair[1])


def _ceil(value: float) -> int:
    return int(-(-value // 1))
