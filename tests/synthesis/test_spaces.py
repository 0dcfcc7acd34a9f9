"""Spaces: what is enumerated, what is left out, and that a real population lies in them."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings

from schemas.expression import Aggregate, Column, Compare, Constant
from schemas.model import Axis, Derived, Entity, Scenario, Variable
from synthesis.cells import cell_ids
from synthesis.spaces import MAX_PATTERNS, build_spaces
from tests.strategies import Example, binned_axis, compiled, nested_scenarios, table


@settings(max_examples=25, derandomize=True, deadline=None)
@given(nested_scenarios(40))
def test_every_record_of_a_population_is_a_pattern(example: Example) -> None:
    coder = compiled(example.scenario)
    spaces, ids = build_spaces(coder), cell_ids(coder, example.population)
    for space in (*spaces.root, *spaces.member):
        whole = [name for name in space.tables if spaces.views[name].is_whole]
        tables = {t.name: t for t in example.scenario.tables}
        if not whole:
            continue
        seen = np.stack([np.where(ids[n] >= 0, ids[n] % tables[n].unit_cells, -1) for n in whole], axis=1)
        possible = {tuple(row) for row in np.stack([space.of(name) for name in whole], axis=1).tolist()}
        assert {tuple(row) for row in seen.tolist()} <= possible


def test_root_patterns_list_members_by_the_types_that_definitions_tell_apart() -> None:
    adults = Aggregate("count", Compare(">=", Column("person", "age"), Constant(18)))
    household = Entity(
        "household", (Variable("size", "integer", low=1, high=2),), (Derived("adults", "integer", adults),)
    )
    person = Entity("person", (Variable("age", "integer", low=0, high=99),), (), "household", "size")
    by_size = table("size", [binned_axis("size", 1, 2, 3)], [5, 5], "household")
    by_adults = table("adults", [binned_axis("adults", 0, 1, 3)], [1, 9], "household")
    spaces = build_spaces(compiled(Scenario("homes", household, (by_size, by_adults), person)))

    space = spaces.holding("adults")
    assert space.tables == ("size", "adults")
    assert space.members is not None
    assert sorted(zip(space.of("size").tolist(), space.members.sum(axis=1).tolist(), strict=True)) == [
        (0, 1), (0, 1), (1, 2), (1, 2), (1, 2),
    ]  # fmt: skip
    assert space.weights.sum() > 0


def test_a_component_too_large_to_enumerate_is_left_out_and_named() -> None:
    names = tuple(f"v{i}" for i in range(7))
    labels = tuple("abcdefgh")
    trip = Entity("trip", tuple(Variable(name, "category", categories=labels) for name in names))
    chained = [
        table(f"t{i}", [Axis(one, labels), Axis(other, labels)], np.ones(64))
        for i, (one, other) in enumerate(pairwise(names))
    ]
    spaces = build_spaces(compiled(Scenario("trips", trip, tuple(chained))))

    assert spaces.root == ()
    assert set(spaces.left_out) == {one.name for one in chained}
    assert f"{MAX_PATTERNS:,}" in spaces.left_out["t0"]
