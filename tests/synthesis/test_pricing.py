"""Pricing: combinations that the chain does not draw, but that the tables together need, are found."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import CategoryTest, Column
from schemas.model import Entity, Rule, Scenario, TargetTable, Variable
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts
from synthesis.aims import build_aims
from synthesis.allocation import allocate
from synthesis.plan import Plan, plan_values
from synthesis.pricing import priced_rows
from synthesis.proposer import CHAIN, PRICED, broken_rules, build_proposer, propose
from synthesis.system import System, build_system
from synthesis.unit_plan import plan_unit
from synthesis.units import closed_units
from tests.strategies import Example, category_axis, compiled, nested_scenarios, rngs, table

LETTERS = [Variable(name, "category", categories=tuple("uvwxyz")) for name in "abc"]


def pairs(first: int, second: int) -> TargetTable:
    """Two of the letters of 600,000 records that repeat one letter, and of 100 with the letters u, v, u."""
    target = np.diag(np.full(6, 100_000.0))
    rare = (0, 1, 0)
    target[rare[first], rare[second]] += 100
    return table(f"t{first}{second}", [category_axis(LETTERS[i]) for i in (first, second)], target.ravel())


def rare_circle() -> Scenario:
    """Tables of all pairs of three letters; along a chain of two of them the rare combination is hardly ever drawn."""
    tables = (pairs(0, 1), pairs(1, 2), pairs(0, 2))
    return Scenario("circle", Entity("trip", tuple(LETTERS)), tables)


def first_plan(scenario: Scenario, rng: np.random.Generator) -> tuple:  # type: ignore[type-arg]
    coder, aims, counts = compiled(scenario), build_aims(scenario, None), no_counts(scenario)
    zones = closed_units(scenario)[0].zone_array
    proposer = build_proposer(coder, zones)
    plan = propose(proposer, np.repeat(zones, 300), rng, CHAIN).plan
    nobody = np.zeros(len(aims.zone_sizes), dtype=np.int64)

    def system_of(plan: Plan) -> System:
        values = plan_values(scenario, coder.grids, plan)
        return build_system(coder, values, zones, aims, counts, nobody, 1.0)

    return proposer, plan, system_of, float(aims.zone_sizes[zones].sum())


def test_a_combination_that_several_tables_need_is_found() -> None:
    scenario, rng = rare_circle(), np.random.default_rng(5)
    proposer, plan, system_of, total = first_plan(scenario, rng)
    system = system_of(plan)
    before = allocate(system, plan.prior, total)
    found = priced_rows(proposer, plan, system, before, system_of, rng)

    assert found is not None
    assert (found.proposal == PRICED).all()
    (unit,) = closed_units(scenario)
    planned = plan_unit(
        compiled(scenario), RunSettings(), build_aims(scenario, None), unit, 1, 1.0, no_counts(scenario)
    )
    assert before.missed > 90
    assert planned.missed < 1


@settings(max_examples=10, derandomize=True, deadline=None)
@given(nested_scenarios(100), rngs)
def test_found_rows_obey_the_rules_and_keep_their_zone_and_number_of_members(
    example: Example, rng: np.random.Generator
) -> None:
    scenario = example.scenario
    proposer, plan, system_of, total = first_plan(scenario, rng)
    if plan.count < 20:
        return
    few = plan.take(np.arange(20))
    system = system_of(few)
    found = priced_rows(proposer, few, system, allocate(system, few.prior, total), system_of, rng)
    if found is None:
        return

    assert (broken_rules(proposer, found) < 0).all()
    listed = proposer.coder.grids.of("household", "household_size").representatives()
    assert found.atoms.members_per_root().tolist() == listed[found.atoms.root["household_size"]].tolist()
    if scenario.zones is not None:
        assert set(found.atoms.root["county"].tolist()) <= set(few.atoms.root["county"].tolist())


@settings(max_examples=10, derandomize=True, deadline=None)
@given(st.integers(0, 5))
def test_what_a_rule_forbids_is_not_found(letter: int) -> None:
    never = Rule("never", "trip", CategoryTest(Column("trip", "a"), tuple(set(range(6)) - {letter})))
    scenario, rng = rare_circle(), np.random.default_rng(letter)
    scenario = Scenario(scenario.name, scenario.root, scenario.tables, rules=(never,))
    proposer, plan, system_of, total = first_plan(scenario, rng)
    system = system_of(plan)
    found = priced_rows(proposer, plan, system, allocate(system, plan.prior, total), system_of, rng)

    assert found is None or letter not in found.atoms.root["a"].tolist()
