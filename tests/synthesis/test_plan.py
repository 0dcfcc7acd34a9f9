"""Plan rows: atoms with carried values, whose draws every table sees alike."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Entity, Variable
from synthesis.cells import cell_ids
from synthesis.plan import CARRIED, Plan, carry, draw_in_atoms, join_plans, plan_values
from synthesis.proposer import build_proposer, propose
from synthesis.sampling import draw
from synthesis.units import closed_units
from tests.strategies import Example, compiled, flat_scenarios, nested_scenarios, rngs

examples = st.one_of(flat_scenarios(60), nested_scenarios(60))


def plan_of(example: Example, rng: np.random.Generator, rows: int = 120) -> Plan:
    """A plan proposed for the first closed unit."""
    zones = closed_units(example.scenario)[0].zone_array
    return propose(build_proposer(compiled(example.scenario), zones), rng.choice(zones, rows), rng).plan


@settings(max_examples=40, derandomize=True, deadline=None)
@given(examples, rngs)
def test_every_draw_of_a_plan_row_falls_into_the_rows_cells(example: Example, rng: np.random.Generator) -> None:
    scenario, coder = example.scenario, compiled(example.scenario)
    plan = plan_of(example, rng)
    shown = cell_ids(coder, plan_values(scenario, coder.grids, plan))
    for _ in range(3):
        drawn = draw(scenario, coder.grids, plan, np.arange(plan.count), rng, 0)
        found = cell_ids(coder, drawn.records)

        assert {name: ids.tolist() for name, ids in found.items()} == {
            name: ids.tolist() for name, ids in shown.items()
        }


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.lists(st.floats(-1e9, 1e9), min_size=2, max_size=6, unique=True),
    st.sampled_from(["number", "integer"]),
    rngs,
)
def test_drawn_values_lie_inside_their_atoms(ends: list[float], kind: str, rng: np.random.Generator) -> None:
    edges = np.unique(np.floor(ends) if kind == "integer" else ends)
    if len(edges) < 2:
        return
    atoms = rng.integers(0, len(edges) - 1, 200)
    values = draw_in_atoms(edges, kind, atoms, rng)

    assert (values >= edges[atoms]).all()
    assert (values < edges[atoms + 1]).all()
    assert values.dtype == (np.int64 if kind == "integer" else np.float64)


def test_an_atom_of_a_single_float_yields_that_float() -> None:
    edges = np.array([1.0, np.nextafter(1.0, 2), 2.0])

    assert set(draw_in_atoms(edges, "number", np.zeros(50, dtype=int), np.random.default_rng(0)).tolist()) == {1.0}


def test_integers_and_numbers_are_drawn_evenly_inside_an_atom() -> None:
    rng, atoms = np.random.default_rng(1), np.zeros(60_000, dtype=np.int64)
    whole = draw_in_atoms(np.array([3.0, 6.0]), "integer", atoms, rng)
    real = draw_in_atoms(np.array([3.0, 6.0]), "number", atoms, rng)

    assert np.abs(np.bincount(whole)[3:] - 20_000).max() < 600
    assert np.abs(np.histogram(real, bins=[3, 4, 5, 6])[0] - 20_000).max() < 600


@settings(max_examples=20, derandomize=True, deadline=None)
@given(nested_scenarios(30), rngs)
def test_carried_values_lie_in_their_atoms_and_are_what_records_get(example: Example, rng: np.random.Generator) -> None:
    scenario = example.scenario
    grids = compiled(scenario).grids
    plan = plan_of(example, rng)
    carried = plan.atoms.members["wage" + CARRIED]

    assert (grids.of("person", "wage").codes(carried) == plan.atoms.members["wage"]).all()
    assert plan_values(scenario, grids, plan).members["wage"].tolist() == carried.tolist()
    drawn = draw(scenario, grids, plan, np.arange(plan.count), rng, 0)
    assert drawn.records.members["wage"].tolist() == carried.tolist()
    assert "age" + CARRIED not in plan.atoms.members


@settings(max_examples=20, derandomize=True, deadline=None)
@given(examples, rngs)
def test_joined_plans_are_all_their_rows_in_order(example: Example, rng: np.random.Generator) -> None:
    whole = plan_of(example, rng)
    whole = Plan(whole.atoms, rng.random(whole.count), np.arange(whole.count))
    cut = whole.count // 3
    joined = join_plans([whole.take(np.arange(cut)), whole.take(np.arange(cut, whole.count))])

    assert joined.proposal.tolist() == whole.proposal.tolist()
    assert joined.prior.tolist() == whole.prior.tolist()
    assert joined.atoms.parent.tolist() == whole.atoms.parent.tolist()
    assert all((joined.atoms.root[name] == whole.atoms.root[name]).all() for name in whole.atoms.root)
    assert all((joined.atoms.members[name] == whole.atoms.members[name]).all() for name in whole.atoms.members)


@settings(max_examples=5, derandomize=True, deadline=None)
@given(nested_scenarios(20), rngs)
def test_only_carried_variables_get_a_value_beside_their_atom(example: Example, rng: np.random.Generator) -> None:
    grids = compiled(example.scenario).grids
    person = example.scenario.member
    atoms = {v.name: np.zeros(5, dtype=np.int64) for v in person.variables}

    assert set(carry(grids, person, atoms, rng)) == {*atoms, "wage" + CARRIED}
    plain = Entity("person", (Variable("age", "integer", low=0, high=99),))
    assert carry(grids, plain, {"age": atoms["age"]}, rng).keys() == {"age"}
