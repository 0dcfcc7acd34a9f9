"""Densities from tables: which tables speak, how thin bins are joined, when a curve depends on other variables."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from schemas.expression import CategoryTest, Column
from schemas.model import Entity, Scenario, TargetTable, Variable, Zones
from synthesis.density import Density
from synthesis.plan import Plan, expected_values, plan_values
from synthesis.records import Records
from synthesis.sampling import draw
from tests.strategies import Example, binned_axis, category_axis, compiled, flat_scenarios, table

INCOME = Variable("income", "number", low=0, high=1000)
AGE = Variable("age", "integer", low=0, high=9)
SEX = Variable("sex", "category", categories=("f", "m"))


def density_of(variable: Variable, *tables: TargetTable, others: tuple[Variable, ...] = ()) -> Density:
    scenario = Scenario("trips", Entity("trip", (variable, *others)), tables, size=1000)
    return compiled(scenario).grids.densities["trip", variable.name]


def halves(density: Density, cell: int) -> float:
    """Share of a cell's values below the middle of its span."""
    values = density.starts.reshape(-1, density.slots)[cell]
    return float(np.mean(values < (values[0] + density.lasts[cell]) / 2))


@settings(max_examples=40, derandomize=True, deadline=None)
@given(flat_scenarios(80))
def test_every_numeric_variable_of_a_scenario_gets_densities_that_sum_to_one(example: Example) -> None:
    grids = compiled(example.scenario).grids
    numeric = {("trip", v.name) for v in example.scenario.root.variables if v.kind != "category"}

    assert grids.densities.keys() == numeric
    for key, density in grids.densities.items():
        assert density.masses.sum(axis=1) == pytest.approx(1)
        assert (np.diff(density.starts.reshape(-1, density.slots), axis=1) >= 0).all()
        assert density.atoms == grids.of(*key).size


def test_a_bin_leans_to_its_fuller_neighbour_and_without_tables_nothing_leans() -> None:
    leaning = density_of(INCOME, table("t", [binned_axis("income", 0, 100, 200, 1000)], [600, 300, 100]))

    assert halves(leaning, 1) > 0.55
    assert halves(density_of(INCOME), 0) == pytest.approx(0.5, abs=0.01)


def test_an_open_class_decays_by_its_label_whatever_its_bound() -> None:
    closed = binned_axis("income", 0, 50, 100, 1000)
    opened = replace(closed, labels=(*closed.labels[:-1], "100 or more"))
    means = [density_of(INCOME, table("t", [axis], [500, 300, 200])).means[-1] for axis in (closed, opened)]

    assert 200 < means[1] < means[0] < 400


def test_bins_of_few_records_say_nothing_of_their_shape() -> None:
    axis = binned_axis("income", *np.linspace(0, 1000, 101))
    rng = np.random.default_rng(0)
    noisy = density_of(INCOME, table("t", [axis], rng.poisson(10, 100)))

    assert max(abs(halves(noisy, cell) - 0.5) for cell in range(100)) < 0.05


def test_a_thin_bin_is_not_joined_to_a_full_one() -> None:
    density = density_of(INCOME, table("t", [binned_axis("income", 0, 100, 200, 1000)], [600, 10_000, 20]))

    assert density.masses[0] == pytest.approx(np.array([600, 10_000, 20]) / 10_620)


def test_prior_weights_say_how_an_integer_is_spread() -> None:
    weighted = replace(AGE, prior_weights=(*[1.0] * 5, *[0.0] * 4, 3.0))
    density = density_of(weighted, table("t", [binned_axis("age", 0, 5, 10)], [10, 90]))

    assert density.masses.tolist() == [pytest.approx([5 / 8, 3 / 8])]
    assert density.means.tolist() == pytest.approx([2, 9], abs=0.02)


def test_a_table_of_some_serves_where_none_is_over_everybody() -> None:
    some = table("some", [binned_axis("age", 0, 5, 10)], [90, 10], universe=CategoryTest(Column("trip", "sex"), (0,)))
    everybody = table("all", [binned_axis("age", 0, 5, 10)], [50, 50])

    assert density_of(AGE, some, others=(SEX,)).masses[0] == pytest.approx([0.9, 0.1])
    assert density_of(AGE, some, everybody, others=(SEX,)).masses[0] == pytest.approx([0.5, 0.5])


def joint(counts: list[int]) -> TargetTable:
    """Sex by income class."""
    return table("joint", [category_axis(SEX), binned_axis("income", 0, 100, 200, 1000)], counts)


def test_a_joint_table_gives_each_of_its_cells_a_curve() -> None:
    density = density_of(INCOME, joint([600, 300, 100, 100, 300, 600]), others=(SEX,))

    assert [given.variable for given in density.given] == ["sex"]
    assert halves(density, 1 * 3 + 1) > halves(density, 1) > halves(density, 2 * 3 + 1)
    assert density.masses[1, 0] > density.masses[0, 0] > density.masses[2, 0]


def test_a_joint_table_that_shows_no_more_than_noise_gives_none() -> None:
    assert density_of(INCOME, joint([31, 28, 30, 29, 32, 30]), others=(SEX,)).given == ()


def test_zones_share_the_curves() -> None:
    zones = Zones("county", ("county",), {"county": ("a", "b")}, {"county": np.arange(2)}, "county")
    county = Variable("county", "category", categories=("a", "b"))
    by_county = table("t", [binned_axis("income", 0, 100, 1000)], [[60, 40], [30, 70]], zone_level="county")
    scenario = Scenario("trips", Entity("trip", (county, INCOME)), (by_county,), zones=zones)
    density = compiled(scenario).grids.densities["trip", "income"]

    assert density.masses.shape == (1, 2)
    assert density.masses[0] == pytest.approx([0.45, 0.55])


def test_expected_values_are_what_draws_average_to_given_what_selects_their_curve() -> None:
    scenario = Scenario("trips", Entity("trip", (INCOME, SEX)), (joint([600, 300, 100, 100, 300, 600]),))
    grids, atoms = compiled(scenario).grids, {"income": np.array([0, 1, 1]), "sex": np.array([0, 0, 1])}
    plan = Plan(Records(3, atoms), np.ones(3), np.zeros(3, dtype=np.int64))
    drawn = draw(scenario, grids, plan, np.repeat(np.arange(3), 500), np.random.default_rng(0), 0)
    means = [drawn.records.root["income"][drawn.plan_rows == row].mean() for row in range(3)]
    found = expected_values(scenario, grids, "trip", "income", plan_values(scenario, grids, plan), False)

    assert found == pytest.approx(means, rel=0.01)
    assert found[1] < 150 < found[2]
