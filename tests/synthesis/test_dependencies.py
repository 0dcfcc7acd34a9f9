"""What inferred groups of variables do to the target tables."""

import numpy as np
import pytest

from schemas.dependencies import Dependencies, Group, GuessedCell
from schemas.model import Entity, Scenario, Variable
from synthesis.dependencies import apply_dependencies, judge_groups
from tests.strategies import category_axis, table

NAMES = ("a", "b", "c", "d")
VARIABLES = {name: Variable(name, "category", categories=(f"{name}0", f"{name}1")) for name in NAMES}
AXES = {name: category_axis(variable) for name, variable in VARIABLES.items()}
AB, BC = np.array([[30.0, 10.0], [20.0, 40.0]]), np.array([[45.0, 5.0], [10.0, 40.0]])


def scenario() -> Scenario:
    """Tables over a and b, b and c, all of a, b and d's marginal."""
    tables = (
        table("ab", [AXES["a"], AXES["b"]], AB, "trip"),
        table("bc", [AXES["b"], AXES["c"]], BC, "trip"),
        table("d", [AXES["d"]], [60, 40], "trip"),
    )
    return Scenario("example", Entity("trip", tuple(VARIABLES.values())), tables)


def found(*groups: Group, **kept: object) -> Dependencies:
    return Dependencies(groups=groups, **kept)


def group(names: str, *cells: GuessedCell) -> Group:
    return Group(entity="trip", variables=tuple(names), reason="because", cells=cells)


@pytest.mark.parametrize(
    ("names", "status", "tables"),
    [
        ("ab", "published", ("ab",)),
        ("ba", "published", ("ab",)),
        ("abc", "expanded", ("ab", "bc")),
        ("abd", "partly", ("ab",)),
        ("ad", "prior only", ()),
    ],
)
def test_a_group_is_judged_by_the_tables(names, status, tables):
    (judged,) = judge_groups(scenario(), found(group(names)))
    assert (judged.status, judged.tables, judged.added) == (status, tables, None)


def test_all_published_tables_bind_unless_asked_otherwise():
    given = scenario()
    assert apply_dependencies(given, found(group("ab"), group("abc"))).tables == given.tables


def test_other_joints_are_reduced_to_their_margins():
    tables = {t.name: t for t in apply_dependencies(scenario(), found(group("bc"), joints="inferred")).tables}
    assert set(tables) == {"ab.a", "ab.b", "bc", "d"}
    assert tables["ab.a"].target.ravel().tolist() == [40, 60]
    assert tables["ab.b"].target.ravel().tolist() == [50, 50]


def test_without_groups_nothing_is_taken_away():
    given = scenario()
    assert apply_dependencies(given, found(joints="inferred")).tables == given.tables


def test_a_wider_group_is_expanded_to_the_table_of_maximum_entropy():
    (judged,) = judge_groups(scenario(), found(group("cab"), joints="inferred"))
    added = judged.added
    assert added.name == "inferred.c.a.b"
    expected = np.einsum("ab,bc->cab", AB / 100, BC / BC.sum(axis=1, keepdims=True))
    assert added.target[0] == pytest.approx(expected)
    assert added.tolerance.value == 1.0
    assert (added.moe[0] >= 0.8 * added.target[0]).all()
    assert "maximum entropy" in added.note


def test_an_approximated_table_is_marked_and_wide():
    cells = GuessedCell(values=("a0", "d1"), share=3.0), GuessedCell(values=("a1", "d0"), share=1.0)
    (judged,) = judge_groups(scenario(), found(group("ad", *cells), uses_approximations=True))
    assert judged.status == "approximated"
    assert judged.added.target[0].tolist() == [[0, 0.75], [0.25, 0]]
    assert "nobody has published it" in judged.added.note
    (judged,) = judge_groups(scenario(), found(group("ad", *cells)))
    assert judged.status == "prior only"
