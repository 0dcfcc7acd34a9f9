"""A recount of frames finds what was counted when the records were drawn."""

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Scenario
from synthesis.aggregates import count_records, no_counts
from synthesis.records import Columns, Records
from synthesis.recount import recount_frames
from tests.strategies import Example, compiled, flat_scenarios, nested_scenarios, rngs

Partition = tuple[str, pd.DataFrame, pd.DataFrame | None]
examples = st.one_of(flat_scenarios(30), nested_scenarios(30))


def frame_of(entity: Entity, columns: Columns) -> pd.DataFrame:
    """Variables as they are stored: categories by name."""
    stored = {}
    for variable in entity.all_variables:
        column = columns[variable.name]
        is_category = variable.kind == "category"
        stored[variable.name] = pd.Categorical.from_codes(column, variable.categories) if is_category else column
    return pd.DataFrame(stored)


def partition_of(scenario: Scenario, records: Records, rng: np.random.Generator, name: str = "b000001") -> Partition:
    """The records as frames, the members in disorder."""
    root = frame_of(scenario.root, records.root)
    key, ids = f"{scenario.root.name}_id", rng.permutation(1000)[: records.count]
    root.insert(0, key, ids)
    if scenario.member is None:
        return name, root, None
    members = frame_of(scenario.member, records.members)
    members.insert(0, key, ids[records.parent])
    return name, root, members.iloc[rng.permutation(len(members))].reset_index(drop=True)


def hive_partitions(scenario: Scenario, population: Records, rng: np.random.Generator) -> list[Partition]:
    """One partition per county, whose name alone says which county it is."""
    found = []
    for code, county in enumerate(scenario.zones.names["county"]):
        own = population.take(np.flatnonzero(population.root["county"] == code))
        name, root, members = partition_of(scenario, own, rng, f"county={county}/b000001")
        found.append((name, root.drop(columns="county"), members))
    return found


def assert_recounted(scenario: Scenario, partitions: list[Partition], population: Records) -> None:
    coder = compiled(scenario)
    expected, found = count_records(coder, population), recount_frames(coder, partitions)
    assert {name: array.tolist() for name, array in found.items()} == {n: a.tolist() for n, a in expected.items()}


@settings(max_examples=20, derandomize=True, deadline=None)
@given(examples, rngs, st.integers(0, 30))
def test_frames_recount_to_what_was_counted(example: Example, rng: np.random.Generator, cut: int) -> None:
    parts = np.split(np.arange(30), [cut])
    partitions = [partition_of(example.scenario, example.population.take(rows), rng) for rows in parts]

    assert_recounted(example.scenario, partitions, example.population)


@settings(max_examples=10, derandomize=True, deadline=None)
@given(nested_scenarios(30, zoned=True), rngs)
def test_a_partitions_name_states_its_zone(example: Example, rng: np.random.Generator) -> None:
    partitions = hive_partitions(example.scenario, example.population, rng)

    assert_recounted(example.scenario, partitions, example.population)


@settings(max_examples=5, derandomize=True, deadline=None)
@given(nested_scenarios(30, zoned=True), rngs)
def test_a_zones_name_may_hold_what_separates_folders(example: Example, rng: np.random.Generator) -> None:
    names = tuple(f"North/South = {i}" for i in range(len(example.scenario.zones.names["county"])))
    county, *others = example.scenario.root.variables
    root = replace(example.scenario.root, variables=(replace(county, categories=names), *others))
    zones = replace(example.scenario.zones, names={**example.scenario.zones.names, "county": names})
    scenario = replace(example.scenario, root=root, zones=zones)

    assert_recounted(scenario, hive_partitions(scenario, example.population, rng), example.population)


@settings(max_examples=10, derandomize=True, deadline=None)
@given(nested_scenarios(30), rngs)
def test_derived_variables_are_computed_anew(example: Example, rng: np.random.Generator) -> None:
    name, root, members = partition_of(example.scenario, example.population, rng)
    forged = root.assign(adults=0, wages=0), members.assign(is_old="y")

    assert_recounted(example.scenario, [(name, *forged)], example.population)


@settings(max_examples=5, derandomize=True, deadline=None)
@given(examples, rngs)
def test_an_altered_record_is_found_out_and_empty_frames_are_nobody(example: Example, rng: np.random.Generator) -> None:
    coder = compiled(example.scenario)
    name, root, members = partition_of(example.scenario, example.population, rng)
    expected = count_records(coder, example.population)

    found = recount_frames(coder, [(name, root.iloc[1:], members)])
    assert any((found[key] != expected[key]).any() for key in expected)
    nobody = recount_frames(coder, [(name, root.iloc[:0], None if members is None else members.iloc[:0])])
    assert {key: array.tolist() for key, array in nobody.items()} == {
        key: array.tolist() for key, array in no_counts(example.scenario).items()
    }
