from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from schemas.errors import UserError
from schemas.expression import Compare, Constant
from schemas.model import Rule, Scenario, Tolerance, Variable
from synthesis.scenario_changes import check_changes, find_changes
from tests.strategies import AGE, PERSON, RULES, Example, binned_axis, nested_scenarios, table


def plain() -> Scenario:
    household = replace(PERSON, name="household", parent=None, count=None, derived=())
    first = table("age", [binned_axis("age", 0, 18, 100)], [1, 2], "household")
    return Scenario("s", household, (first,), rules=RULES[1:])


@settings(max_examples=15, deadline=None)
@given(nested_scenarios(size=60))
def test_new_figures_tolerances_and_words_are_no_change(example: Example) -> None:
    tables = tuple(
        replace(one, target=one.target + 1, tolerance=Tolerance("records", 3), note="n")
        for one in example.scenario.tables
    )
    assert find_changes(example.scenario, replace(example.scenario, tables=tables, title="t", size=7)) == []


def test_each_difference_is_named() -> None:
    before = plain()
    older = Variable("age", "integer", low=0, high=120)
    root = replace(before.root, variables=(older, *before.root.variables[2:], Variable("new", "number", high=1)))
    bins = table("age", [binned_axis("age", 0, 21, 100)], [1, 2], "household")
    rule = Rule("too_young", "person", Compare("<", AGE, Constant(3)))
    after = replace(before, root=root, tables=(bins, replace(bins, name="more")), rules=(rule,))
    assert find_changes(before, after) == [
        "variable household.work is gone",
        "variable household.new is new",
        "variable household.age differs",
        "rule old_enough is gone",
        "rule too_young differs",
        "table more is new",
        "table age differs",
    ]
    with pytest.raises(UserError, match=r"there: variable household.work is gone; .* \(and 4 more\): .*synthor run"):
        check_changes(before, after, "there")


def test_zones_have_to_stay() -> None:
    from tests.strategies import _zones

    before = replace(plain(), zones=_zones(3))
    assert before.zones is not None
    elsewhere = replace(before.zones, lookup={**before.zones.lookup, "region": np.array([1, 1, 0])})
    assert find_changes(before, replace(before, zones=elsewhere)) == ["the crosswalk of the zones differs"]
    assert find_changes(before, replace(before, zones=None)) == ["zones are gone"]
