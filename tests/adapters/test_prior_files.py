"""A prior's files: what they become, and what the author of a broken one is told."""

import pytest

from adapters.scenario_document import Document
from adapters.scenario_files import input_files, read_scenario
from schemas.prior import Difference, Mix, Normal, SameAs
from tests.adapters.examples import SHOP, refusal, with_change, write_folder
from tests.adapters.prior_examples import INFORMED, PRIOR

FILE = "prior/prior.yaml"
MISTAKES = {
    "no author": ("author: somebody\n", "", "1: scenario: missing key 'author'"),
    "no date": ("date: 2026-11-22", "date: soon", "2: date: expected"),
    "mistyped key": (
        "    share: 3",
        "    shares: 3",
        "5: archetypes.0.shares: unknown key 'shares' (did you mean 'share'?)",
    ),
    "no share": ("    share: 3", "    share: 0", "5: archetypes.0.share: expected"),
    "no reason": ("    reason: many live alone\n", "", "4: archetypes.0: missing key 'reason'"),
    "repeated name": ("name: family", "name: alone", "9: archetypes.1.name: an archetype named 'alone' exists already"),
    "unknown variable": (
        "values: {age: [18, 95]}",
        "values: {ages: [18, 95]}",
        "8: archetypes.0.members.0.values.ages: unknown variable 'ages' of person (did you mean 'age'?)",
    ),
    "derived variable": (
        "values: {age: [18, 95]}",
        "values: {days: 1}",
        "8: archetypes.0.members.0.values.days: 'days' is derived, expected a variable of person that can be set",
    ),
    "outside the range": (
        "[18, 95]",
        "[18, 120]",
        "8: archetypes.0.members.0.values.age.1: 120 leaves the range 0 to 99 of age",
    ),
    "range upside down": (
        "[18, 95]",
        "[95, 18]",
        "8: archetypes.0.members.0.values.age: expected [low, high] with low",
    ),
    "three ends": ("[18, 95]", "[18, 30, 95]", "8: archetypes.0.members.0.values.age: expected [low, high]"),
    "fraction": ("[18, 95]", "18.5", "8: archetypes.0.members.0.values.age: age is an integer, got 18.5"),
    "text for a number": ("[18, 95]", "old", "8: archetypes.0.members.0.values.age: expected a number, [low, high]"),
    "unknown category": (
        "sex: female}}",
        "sex: femal}}",
        "15: archetypes.1.members.0.values.sex: 'femal' is no category of sex",
    ),
    "bare yes": ("sex: female}}", "sex: yes}}", "15: archetypes.1.members.0.values.sex: got true or false"),
    "bad bin": ('"1": 0.6', '"1-x": 0.6', "17: archetypes.1.members.2.number.1-x: cannot read bin '1-x'"),
    "negative weight": ('"2": 0.4', '"2": -1', "17: archetypes.1.members.2.number.2: weight -1, expected 0 to 1e9"),
    "no weight": (
        "{owned: 0.8, rented: 0.2}",
        "{owned: 0}",
        "13: archetypes.1.values.tenure: expected at least one positive",
    ),
    "no deviation": (
        "normal: [1, 4]",
        "normal: [1, 0]",
        "22: relations.0.difference.value.normal: expected a positive",
    ),
    "unknown part": (
        "lognormal: [700, 0.5]",
        "lognormal: [700, 0.5], upto: 3",
        "13: archetypes.1.values.rent.upto: unknown key",
    ),
    "count set": (
        "values: {tenure:",
        "values: {size: 4, tenure:",
        "13: archetypes.1.values.size: this is the number of members listed, expected it left out",
    ),
    "too many members": (
        '{"1": 0.6, "2": 0.4}',
        "4",
        "14: archetypes.1.members: lists 6 to 6 members, expected 1 to 4 (size)",
    ),
    "zone set": (
        "values: {tenure:",
        'values: {county: "01", tenure:',
        "13: archetypes.1.values.county: unknown variable",
    ),
    "condition": ('when: county in ("01", "02")', "when: county > 3", "11: archetypes.1.when:"),
    "reserved role": (
        "{role: spouse, values: {age: [18, 70]}}",
        "{role: person}",
        "16: archetypes.1.members.1.role: 'person' is reserved",
    ),
    "unknown role": (
        "    role: spouse\n    variable: age",
        "    role: wife\n    variable: age",
        "20: relations.0.role: no archetype has a member of role 'wife'",
    ),
    "unknown other": (
        "{to: householder, value",
        "{to: husband, value",
        "22: relations.0.difference.to: no archetype has a member of role",
    ),
    "two kinds": (
        "    same: {to: householder, probability: 0.5}",
        "    same: {to: householder}\n    values: 3",
        "35: relations.3: expected one of difference, same and values, got same and values",
    ),
    "no kind": ("    values: male\n", "", "29: relations.2: expected one of difference, same and values, got none"),
    "probability": ("probability: 0.5", "probability: 1.5", "38: relations.3.same.probability: expected at most 1"),
    "difference of categories": (
        "    variable: age\n    difference: {to: [spouse",
        "    variable: sex\n    difference: {to: [spouse",
        "27: relations.1.difference: sex is a category, expected a numeric variable",
    ),
    "role of the root": (
        "    entity: household\n",
        "    entity: household\n    role: child\n",
        "42: relations.4.role: household has no roles",
    ),
    "relation of the root": (
        '    values: {"<500": 0.7, "500+": 0.3}',
        "    same: {to: child}",
        "44: relations.4.same: a same relates members, expected values for household",
    ),
    "another's variable": (
        "householder.sex ==",
        "householder.sexes ==",
        "32: relations.2.when: unknown entity 'householder'",
    ),
    "derived in a condition": (
        "count(person.age >= 18) == 1",
        "adults == 1",
        "43: relations.4.when: unknown variable 'adults'",
    ),
    "number of members": (
        "    variable: rent\n",
        "    variable: size\n",
        "42: relations.4.variable: this is the number of members",
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line(tmp_path, old, new, told):
    assert refusal(write_folder(tmp_path, with_change(INFORMED, FILE, old, new))).startswith(f"{FILE}:{told}")


def test_a_prior_is_read(tmp_path):
    prior = read_scenario(write_folder(tmp_path, INFORMED)).prior
    assert prior.roles == ("householder", "spouse", "child")
    assert [(a.name, a.share) for a in prior.archetypes] == [("alone", 0.75), ("family", 0.25)]
    assert prior.archetypes[1].members[2].number == Mix((1.0, 2.0), (2.0, 3.0), (0.6, 0.4))
    spouse, child, _, hours, rent = (relation.follows for relation in prior.relations)
    assert spouse == Difference(("householder",), None, Normal(1.0, 4.0, -15.0, 15.0))
    assert child.roles == ("spouse", "householder")
    assert hours == SameAs(("householder",), None, 0.5)
    assert rent == Mix((0.0, 500.0), (500.0, 2000.0), (0.7, 0.3))
    assert prior.sources[0].author == "somebody"


def test_a_scenario_without_prior_has_none(tmp_path):
    assert read_scenario(write_folder(tmp_path, SHOP)).prior is None


def test_files_are_pooled_by_weight(tmp_path):
    other = PRIOR.replace("name: alone", "name: single").replace("name: family", "name: parents")
    files = {**INFORMED, "prior/second.yaml": "weight: 3\n" + other}
    prior = read_scenario(write_folder(tmp_path, files)).prior
    assert [a.share for a in prior.archetypes] == pytest.approx([3 / 16, 1 / 16, 9 / 16, 3 / 16])
    assert [a.source for a in prior.archetypes] == [0, 0, 1, 1]
    assert sorted({relation.source for relation in prior.relations}) == [0, 1]


def test_a_name_is_taken_across_files(tmp_path):
    told = refusal(write_folder(tmp_path, {**INFORMED, "prior/second.yaml": PRIOR}))
    assert told == "prior/second.yaml:4: archetypes.0.name: an archetype named 'alone' exists already"


def test_the_prior_is_part_of_the_scenario(tmp_path):
    plain = read_scenario(write_folder(tmp_path / "a", INFORMED)).fingerprint
    changed = with_change(INFORMED, FILE, "share: 3", "share: 4")
    assert read_scenario(write_folder(tmp_path / "b", changed)).fingerprint != plain
    assert FILE in input_files(Document(tmp_path / "a"))


def test_a_flat_scenario_may_have_a_prior(tmp_path):
    prior = """\
author: somebody
date: 2026-11-22
archetypes:
  - {name: small, share: 1, reason: most, values: {items: [1, 3], paid: {by card: 0.9, in cash: 0.1}}}
relations:
  - {name: cheap, variable: price, when: items < 3, values: {"<100": 1}, reason: few items}
"""
    found = read_scenario(write_folder(tmp_path, {**SHOP, FILE: prior})).prior
    assert (found.roles, found.relations[0].entity) == ((), "order")
    members = prior.replace("reason: most,", "reason: most, members: [{role: a}],")
    told = refusal(write_folder(tmp_path / "b", {**SHOP, FILE: members}))
    assert told == f"{FILE}:4: archetypes.0.members: the scenario has no member entity, expected values only"


def test_a_role_variable_holds_the_roles(tmp_path):
    told = refusal(write_folder(tmp_path, {**INFORMED, FILE: "role_variable: sex\n" + PRIOR}))
    assert told.startswith(f"{FILE}:1: role_variable: role 'householder' is no category of sex")
