"""Comparisons: cut to what both sides hold, sampled and split reproducibly, by whole root records."""

import numpy as np
import pytest
from hypothesis import given, settings

from schemas.errors import MetricError
from synthesis.comparison import ComparisonSettings, compare, hold_out, resampled_pairs
from synthesis.records import Records
from tests.strategies import Example, nested_scenarios

EXAMPLES = settings(max_examples=15, derandomize=True, deadline=None)


def plain(example: Example) -> Records:
    """The population without its derived variables."""
    population = example.population
    root = {v.name: population.root[v.name] for v in example.scenario.root.variables}
    members = {v.name: population.members[v.name] for v in example.scenario.member.variables}
    return Records(population.count, root, members, population.parent)


@EXAMPLES
@given(nested_scenarios(40))
def test_both_sides_hold_what_the_reference_has_and_derived_variables_anew(example: Example) -> None:
    records = plain(example)
    members = {name: column for name, column in records.members.items() if name != "wage"}
    reference = Records(records.count, records.root, members, records.parent)
    found = compare(example.scenario, records, reference, ComparisonSettings())

    assert found.absent == ("person.wage",)
    assert set(found.synthetic.members) == set(found.reference.members)
    assert "wages" not in found.synthetic.root
    assert np.array_equal(found.synthetic.root["adults"], example.population.root["adults"])


@EXAMPLES
@given(nested_scenarios(40))
def test_samples_are_reproducible_and_keep_households_whole(example: Example) -> None:
    records = plain(example)
    comparison = compare(example.scenario, records, records, ComparisonSettings(3, 2, max_records=30))
    again = compare(example.scenario, records, records, ComparisonSettings(3, 2, max_records=30))
    halves, twice = hold_out(comparison, 10), hold_out(again, 10)

    assert comparison.synthetic.count == 30
    assert np.array_equal(halves.first.members["age"], twice.first.members["age"])
    for side in (halves.synthetic, halves.first, halves.second, *next(resampled_pairs(comparison))):
        assert np.array_equal(side.members_per_root(), side.root["household_size"])


def test_halves_share_no_record() -> None:
    from schemas.model import Entity, Scenario, Variable

    scenario = Scenario("flat", Entity("trip", (Variable("x", "number", low=0, high=100),)), ())
    records = Records(100, {"x": np.arange(100.0)})
    halves = hold_out(compare(scenario, records, records, ComparisonSettings()), 1000)
    assert halves.first.count == halves.second.count == halves.synthetic.count == 50
    assert not set(halves.first.root["x"]) & set(halves.second.root["x"])
    one = Records(1, {"x": np.zeros(1)})
    with pytest.raises(MetricError, match="fewer than two"):
        hold_out(compare(scenario, records, one, ComparisonSettings()), 10)
