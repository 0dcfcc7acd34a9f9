"""Chains: the order in which tables give variables, and each variable's density over its atoms."""

from dataclasses import replace

import numpy as np
import pytest

from schemas.expression import Aggregate, CategoryTest, Column, Compare, Constant
from schemas.model import Entity, Rule, Scenario, TargetTable, Variable, Zones
from synthesis.chain import build_chain
from tests.strategies import binned_axis, category_axis, compiled, table

A, B, C = (Variable(name, "category", categories=("0", "1")) for name in "abc")
AGE = Variable("age", "integer", low=0, high=9)
WHOLE = np.zeros(1, dtype=np.int64)


def joint(name: str, *variables: Variable, **changes: object) -> TargetTable:
    return table(name, [category_axis(v) for v in variables], np.ones(2 ** len(variables)), **changes)


def steps(*tables: TargetTable, variables: tuple[Variable, ...] = (A, B, C)) -> list[tuple[str, tuple[str, ...]]]:
    """Each step's table (or "") and the variables it gives."""
    coder = compiled(Scenario("trips", Entity("trip", variables), tables))
    links = build_chain(coder, "trip", WHOLE).links
    return [(link.cells.table.name if link.cells else "", link.variables) for link in links]


def density_of(*tables: TargetTable, variable: Variable = AGE) -> list[float]:
    coder = compiled(Scenario("trips", Entity("trip", (variable,)), tables))
    return build_chain(coder, "trip", WHOLE).densities[variable.name][0].tolist()


def test_a_chain_takes_the_largest_table_and_then_what_shares_most_with_it() -> None:
    alone = [("", ("a",)), ("", ("b",)), ("", ("c",))]

    assert steps(joint("a", A), joint("bc", B, C), joint("ab", A, B)) == [("bc", ("b", "c")), ("ab", ("a",)), *alone]
    assert steps(joint("ab", A, B), joint("b", B)) == [("ab", ("a", "b")), *alone]


def test_a_table_that_links_comes_before_a_larger_one_that_does_not() -> None:
    wide, tall = (Variable(name, "category", categories=tuple("0123456")) for name in ("wide", "tall"))
    tables = (
        table("wide_a", [category_axis(wide), category_axis(A)], np.ones(14)),
        table("ab", [category_axis(A), category_axis(B)], np.ones(4)),
        table("b_tall", [category_axis(B), category_axis(tall)], np.ones(14)),
    )

    assert [name for name, _ in steps(*tables, variables=(wide, A, B, tall))][:3] == ["wide_a", "ab", "b_tall"]


def test_a_table_of_a_universe_waits_until_its_universe_is_known() -> None:
    universe = CategoryTest(Column("trip", "c"), (1,))
    tables = joint("ab", A, B, universe=universe), joint("c", C)

    assert [name for name, _ in steps(*tables)][:2] == ["c", "ab"]
    assert [name for name, _ in steps(tables[0])] == ["", "", ""]


def test_tables_over_derived_variables_or_members_give_no_step() -> None:
    size = Variable("size", "integer", low=1, high=3)
    person = Entity("person", (AGE,), (), "trip", "size")
    universe = Aggregate("any", Compare(">", Column("person", "age"), Constant(3.0)))
    tables = (joint("a", A, universe=universe), table("ages", [binned_axis("age", 0, 5, 10)], [1, 1], "person"))
    coder = compiled(Scenario("trips", Entity("trip", (A, size)), tables, person))

    assert [link.cells for link in build_chain(coder, "trip", WHOLE).links] == [None, None]
    below = build_chain(coder, "person", WHOLE).links
    assert [link.variables for link in below] == [("age",), ("age",)]


def test_a_rule_is_judged_as_soon_as_its_variables_are_known() -> None:
    rule = Rule("linked", "trip", CategoryTest(Column("trip", "c"), (0,)), CategoryTest(Column("trip", "a"), (0,)))
    coder = compiled(Scenario("trips", Entity("trip", (A, B, C)), (joint("b", B),), rules=(rule,)))
    links = build_chain(coder, "trip", WHOLE).links

    assert [(link.variables, link.rules) for link in links] == [
        (("b",), ()),
        (("a",), ()),
        (("b",), ()),
        (("c",), (rule,)),
    ]


def test_without_tables_a_density_is_even_or_that_of_the_prior_weights() -> None:
    weighted = replace(AGE, prior_weights=(1.0, 3.0, *[0.0] * 8))
    halves = table("halves", [binned_axis("age", 0, 1, 10)], [1, 1])
    unused = replace(halves, universe=Compare(">=", Column("trip", "age"), Constant(0.0)))

    assert density_of() == pytest.approx([1.0])
    assert density_of(unused) == pytest.approx([0.5, 0.5])  # the only thing known, though of some
    assert density_of(unused, variable=weighted) == pytest.approx([0.25, 0.75])
    assert density_of(variable=A) == [0.5, 0.5]
    assert density_of(variable=replace(A, prior_weights=(1.0, 4.0))) == [0.2, 0.8]


def test_a_density_agrees_with_every_tables_margin() -> None:
    coarse = table("coarse", [binned_axis("age", 0, 4, 10)], [30, 70])
    other = table("other", [binned_axis("age", 0, 6, 10)], [50, 50])
    density = np.array(density_of(coarse, other))

    assert len(density) == 3
    assert density[0] == pytest.approx(0.3)
    assert density[2] == pytest.approx(0.5)


def test_a_density_is_that_of_the_units_own_zones() -> None:
    by_county = table("by_county", [category_axis(A)], [[1, 3], [9, 1]], zone_level="county")
    zones = Zones("county", ("county",), {}, {"county": np.arange(2)}, "county")
    county = Variable("county", "category", categories=("x", "y"))
    coder = compiled(Scenario("trips", Entity("trip", (county, A)), (by_county,), zones=zones))

    shares = [build_chain(coder, "trip", np.array([zone])).densities["a"][0].tolist() for zone in (0, 1)]
    assert shares == [[0.25, 0.75], [0.9, 0.1]]
