"""The offline proposer: candidate plan rows that obey the rules, what is dropped being counted."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import Aggregate, Arithmetic, CategoryTest, Column, Compare, Constant
from schemas.model import Derived, Entity, Rule, Scenario, Variable
from synthesis.evaluation import obeys
from synthesis.plan import plan_values
from synthesis.proposer import (
    CHAIN,
    FLAT,
    Proposals,
    build_proposer,
    describe_proposals,
    first_broken_rule,
    is_static,
    propose,
)
from synthesis.records import Records
from synthesis.sampling import draw
from synthesis.units import closed_units
from tests.strategies import (
    Example,
    binned_axis,
    category_axis,
    compiled,
    flat_scenarios,
    nested_scenarios,
    rngs,
    table,
)

ROWS = 400
X, Y, COLOUR = Column("trip", "x"), Column("trip", "y"), Column("trip", "colour")
COLOURS = Variable("colour", "category", categories=("red", "green", "blue"))


def proposals_of(scenario: Scenario, rng: np.random.Generator, flat: bool = False) -> Proposals:
    """Candidates of the first closed unit."""
    zones = closed_units(scenario)[0].zone_array
    proposer = build_proposer(compiled(scenario), zones)
    return propose(proposer, np.repeat(zones, ROWS // len(zones)), rng, FLAT if flat else CHAIN, flat)


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(100), nested_scenarios(100)), rngs, st.booleans())
def test_every_candidate_obeys_every_static_rule(example: Example, rng: np.random.Generator, flat: bool) -> None:
    scenario = example.scenario
    coder = compiled(scenario)
    proposals = proposals_of(scenario, rng, flat)
    values = plan_values(scenario, coder.grids, proposals.plan)

    assert all(is_static(coder.grids, scenario, rule) for rule in scenario.rules)
    for rule in scenario.rules:
        assert obeys(rule, values, rule.entity != scenario.root.name).all()
    drawn = draw(scenario, coder.grids, proposals.plan, np.arange(proposals.plan.count), rng, 0)
    assert drawn.rejections == {}


@settings(max_examples=40, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(100), nested_scenarios(100)), rngs)
def test_accepted_and_rejected_candidates_are_all_that_were_drawn(example: Example, rng: np.random.Generator) -> None:
    wanted = ROWS // len(closed_units(example.scenario)[0].zones) * len(closed_units(example.scenario)[0].zones)
    proposals = proposals_of(example.scenario, rng)
    rejected = sum(proposals.rejections.values())

    assert proposals.plan.count + rejected == proposals.drawn
    assert proposals.plan.count <= wanted <= proposals.drawn
    assert set(proposals.rejections) <= {rule.name for rule in example.scenario.rules}
    assert (proposals.plan.prior > 0).all()
    assert (len(proposals.rejected_rules) > 0) == (rejected > 0)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(nested_scenarios(100), rngs)
def test_candidates_list_as_many_members_as_they_say(example: Example, rng: np.random.Generator) -> None:
    scenario = example.scenario
    plan = proposals_of(scenario, rng).plan
    values = plan_values(scenario, compiled(scenario).grids, plan)

    assert values.members_per_root().tolist() == values.root["household_size"].tolist()
    assert set(plan.atoms.root) >= {variable.name for variable in scenario.root.variables}


def flat_trips(*rules: Rule, derived: tuple[Derived, ...] = ()) -> Scenario:
    variables = (COLOURS, Variable("x", "integer", low=0, high=9), Variable("y", "number", low=0, high=10))
    tables = (table("colours", [category_axis(COLOURS)], [1, 1, 2]),)
    return Scenario("trips", Entity("trip", variables, derived), tables, rules=rules)


def test_a_rule_that_nobody_can_obey_rejects_everything_by_name_and_keeps_examples() -> None:
    never = Rule("never", "trip", Compare("<", X, Constant(0.0)))
    late = Rule("late", "trip", CategoryTest(COLOUR, (0, 1, 2)))
    proposals = proposals_of(flat_trips(late, never), np.random.default_rng(1))

    assert proposals.plan.count == 0
    assert proposals.rejections == {"never": ROWS}
    assert proposals.rejected.count == 5
    assert proposals.rejected_rules == ("never",) * 5


def test_rules_between_variables_without_tables_are_obeyed() -> None:
    when, then = Compare(">", X, Constant(1.0)), Compare("<=", Y, Constant(0.5))
    rules = Rule("x_then_y", "trip", then, when), Rule("y_then_red", "trip", CategoryTest(COLOUR, (0,)), then)
    proposals = proposals_of(flat_trips(*rules), np.random.default_rng(2))

    assert proposals.plan.count > 0
    assert proposals.plan.count + sum(proposals.rejections.values()) == ROWS


def test_a_rule_between_exact_numbers_is_not_static_and_left_to_the_draw() -> None:
    rule = Rule("less", "trip", Compare("<", X, Y))
    scenario = flat_trips(rule)
    grids = compiled(scenario).grids

    assert not is_static(grids, scenario, rule)
    assert is_static(grids, scenario, replace(rule, then=Compare("<", X, Constant(3.0))))
    assert is_static(grids, scenario, replace(rule, then=Compare("<", Arithmetic("*", X, X), Constant(3.0))))
    assert proposals_of(scenario, np.random.default_rng(3)).plan.count == ROWS


def test_a_rule_on_a_derived_variable_in_wide_bins_is_static() -> None:
    double = Derived("double", "integer", Arithmetic("*", X, Constant(2.0)), low=0, high=18)
    rule = Rule("bounded", "trip", Compare("<=", Arithmetic("+", Column("trip", "double"), Constant(0.0)), Y))
    odd = replace(rule, then=Compare("<=", Arithmetic("+", Column("trip", "double"), Constant(1.0)), Constant(8.0)))
    scenario = flat_trips(odd, derived=(double,))
    scenario = replace(scenario, tables=(*scenario.tables, table("doubles", [binned_axis("double", 0, 6, 19)], [1, 1])))
    proposals = proposals_of(scenario, np.random.default_rng(4))
    grids = compiled(scenario).grids

    assert is_static(grids, scenario, odd)
    assert not is_static(grids, scenario, rule)
    assert plan_values(scenario, grids, proposals.plan).root["double"].max() <= 7


def test_the_first_rule_that_a_record_or_a_member_breaks_is_named() -> None:
    person = Entity("person", (Variable("age", "integer", low=0, high=99),), (), "household", "size")
    scenario = Scenario("homes", Entity("household", (Variable("size", "integer", low=0, high=2),)), (), person)
    adult = Rule("adult", "household", Aggregate("any", Compare(">=", Column("person", "age"), Constant(18.0))))
    young = Rule("young", "person", Compare("<", Column("person", "age"), Constant(65.0)))
    records = Records(4, {"size": np.array([0, 2, 1, 1])}, {"age": np.array([5, 70, 70, 20])}, np.array([1, 1, 2, 3]))

    assert first_broken_rule(scenario, (young, adult), records).tolist() == [1, 0, 0, -1]
    assert first_broken_rule(scenario, (adult, young), records).tolist() == [0, 1, 1, -1]
    assert first_broken_rule(scenario, (), records).tolist() == [-1] * 4


def test_the_description_of_proposals_shares_out_all_records() -> None:
    scenario = flat_trips()
    rng = np.random.default_rng(5)
    plan = proposals_of(scenario, rng).plan
    plan = replace(plan, proposal=(np.arange(plan.count) % 2).astype(np.int64))
    described = describe_proposals(compiled(scenario), closed_units(scenario), plan, np.arange(plan.count), 7)

    assert [entry["proposal_id"] for entry in described] == ["p000007-0", "p000007-1"]
    assert sum(entry["records"] for entry in described) == np.arange(ROWS).sum()
    assert sum(entry["plan_rows"] for entry in described) == ROWS
    assert "colours" in described[0]["reason"]
