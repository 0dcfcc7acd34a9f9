"""Batches: every unit's records of a round exactly once, in pieces of bounded work."""

import itertools
from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.batch import BatchSpec
from schemas.model import Entity, Scenario, Variable
from schemas.settings import RunSettings
from synthesis.aims import Aims
from synthesis.batching import (
    MAX_BATCH_RECORDS,
    MAX_WAVES,
    PLAN_SECONDS,
    RECORD_SECONDS,
    ROW_SECONDS,
    cut_batches,
    cut_responses,
    plan_rounds,
    round_fractions,
)
from synthesis.system import zone_round_sizes
from synthesis.unit_plan import rows_per_zone
from synthesis.units import Unit, UnitCut
from tests.synthesis.test_units import zoned

FLAT = Scenario("flat", Entity("trip", (Variable("x", "integer", low=0, high=1),)), ())
sizes = st.lists(st.integers(0, 200) | st.integers(10**5, 10**7), min_size=1, max_size=9)


def plan_cost(size: int) -> float:
    """Seconds that planning one zone's unit is taken to cost."""
    rows = rows_per_zone(RunSettings(), np.array([size]), 1, True)
    return PLAN_SECONDS + ROW_SECONDS * int(rows.sum())


def batches_of(
    zone_sizes: list[int], seconds: float = 3.0, fraction: float = 1.0, committed: int = 0, first_id: int = 1
) -> tuple[BatchSpec, ...]:
    """The batches of zones that are each a unit of their own."""
    units = [Unit(i, (i,)) for i in range(len(zone_sizes))]
    aims, done = Aims(np.array(zone_sizes), {}, ()), np.full(len(zone_sizes), committed)
    return cut_batches(FLAT, RunSettings(batch_seconds=seconds), aims, units, done, 2, fraction, first_id)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(sizes, st.sampled_from([0.5, 3.0, 60.0]), st.sampled_from([0.04, 0.5, 1.0]), st.integers(0, 300))
def test_batches_cover_every_units_records_once(
    zone_sizes: list[int], seconds: float, fraction: float, committed: int
) -> None:
    batches = batches_of(zone_sizes, seconds, fraction, committed)
    round_sizes = zone_round_sizes(Aims(np.array(zone_sizes), {}, ()), np.full(len(zone_sizes), committed), fraction)

    assert sum(batch.records for batch in batches) == round_sizes.sum()
    covered = [unit for batch in batches if batch.stratum == 0 for unit in batch.units]
    assert covered == np.flatnonzero(round_sizes).tolist()
    for batch in batches:
        of_plan = [other for other in batches if other.plan_id == batch.plan_id]
        assert [other.stratum for other in of_plan] == list(range(batch.strata))
        assert sum(other.records for other in of_plan) == round_sizes[list(batch.units)].sum()


@settings(max_examples=60, derandomize=True, deadline=None)
@given(sizes, st.sampled_from([0.5, 3.0, 60.0]), st.integers(1, 1000))
def test_batches_are_numbered_on_and_bounded(zone_sizes: list[int], seconds: float, first_id: int) -> None:
    batches = batches_of(zone_sizes, seconds, first_id=first_id)

    assert [batch.batch_id for batch in batches] == list(range(first_id, first_id + len(batches)))
    for batch in batches:
        assert batch.records > 0
        assert (batch.round, batch.fraction) == (2, 1.0)
        assert batch.strata == 1 or (len(batch.units) == 1 and batch.records <= MAX_BATCH_RECORDS)
        plan = 0.0 if batch.strata > 1 else sum(map(plan_cost, [zone_sizes[unit] for unit in batch.units]))
        dearest = max(map(plan_cost, zone_sizes))
        assert batch.records * RECORD_SECONDS + plan <= 3 * seconds + dearest


def test_neighbours_share_a_batch_and_a_large_unit_is_cut_into_strata_of_one_plan() -> None:
    batches = batches_of([10, 0, 20, 10_000_000, 30], seconds=6.0)

    assert [(b.units, b.stratum, b.strata, b.plan_id, b.records) for b in batches] == [
        ((0, 2), 0, 1, 1, 30),
        *(((3,), i, 10, 2, 1_000_000) for i in range(10)),
        ((4,), 0, 1, 12, 30),
    ]


def test_a_round_without_records_has_no_batches() -> None:
    assert batches_of([5, 0], committed=5) == ()


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.integers(1, 20), st.floats(0.001, 0.999), st.integers(1, 10**6))
def test_rounds_grow_to_the_whole(max_rounds: int, share: float, total: int) -> None:
    fractions = round_fractions(RunSettings(max_rounds=max_rounds, early_round_share=share), total)

    assert fractions[-1] == 1.0
    assert list(fractions) == sorted(set(fractions))
    assert 1 <= len(fractions) <= max_rounds
    assert all(fraction * total >= 1 for fraction in fractions)


def test_early_rounds_are_left_out_of_a_tiny_run() -> None:
    assert round_fractions(RunSettings(max_rounds=3, early_round_share=0.04), 20) == (0.08, 1.0)
    assert round_fractions(RunSettings(max_rounds=2), 10) == (1.0,)


def test_a_batch_that_is_half_full_ends_with_its_partition() -> None:
    """Ten zones in three regions, of which a batch holds about six."""
    scenario = zoned({"county": list(range(10)), "region": [0, 1, 0, 1, 0, 1, 0, 2, 2, 2]}, ["county"])
    scenario = replace(scenario, zones=replace(scenario.zones, partition_by="region"))
    units, aims = [Unit(i, (i,)) for i in range(10)], Aims(np.full(10, 300), {}, ())
    cost = PLAN_SECONDS + 2000 * ROW_SECONDS
    settings = RunSettings(batch_seconds=6 * cost, plan_rows=2000)
    batches = cut_batches(scenario, settings, aims, units, np.zeros(10, dtype=np.int64), 1, 1.0, 1)

    assert [batch.units for batch in batches] == [(0, 2, 4, 6), (1, 3, 5), (7, 8, 9)]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.integers(1, 400), st.integers(1, 5))
def test_waves_hold_every_unit_once_and_shrink(count: int, max_rounds: int) -> None:
    units = tuple(Unit(i, (i,)) for i in range(count))
    waves = plan_rounds(RunSettings(max_rounds=max_rounds), Aims(np.full(count, 9), {}, ()), UnitCut(units, ("t",)))

    assert sorted(unit.index for wave in waves for unit in wave.units) == list(range(count))
    assert len(waves) <= (MAX_WAVES if max_rounds > 1 else 1)
    assert [wave.index for wave in waves] == list(range(1, len(waves) + 1))
    for before, after in itertools.pairwise(waves):
        assert 0 < len(after.units) <= len(before.units)
    if max_rounds > 1 and count > 1:
        assert len(waves) > 1
    assert {wave.fraction for wave in waves} == {1.0}


def test_zones_too_small_for_an_early_round_have_none() -> None:
    units = tuple(Unit(i, (i,)) for i in range(4))
    for size, expected in ((2000, (0.04, 1.0)), (1000, (1.0,))):
        rounds = plan_rounds(RunSettings(max_rounds=2), Aims(np.full(4, size), {}, ()), UnitCut(units, ()))
        assert tuple(each.fraction for each in rounds) == expected


@settings(max_examples=30, derandomize=True, deadline=None)
@given(st.integers(1, 500), st.sampled_from([0.1, 3.0]))
def test_responses_are_taken_of_every_unit_once(count: int, seconds: float) -> None:
    cut = cut_responses(RunSettings(batch_seconds=seconds), [Unit(i, (i,)) for i in range(count)])

    assert [unit for batch in cut for unit in batch] == list(range(count))
    assert all(batch for batch in cut)
