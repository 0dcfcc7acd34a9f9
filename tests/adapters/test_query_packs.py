"""Packs: the shipped queries give known answers, and a user's own are checked with file and line."""

import numpy as np
import pytest

from adapters.query_packs import read_pack, shipped_packs
from schemas.errors import MetricError, ScenarioError, UserError
from schemas.model import Entity, Scenario, Variable
from synthesis.evaluation import obeys
from synthesis.metrics.queries import answer
from synthesis.records import Records

HOUSEHOLD = Entity(
    "home",
    (
        Variable("num_persons", "integer", low=2, high=5),
        Variable("housing_tenure", "category", categories=("Owned", "Rented")),
        Variable("householder_type", "category", categories=("Couple", "Single Male", "Single Female")),
        Variable("num_vehicles", "integer", low=0, high=6),
    ),
)
PERSON = Entity(
    "resident",
    (
        Variable("age", "integer", low=0, high=99),
        Variable("race", "category", categories=("White", "Black")),
        Variable("education", "category", categories=("Preschool", "Elementary", "High School", "Master", "Doctorate")),
        Variable("employment", "category", categories=("Under 16", "Employed", "Unemployed")),
        Variable("income", "integer", low=0, high=10**6),
    ),
    parent="home",
    count="num_persons",
)
SCENARIO = Scenario("town", HOUSEHOLD, (), PERSON)
# A couple of two employed owners with a child; a single woman of 70 who rents, with her grandchild.
RECORDS = Records(
    2,
    {
        "num_persons": np.array([3, 2]),
        "housing_tenure": np.array([0, 1]),
        "householder_type": np.array([0, 2]),
        "num_vehicles": np.array([3, 0]),
    },
    {
        "age": np.array([40, 38, 3, 70, 10]),
        "race": np.array([0, 0, 0, 1, 0]),
        "education": np.array([3, 2, 0, 4, 1]),
        "employment": np.array([1, 1, 0, 2, 0]),
        "income": np.array([90_000, 90_000, 0, 12_000, 0]),
    },
    np.array([0, 0, 0, 1, 1]),
)
ANSWERS = {
    "income_with_black_member": 12_000,
    "multigenerational_non_white": 0.5,
    "poor_with_elderly": 0.5,
    "poor_single_female": 0.5,
    "more_dependants_than_workers": 0.5,
    "educated_unemployed": 0.5,
    "couples_both_employed": 0.5,
    "couples_both_employed_income": 60_000,
    "age_owners_minus_renters": 27 - 40,
    "child_and_elderly": 0.5,
    "median_mean_age": 33.5,
    "with_child": 1.0,
    "poor_without_vehicle": 0.5,
    "child_without_vehicle": 0.5,
    "elderly_without_vehicle": 0.5,
    "rich_with_vehicles": 0.5,
}


def test_the_sixteen_policy_queries_answer_as_worked_out_by_hand():
    (pack,) = shipped_packs(SCENARIO)
    assert {query.name: answer(query, RECORDS) for query in pack.queries} == pytest.approx(ANSWERS)
    groups = [query.group for query in pack.queries]
    assert {group: groups.count(group) for group in groups} == {
        "Equity": 2, "Vulnerability": 3, "Employment": 3, "Household": 2, "Demographics": 2, "Mobility": 4,
    }  # fmt: skip


def test_the_realism_rules_accept_a_real_household_and_refuse_an_unreal_one():
    (pack,) = shipped_packs(SCENARIO)
    rules = {rule.name: rule for rule in pack.rules}
    assert all(obeys(rule, RECORDS, rule.entity == "resident").all() for rule in pack.rules)
    members = {**RECORDS.members, "age": np.array([40, 10, 17, 70, 10]), "employment": np.array([0, 1, 0, 2, 0])}
    unreal = Records(2, RECORDS.root, members, RECORDS.parent)
    assert obeys(rules["couple_has_two_adults"], unreal, False).tolist() == [False, True]
    assert obeys(rules["under_16_does_not_work"], unreal, True).tolist() == [True, False, True, True, True]
    assert obeys(rules["sixteen_is_not_under_16"], unreal, True).tolist() == [False, True, False, True, True]


def test_a_scenario_without_the_variables_is_asked_nothing():
    assert shipped_packs(Scenario("x", Entity("trip", (Variable("km", "number", low=0, high=9),)), ())) == []


def test_a_missing_variable_leaves_out_what_reads_it():
    fewer = Entity("home", HOUSEHOLD.variables[:3])
    (pack,) = shipped_packs(Scenario("town", fewer, (), PERSON))
    assert len(pack.queries) == 12
    assert dict(pack.left_out)["rich_with_vehicles"].startswith("unknown variable 'num_vehicles'")


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "own.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_own_queries_are_read_in_the_scenarios_own_words(written):
    path = written(
        "name: own\nqueries:\n  - {name: q, group: Mine, text: mean, statistic: mean,"
        " value: max(resident.age), among: num_vehicles == 0}\n"
    )
    (query,) = read_pack(path, SCENARIO).queries
    assert answer(query, RECORDS) == 70
    nobody = Records(1, {name: column[:1] for name, column in RECORDS.root.items()}, RECORDS.members, np.zeros(5, int))
    with pytest.raises(MetricError, match="'q' asks about no record"):
        answer(query, nobody)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "name: own\nqueries:\n  - {name: q, group: g, text: t, statistic: share, value: agee > 3}\n",
            "own.yaml:3: q: ",
        ),
        ("name: own\nqueries:\n  - {name: q, group: g, text: t, statistic: modus, value: age}\n", "own.yaml:3: "),
        ("name: own\nrules:\n  - {name: r, of: root, then: num_vehicles}\n", "yields a number, expected a truth"),
    ],
)
def test_mistakes_in_own_queries_have_a_line(written, text, told):
    with pytest.raises(ScenarioError) as caught:
        read_pack(written(text), SCENARIO)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read_pack(tmp_path / "none.yaml", SCENARIO)
