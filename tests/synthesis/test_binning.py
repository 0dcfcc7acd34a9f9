"""The finest grid: every table, universe and rule sees all values of an atom alike."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import Aggregate, Arithmetic, Column, Compare, Constant, Node
from schemas.model import Axis, Derived, Entity, Rule, Scenario, Variable
from synthesis.binning import Grid, axis_lookup, build_grids
from synthesis.evaluation import evaluate
from synthesis.records import Array, Records
from tests.strategies import Example, binned_axis, flat_scenarios, nested_scenarios, rngs, table

X, Y = Column("trip", "x"), Column("trip", "y")
WHOLE = Variable("x", "integer", low=-5, high=20)
REAL = Variable("y", "number", low=-1, high=10)


def trips(*rules: Node, axes: tuple[Axis, ...] = (), derived: tuple[Derived, ...] = ()) -> Scenario:
    """Trips with a whole x and a real y, a table for each axis and a rule for each expression."""
    tables = tuple(table(f"t{i}", [axis], np.ones(len(axis))) for i, axis in enumerate(axes))
    entity = Entity("trip", (WHOLE, REAL), derived)
    return Scenario("trips", entity, tables, rules=tuple(Rule(f"r{i}", "trip", node) for i, node in enumerate(rules)))


def values_inside(grid: Grid, rng: np.random.Generator) -> list[Array]:
    """Per atom all its integers, or its first and last number and some between."""
    assert grid.edges is not None
    if grid.variable.kind == "integer":
        return [np.arange(low, high) for low, high in zip(grid.edges[:-1], grid.edges[1:], strict=True)]
    lows, highs = grid.edges[:-1], np.nextafter(grid.edges[1:], -np.inf)
    return [np.array([low, *rng.uniform(low, high, 4), high]) for low, high in zip(lows, highs, strict=True)]


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(50), nested_scenarios(50)), rngs)
def test_the_finest_grid_refines_every_tables_bins(example: Example, rng: np.random.Generator) -> None:
    scenario = example.scenario
    grids = build_grids(scenario)
    for held, axis in [(part, axis) for part in scenario.tables for axis in part.axes]:
        owner = held.entity if scenario.entity(held.entity).find(axis.variable) else scenario.root.name
        grid = grids.of(owner, axis.variable)
        lookup = axis_lookup(axis, grid)
        if axis.lows is None:
            assert lookup.tolist() == [*range(len(axis)), -1]
            continue
        for atom, values in enumerate(values_inside(grid, rng)):
            assert set(grid.codes(values).tolist()) == {atom}
            bins = {i for i in range(len(axis)) for v in values if axis.lows[i] <= v < axis.highs[i]}
            assert bins == {lookup[atom]}


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.sampled_from([X, Y]),
    st.lists(
        st.tuples(
            st.sampled_from(["<", "<=", ">", ">=", "==", "!="]),
            st.one_of(st.integers(-7, 22), st.floats(-2, 12), st.sampled_from([-1.0, 10.0, 20.5, -0.0])),
            st.booleans(),
        ),
        min_size=1,
        max_size=4,
    ),
    rngs,
)
def test_one_atom_sees_one_answer_of_each_comparison(
    column: Column, comparisons: list[tuple[str, float, bool]], rng: np.random.Generator
) -> None:
    nodes = []
    for operator, value, is_mirrored in comparisons:
        sides = (Constant(float(value)), column) if is_mirrored else (column, Constant(float(value)))
        nodes.append(Compare(operator, *sides))
    grid = build_grids(trips(*nodes)).of("trip", column.variable)
    inside, shown = values_inside(grid, rng), grid.representatives()

    for atom, values in enumerate(inside):
        records = Records(len(values) + 1, {column.variable: np.append(values, shown[atom])})
        for node in nodes:
            assert len(set(evaluate(node, records, False).tolist())) == 1


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(50), nested_scenarios(50)))
def test_atoms_cover_the_range_and_hold_their_representatives(example: Example) -> None:
    scenario = example.scenario
    grids = build_grids(scenario)
    for entity in scenario.entities:
        for variable in entity.variables:
            grid = grids.of(entity.name, variable.name)
            assert grid.codes(grid.representatives()).tolist() == list(range(grid.size))
            if grid.edges is not None:
                assert (grid.edges[0], grid.edges[-1]) == (variable.low, variable.high + (variable.kind == "integer"))
            column = (example.population.members if entity.parent else example.population.root)[variable.name]
            assert ((grid.codes(column) >= 0) & (grid.codes(column) < grid.size)).all()


def test_values_outside_a_grid_or_an_axis_have_no_bin() -> None:
    axis = binned_axis("x", 0, 5, 10)
    grid = build_grids(trips(axes=(axis,))).of("trip", "x")
    bins = axis_lookup(axis, grid)[grid.codes(np.array([-6, -5, -1, 0, 4, 5, 9, 10, 20, 21, 500]))]

    assert bins.tolist() == [-1, -1, -1, 0, 0, 1, 1, -1, -1, -1, -1]
    assert axis_lookup(axis, grid)[grid.codes(np.array([np.nan]))].tolist() == [-1]


def test_a_gap_between_bins_belongs_to_none() -> None:
    axis = Axis("y", ("low", "high"), np.array([0.0, 5.0]), np.array([2.0, 10.0]))
    grid = build_grids(trips(axes=(axis,))).of("trip", "y")

    assert grid.edges.tolist() == [-1, 0, 2, 5, 10]
    assert axis_lookup(axis, grid).tolist() == [-1, 0, -1, 1, -1]


@pytest.mark.parametrize(("high", "atoms"), [(20, 26), (506, 512), (507, 1)])
def test_an_integer_whose_exact_value_matters_has_one_atom_per_value_unless_it_is_wide(high: int, atoms: int) -> None:
    total = Derived("total", "number", Arithmetic("*", X, Constant(2.0)))
    entity = Entity("trip", (Variable("x", "integer", low=-5, high=high),), (total,))
    grid = build_grids(Scenario("trips", entity, ())).of("trip", "x")

    assert grid.size == atoms
    assert grid.carried == (atoms == 1)


def test_a_number_is_carried_if_a_cell_depends_on_its_exact_value_but_not_for_a_rule() -> None:
    less = Compare("<", X, Y)
    by_rule = build_grids(trips(less))
    by_cell = build_grids(trips(derived=(Derived("is_less", "category", less, categories=("no", "yes")),)))

    assert not by_rule.of("trip", "y").carried
    assert by_cell.of("trip", "y").carried
    assert by_rule.of("trip", "x").size == by_cell.of("trip", "x").size == 26
    assert by_cell.of("trip", "is_less").size == 2


def test_a_derived_number_without_a_range_has_the_tables_bins_alone() -> None:
    double = Derived("double", "number", Arithmetic("*", Y, Constant(2.0)))
    grids = build_grids(trips(axes=(binned_axis("double", 0, 5, 20),), derived=(double,)))

    assert grids.of("trip", "double").edges.tolist() == [0, 5, 20]
    assert grids.of("trip", "double").codes(np.array([-3.0, 0, 19, 20])).tolist() == [-1, 0, 1, 2]


def test_the_count_of_members_has_one_atom_per_value() -> None:
    household = Entity("household", (Variable("people", "integer", low=0, high=9),))
    person = Entity("person", (Variable("age", "integer", low=0, high=99),), (), "household", "people")
    adult = Compare(">=", Column("person", "age"), Constant(17.5))
    rules = (Rule("adult", "household", Aggregate("any", adult)),)
    grids = build_grids(Scenario("homes", household, (), person, rules=rules))

    assert grids.of("household", "people").edges.tolist() == list(range(11))
    assert grids.of("person", "age").edges.tolist() == [0, 18, 100]
