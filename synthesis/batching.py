"""How the work of a round is cut into batches of a few seconds each."""

from collections.abc import Sequence

from schemas.batch import BatchSpec
from schemas.model import IntArray, Scenario
from schemas.settings import RunSettings
from synthesis.aims import Aims
from synthesis.system import zone_round_sizes
from synthesis.units import Unit

PLAN_SECONDS = 0.8
"""Measured cost of proposing and allocating a unit; drawing costs `RECORD_SECONDS` a record and as much a member."""
RECORD_SECONDS = 2e-6
MAX_BATCH_RECORDS = 2_000_000
EARLY_ROUNDS_SHARE = 0.2
"""Records of all rounds before the last, at most: what they get wrong has to be put right by the last."""


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
    """The batches of a round: neighbouring units together, a large unit in strata."""
    sizes = zone_round_sizes(aims, zone_committed, fraction)
    cost = RECORD_SECONDS * (1 if scenario.member is None else 4)
    batches: list[BatchSpec] = []
    waiting: list[Unit] = []
    spent, records = 0.0, 0

    def close() -> None:
        nonlocal spent, records
        if waiting:
            batch_id = first_id + len(batches)
            indices = tuple(unit.index for unit in waiting)
            batches.append(BatchSpec(batch_id, round_index, fraction, indices, 0, 1, batch_id, records))
        waiting.clear()
        spent, records = 0.0, 0

    for unit in units:
        size = int(sizes[unit.zone_array].sum())
        if size == 0:
            continue
        strata = max(_ceil(size * cost / (2 * settings.batch_seconds)), _ceil(size / MAX_BATCH_RECORDS))
        if strata > 1:
            close()
            plan_id = first_id + len(batches)
            for i in range(strata):
                part = size * (i + 1) // strata - size * i // strata
                batches.append(BatchSpec(plan_id + i, round_index, fraction, (unit.index,), i, strata, plan_id, part))
            continue
        waiting.append(unit)
        spent, records = spent + PLAN_SECONDS + size * cost, records + size
        if spent >= settings.batch_seconds:
            close()
    close()
    return tuple(batches)


def _ceil(value: float) -> int:
    return int(-(-value // 1))
