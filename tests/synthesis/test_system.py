"""The linear system: what plan rows add to cells is what counting their draws would find."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.aggregates import ZONE_SIZES, count_records, no_counts
from synthesis.aims import Aims, build_aims
from synthesis.cells import CellCoder
from synthesis.records import Records
from synthesis.system import System, build_system, zone_round_sizes
from synthesis.units import closed_units
from tests.strategies import Example, compiled, flat_scenarios, nested_scenarios, rngs

examples = st.one_of(flat_scenarios(80), nested_scenarios(80))


def systems(example: Example, committed: Records | None = None, fraction: float = 1.0) -> list[tuple[Records, System]]:
    """Per closed unit, the members of the population that live there as plan rows, and their system."""
    scenario, coder = example.scenario, compiled(example.scenario)
    aims, counts = build_aims(scenario, None), no_counts(scenario)
    counts = counts if committed is None else count_records(coder, committed)
    return [
        (rows, build_system(coder, rows, zones, aims, counts, counts[ZONE_SIZES], fraction))
        for zones in (unit.zone_array for unit in closed_units(scenario))
        for rows in [_living_in(example, zones)]
    ]


def _living_in(example: Example, zones: np.ndarray) -> Records:
    population, scenario = example.population, example.scenario
    if scenario.zones is None:
        return population
    return population.take(np.flatnonzero(np.isin(population.root[scenario.zones.variable], zones)))


def counted(coder: CellCoder, system: System, records: Records) -> list[int]:
    """The system's cells counted in records."""
    counts = count_records(coder, records)
    cells = []
    for block in system.blocks:
        name = block.table or ZONE_SIZES
        start = block.unit * (block.stop - block.start)
        cells += counts[name][start : start + block.stop - block.start].tolist()
    return cells


@settings(max_examples=40, derandomize=True, deadline=None)
@given(examples, rngs)
def test_what_plan_rows_add_is_what_counting_their_records_finds(example: Example, rng: np.random.Generator) -> None:
    coder = compiled(example.scenario)
    for rows, system in systems(example):
        allocation = rng.integers(0, 3, rows.count)
        drawn = rows.take(np.repeat(np.arange(rows.count), allocation))

        assert (system.matrix.T @ allocation).tolist() == counted(coder, system, drawn)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(examples)
def test_the_population_itself_leaves_nothing_wanted(example: Example) -> None:
    for rows, system in systems(example):
        achieved = system.matrix.T @ np.ones(rows.count)

        np.testing.assert_allclose(system.wanted(achieved), achieved, atol=1e-9)
        assert system.blocks[-1].stop == len(system.aim) == system.matrix.shape[1]


@settings(max_examples=40, derandomize=True, deadline=None)
@given(examples, rngs)
def test_what_is_committed_is_no_longer_wanted(example: Example, rng: np.random.Generator) -> None:
    early = rng.permutation(example.population.count)[: example.population.count // 3]
    late = replace(example, population=example.population.take(np.setdiff1d(np.arange(80), early)))
    for rows, system in systems(late, committed=example.population.take(early)):
        achieved = system.matrix.T @ np.ones(rows.count)

        np.testing.assert_allclose(system.wanted(achieved), achieved, atol=1e-9)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(nested_scenarios(80), st.floats(0.05, 0.9))
def test_an_early_round_wants_its_fraction_of_counts_and_whole_zones(example: Example, fraction: float) -> None:
    for (_, whole), (_, early) in zip(systems(example), systems(example, fraction=fraction), strict=True):
        for block in whole.blocks:
            part = slice(block.start, block.stop)
            if block.table == "":
                assert early.aim[part] == np.floor(whole.aim[part] * fraction + 0.5)
            else:
                expected = whole.aim[part] * (1 if block.binds_share else fraction)
                np.testing.assert_allclose(early.aim[part], expected)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(nested_scenarios(80))
def test_root_counts_are_exact_and_members_are_not(example: Example) -> None:
    (_, system) = systems(example)[0]
    of_root = {held.name for held in example.scenario.tables if held.entity == "household"} | {""}

    for block in system.blocks:
        assert (block.is_root, block.is_exact) == (block.table in of_root, block.table in of_root)
        assert set(system.exact[block.start : block.stop]) == {block.is_exact}
        assert set(system.of_root[block.start : block.stop]) == {block.is_root}
        assert set(system.shares[block.start : block.stop]) == {block.binds_share}


def test_rounds_complete_a_zones_size_and_never_ask_for_less_than_nothing() -> None:
    aims = Aims(np.array([10, 5, 1, 0]), {}, ())
    early = zone_round_sizes(aims, np.zeros(4, dtype=np.int64), 0.1)

    assert early.tolist() == [1, 1, 0, 0]
    assert zone_round_sizes(aims, early, 1.0).tolist() == [9, 4, 1, 0]
    assert zone_round_sizes(aims, np.array([12, 5, 0, 0]), 1.0).tolist() == [0, 0, 1, 0]
