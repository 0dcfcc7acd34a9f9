"""Candidates from a prior: relations hold exactly, shares are kept, rules are obeyed, the rest follows the tables."""

from dataclasses import replace

import numpy as np
import pytest

from adapters.scenario_files import read_scenario
from schemas.settings import RunSettings
from synthesis.aggregates import count_records, no_counts
from synthesis.aims import build_aims
from synthesis.candidates import propose_unit
from synthesis.plan import plan_values
from synthesis.prior_drafting import build_prior_proposer
from synthesis.prior_proposer import propose_prior
from synthesis.proposer import CHAIN, FIRST_ARCHETYPE, build_proposer, describe_proposals, first_broken_rule, propose
from synthesis.sampling import draw
from synthesis.unit_plan import plan_unit
from synthesis.units import closed_units
from tests.adapters.examples import SHOP, VILLAGE, with_change, write_folder
from tests.adapters.prior_examples import INFORMED, PRIOR
from tests.strategies import compiled

FILE = "prior/prior.yaml"
HOUSEHOLDER, SPOUSE = 0, 1


def proposed(scenario, zones=(0,), rows=600, random_seed=0):
    """Candidates of the prior alone, and one record of each."""
    coder = compiled(scenario)
    proposer = build_prior_proposer(build_proposer(coder, np.array(zones)), scenario.prior, np.array(zones))
    zone_of_row = np.resize(np.array(zones), rows)
    proposals = propose_prior(proposer, zone_of_row, np.random.default_rng(random_seed))
    return proposals, plan_values(scenario, coder.grids, proposals.plan)


def positions(values):
    """Each member's place in its record."""
    sizes = values.members_per_root()
    return np.arange(values.member_count) - np.repeat(np.cumsum(sizes) - sizes, sizes)


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    return read_scenario(write_folder(tmp_path_factory.mktemp("village"), INFORMED))


def families(proposals, values):
    """Ages by position of records of the second archetype; NaN where there is no such member."""
    age = np.full((values.count, 4), np.nan)
    age[values.parent, positions(values)] = values.members["age"]
    return age[proposals.plan.proposal == FIRST_ARCHETYPE + 1]


def test_differences_between_members_hold_in_every_candidate(village):
    age = families(*proposed(village))
    assert len(age) > 50
    assert (np.abs(age[:, 1] - age[:, 0]) <= 15).all()
    for child in (2, 3):
        gap = age[:, 0] - age[:, child]
        gap = gap[~np.isnan(gap)]
        assert ((gap >= 18) & (gap <= 45)).all()
        assert np.nanmax(age[:, child]) <= 17


def test_relations_survive_the_draw(village):
    proposals, _ = proposed(village)
    coder = compiled(village)
    rows = np.repeat(np.flatnonzero(proposals.plan.proposal == FIRST_ARCHETYPE + 1), 3)
    drawn = draw(village, coder.grids, proposals.plan, rows, np.random.default_rng(1), 100).records
    age = np.full((drawn.count, 4), np.nan)
    age[drawn.parent, positions(drawn)] = drawn.members["age"]
    assert (np.abs(age[:, 1] - age[:, 0]) <= 15).all()
    assert (np.nanmin(age[:, 0:1] - age[:, 2:], axis=1) >= 18).all()


def test_values_follow_conditions_on_other_members(village):
    proposals, values = proposed(village)
    is_family = (proposals.plan.proposal == FIRST_ARCHETYPE + 1)[values.parent]
    sex = village.member.find("sex").categories
    assert {sex[code] for code in values.members["sex"][is_family & (positions(values) == SPOUSE)]} == {"male"}
    assert {sex[code] for code in values.members["sex"][is_family & (positions(values) == HOUSEHOLDER)]} == {"female"}


def test_same_as_holds_as_often_as_stated(village):
    proposals, values = proposed(village, rows=3000)
    is_family = (proposals.plan.proposal == FIRST_ARCHETYPE + 1)[values.parent]
    hours = values.members["hours"]
    theirs = hours[is_family & (positions(values) == HOUSEHOLDER)]
    ours = hours[is_family & (positions(values) == SPOUSE)]
    assert np.mean(ours == theirs) == pytest.approx(0.5, abs=0.06)


def test_a_relation_of_the_root_sees_its_members(village):
    proposals, values = proposed(village, rows=3000)
    alone = proposals.plan.proposal == FIRST_ARCHETYPE
    weights = proposals.plan.prior * alone
    assert (values.root["rent"] < 500) @ weights / weights.sum() == pytest.approx(0.7, abs=0.05)


def test_archetypes_keep_their_shares_where_they_occur(village):
    proposals, _ = proposed(village, rows=3000)
    alone = proposals.plan.prior[proposals.plan.proposal == FIRST_ARCHETYPE].sum()
    assert alone / proposals.plan.prior.sum() == pytest.approx(0.75, abs=0.01)


def test_an_archetype_stays_out_of_zones_that_its_condition_excludes(village):
    proposals, values = proposed(village, zones=(0, 2))
    is_family = proposals.plan.proposal == FIRST_ARCHETYPE + 1
    assert set(values.root["county"][is_family].tolist()) == {0}
    assert set(values.root["county"].tolist()) == {0, 2}


def test_no_candidate_breaks_a_rule_and_every_one_lists_its_members(village):
    _, values = proposed(village)
    assert (first_broken_rule(village, village.rules, values) < 0).all()
    assert (values.members_per_root() == values.root["size"]).all()


def test_impossible_records_are_drawn_anew_and_counted(tmp_path):
    prior = PRIOR.replace(
        '{role: child, number: {"1": 0.6, "2": 0.4}, values: {age: [0, 17]}}', "{role: child, values: {age: [15, 17]}}"
    )
    scenario = read_scenario(write_folder(tmp_path, {**INFORMED, FILE: prior}))
    proposals, values = proposed(scenario)
    age = families(proposals, values)
    assert (age[:, 0] - age[:, 2] >= 18).all()
    assert proposals.drawn > proposals.plan.count
    assert sum(proposals.rejections.values()) >= proposals.drawn - proposals.plan.count > 0


def test_an_archetype_that_no_record_fits_yields_none(tmp_path):
    prior = PRIOR.replace("age: [20, 60], sex: female", "age: [61, 80], sex: female").replace("[18, 70]", "[18, 30]")
    scenario = read_scenario(write_folder(tmp_path, {**INFORMED, FILE: prior}))
    proposals, _ = proposed(scenario)
    assert set(proposals.plan.proposal.tolist()) == {FIRST_ARCHETYPE}


def test_what_the_prior_leaves_open_follows_the_tables(tmp_path):
    share = with_change(
        INFORMED,
        "scenario.yaml",
        "    variables: [age]\n    zone: state\n    file: targets/age.csv",
        "    variables: [sex]\n    zone: state\n    file: targets/sex.csv",
    )
    files = {
        **share,
        "targets/sex.csv": "state,sex,share\nnorth,female,0.9\nnorth,male,0.1\nsouth,female,0.5\nsouth,male,0.5\n",
    }
    proposals, values = proposed(read_scenario(write_folder(tmp_path, files)), rows=2000)
    alone = (proposals.plan.proposal == FIRST_ARCHETYPE)[values.parent]
    assert np.mean(values.members["sex"][alone] == 0) == pytest.approx(0.9, abs=0.03)


def test_members_that_no_archetype_lists_come_from_the_tables(tmp_path):
    prior = """\
author: somebody
date: 2026-11-22
archetypes:
  - {name: large, share: 1, reason: as an example, values: {size: [3, 4]}}
relations:
  - {name: rested, variable: hours, when: age < 10, values: 0, reason: children}
"""
    scenario = read_scenario(write_folder(tmp_path, {**VILLAGE, FILE: prior}))
    _, values = proposed(scenario)
    assert set(values.members_per_root().tolist()) == {3, 4}
    assert (values.members["hours"][values.members["age"] < 10] == 0).all()


def test_siblings_follow_the_member_before(tmp_path):
    sibling = """\
  - name: siblings
    role: child
    variable: age
    difference: {to: previous, value: [-3, -1]}
    reason: listed from the eldest
"""
    prior = PRIOR.replace("relations:\n", "relations:\n" + sibling)
    age = families(*proposed(read_scenario(write_folder(tmp_path, {**INFORMED, FILE: prior}))))
    gap = (age[:, 3] - age[:, 2])[~np.isnan(age[:, 3])]
    assert len(gap) > 0
    assert set(gap.tolist()) <= {-3.0, -2.0, -1.0}
    assert (age[:, 0] - age[:, 2] >= 18).all()


def test_a_role_variable_is_set_and_rules_may_use_it(tmp_path):
    files = with_change(
        INFORMED,
        "scenario.yaml",
        "      sex: {type: category, categories: [female, male]}\n",
        "      sex: {type: category, categories: [female, male]}\n"
        "      place: {type: category, categories: [householder, spouse, child, other]}\n",
    )
    files["scenario.yaml"] += """\
  - name: one_spouse
    entity: household
    then: count(person.place == "spouse") <= 1
  - name: spouses_within_ten_years
    entity: household
    when: any(person.place == "spouse")
    then: >-
      max(person.age if person.place == "spouse" else 0) - max(person.age if person.place == "householder" else 0) <= 10
"""
    scenario = read_scenario(write_folder(tmp_path, {**files, FILE: "role_variable: place\n" + PRIOR}))
    proposals, values = proposed(scenario)
    place = values.members["place"]
    assert ((place == 0) == (positions(values) == 0)).all()
    age = families(proposals, values)
    assert (age[:, 1] - age[:, 0] <= 10).all()
    assert proposals.rejections["spouses_within_ten_years"] > 0


def test_a_flat_scenario_draws_its_archetypes(tmp_path):
    prior = """\
author: somebody
date: 2026-11-22
archetypes:
  - {name: small, share: 3, reason: most, values: {items: [1, 3], paid: {by card: 0.9, in cash: 0.1}}}
  - {name: large, share: 1, reason: some, values: {items: {normal: [8, 1], within: [5, 9]}}}
relations:
  - {name: cheap, variable: price, when: items <= 3, values: {"<100": 0.8, "100+": 0.2}, reason: few items}
"""
    proposals, values = proposed(read_scenario(write_folder(tmp_path, {**SHOP, FILE: prior})), rows=2000)
    small = proposals.plan.proposal == FIRST_ARCHETYPE
    assert values.root["items"][small].max() <= 3
    assert values.root["items"][~small].min() >= 5
    assert np.mean(values.root["price"][small] < 100) == pytest.approx(0.8, abs=0.05)


def test_candidates_of_the_chain_are_mixed_in(village):
    offline = build_proposer(compiled(village), np.array([0]))
    rows, settings = np.zeros(400, dtype=np.int64), RunSettings()
    plan = propose_unit(offline, settings, (), np.array([0]), rows, np.random.default_rng(0)).plan
    assert plan.prior[plan.proposal == CHAIN].sum() / plan.prior.sum() == pytest.approx(settings.chain_share)


def test_without_a_prior_candidates_are_the_chains(village):
    plain = replace(village, prior=None)
    offline, zones = build_proposer(compiled(plain), np.array([0])), np.zeros(200, dtype=np.int64)
    unit = propose_unit(offline, RunSettings(), (), np.array([0]), zones, np.random.default_rng(0)).plan
    chain = propose(offline, zones, np.random.default_rng(0), CHAIN).plan
    assert all((unit.atoms.members[name] == column).all() for name, column in chain.atoms.members.items())


def test_the_same_generator_gives_the_same_candidates(village):
    (first, _), (second, _) = proposed(village), proposed(village)
    for name, column in first.plan.atoms.members.items():
        assert (column == second.plan.atoms.members[name]).all()


def test_tables_are_met_whatever_the_prior_says(village):
    coder, aims = compiled(village), build_aims(village, None)
    for unit in closed_units(village):
        planned = plan_unit(coder, RunSettings(), aims, unit, 1, 1.0, no_counts(village))
        values = plan_values(village, coder.grids, planned.plan).take(
            np.repeat(np.arange(planned.plan.count), planned.counts)
        )
        assert values.count == aims.zone_sizes[unit.zone_array].sum()
        counts = count_records(coder, values)["size"].reshape(3, 2)[unit.zone_array]
        assert (counts == village.tables[0].target[unit.zone_array]).all()


def test_proposals_say_whose_archetype_they_are(village):
    proposals, _ = proposed(village)
    counts = np.ones(proposals.plan.count, dtype=np.int64)
    coder = compiled(village)
    described = describe_proposals(coder, closed_units(village)[:1], proposals.plan, counts, 1)
    assert [one["archetype"] for one in described] == ["alone", "family"]
    assert {(one["author"], one["date"], one["prior"]) for one in described} == {
        ("somebody", "2026-11-22", "prior.yaml")
    }
    assert described[1]["reason"] == "couples with children"
