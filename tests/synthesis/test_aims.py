"""Aims: sizes of zones and every table scaled to the size of the run, contradictions being named."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import UserError
from schemas.expression import Column, Compare, Constant
from schemas.model import Axis, Entity, Scenario, TargetTable, Variable, Zones
from synthesis.aims import build_aims, largest_remainder
from tests.strategies import Example, flat_scenarios, nested_scenarios, table

SEX = Axis("sex", ("f", "m"))
COUNTIES = Zones("county", ("county",), {"county": ("a", "b")}, {"county": np.arange(2)}, "county")
SEXES = Variable("sex", "category", categories=("f", "m"))


def scenario_of(*tables: TargetTable, zones: Zones | None = None, size: int | None = None) -> Scenario:
    county = (Variable("county", "category", categories=("a", "b")),) if zones else ()
    person = Entity("person", (Variable("age", "integer", low=0, high=9),), (), "trip", "stops")
    root = Entity("trip", (*county, SEXES, Variable("stops", "integer", low=0, high=3)))
    return Scenario("trips", root, tables, person, zones, size=size)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(60), nested_scenarios(60)))
def test_aims_at_the_published_size_are_the_published_figures(example: Example) -> None:
    aims = build_aims(example.scenario, None)

    assert aims.zone_sizes.sum() == example.population.count
    assert aims.reconciliations == ()
    for held in example.scenario.tables:
        units = held.target.reshape(held.units, -1)
        if held.binds == "share":
            units = units / np.where(units.sum(axis=1) > 0, units.sum(axis=1), 1)[:, None]
        np.testing.assert_allclose(aims.targets[held.name], units.ravel(), rtol=1e-12)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(60), nested_scenarios(60)), st.integers(1, 10_000))
def test_another_size_scales_counts_by_zone_and_leaves_shares(example: Example, size: int) -> None:
    scenario = example.scenario
    published, scaled = build_aims(scenario, None), build_aims(scenario, size)

    assert scaled.zone_sizes.sum() == size
    ideal = published.zone_sizes * (size / published.zone_sizes.sum())
    assert np.abs(scaled.zone_sizes - ideal).max() < 1
    for held in scenario.tables:
        before, after = (aims.targets[held.name].reshape(held.units, -1) for aims in (published, scaled))
        if held.binds == "share":
            assert (before == after).all()
            continue
        level = np.zeros(len(ideal), int) if held.zone_level is None else scenario.zones.lookup[held.zone_level]
        of, to = (np.bincount(level, weights=aims.zone_sizes) for aims in (published, scaled))
        np.testing.assert_allclose(after, before * (to / np.where(of > 0, of, 1))[:, None], rtol=1e-9)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.lists(st.just(0.0) | st.floats(1e-3, 1e6), min_size=1, max_size=8).filter(lambda w: sum(w) > 0),
    st.integers(1, 10**7),
)
def test_largest_remainder_sums_to_the_total_within_one_of_each_proportion(weights: list[float], total: int) -> None:
    exact = np.array(weights) * (total / sum(weights))
    whole = largest_remainder(np.array(weights), total)

    assert whole.sum() == total
    assert (np.abs(whole - exact) < 1 + 1e-6).all()
    assert (whole[np.array(weights) == 0] == 0).all()


def test_ties_go_to_the_first_zones() -> None:
    assert largest_remainder(np.ones(4), 6).tolist() == [2, 2, 1, 1]


def test_the_size_is_the_runs_then_the_scenarios_then_the_published_total() -> None:
    first = table("sex", [SEX], [30, 70])

    assert build_aims(scenario_of(first), None).zone_sizes.tolist() == [100]
    assert build_aims(scenario_of(first, size=40), None).zone_sizes.tolist() == [40]
    assert build_aims(scenario_of(first, size=40), 7).targets["sex"].tolist() == pytest.approx([2.1, 4.9])


def test_a_contradictory_root_total_is_rescaled_and_noted() -> None:
    first = table("sex", [SEX], [30, 70])
    more = table("stops", [SEX], [55, 55])
    aims = build_aims(scenario_of(first, more), 50)

    assert aims.targets["stops"].tolist() == [25.0, 25.0]
    assert [(note.table, note.magnitude) for note in aims.reconciliations] == [("stops", pytest.approx(5.0))]
    assert aims.reconciliations[0].what == "totals differ from the trip counts of the first table: rescaled to them"


def test_contradictory_zone_totals_are_rescaled_zone_by_zone() -> None:
    first = table("sex", [SEX], [[30, 70], [10, 10]], zone_level="county")
    more = table("more", [SEX], [[50, 50], [40, 0]], zone_level="county")
    aims = build_aims(scenario_of(first, more, zones=COUNTIES), None)

    assert aims.zone_sizes.tolist() == [100, 20]
    assert aims.targets["more"].tolist() == [50, 50, 20, 0]
    assert [note.magnitude for note in aims.reconciliations] == [pytest.approx(20.0)]


def test_totals_within_half_a_record_are_rescaled_without_a_note() -> None:
    aims = build_aims(scenario_of(table("sex", [SEX], [30, 70]), table("more", [SEX], [50, 50.4])), None)

    assert aims.targets["more"].sum() == pytest.approx(100)
    assert aims.reconciliations == ()


def test_tables_of_members_or_of_a_universe_are_scaled_but_never_reconciled() -> None:
    universe = Compare(">", Column("trip", "stops"), Constant(0.0))
    ages = table("ages", [Axis("age", ("0-9",), np.array([0.0]), np.array([10.0]))], [250], "person")
    aims = build_aims(
        scenario_of(table("sex", [SEX], [30, 70]), table("some", [SEX], [8, 4], universe=universe), ages), 50
    )

    assert aims.targets["some"].tolist() == [4, 2]
    assert aims.targets["ages"].tolist() == [125]
    assert aims.reconciliations == ()


def test_a_unit_without_anybody_binds_no_share() -> None:
    first = table("sex", [SEX], [[30, 70], [0, 0]], zone_level="county")
    aims = build_aims(scenario_of(first, replace(first, name="shares", binds="share"), zones=COUNTIES), None)

    assert aims.targets["shares"].tolist() == [0.3, 0.7, 0, 0]
    assert aims.zone_sizes.tolist() == [100, 0]


def test_shares_alone_need_a_size_without_zones_and_a_count_table_with_them() -> None:
    shares = table("sex", [SEX], [0.25, 0.75], measure="share", binds="share")

    assert build_aims(scenario_of(shares), 8).zone_sizes.tolist() == [8]
    with pytest.raises(UserError, match=r"^trips: no table counts trip records by county, expected one"):
        build_aims(scenario_of(shares, zones=COUNTIES), 8)


def test_tables_that_count_nobody_are_refused() -> None:
    with pytest.raises(UserError, match=r"counts no trip at all$"):
        build_aims(scenario_of(table("sex", [SEX], [0, 0])), None)
