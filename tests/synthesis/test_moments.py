"""Means, totals and quantiles: counted without rounding errors, aimed at, met."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import Axis, Entity, FloatArray, MomentTable, Scenario, Variable
from schemas.settings import RunSettings
from synthesis.aggregates import count_records, merge_counts, no_counts
from synthesis.aims import build_aims
from synthesis.discrepancy import discrepancies
from synthesis.moment_fit import moment_fits
from synthesis.moments import moment_sums
from synthesis.plan import draw_in_cells, expected_values
from synthesis.records import Records
from synthesis.sampling import draw
from synthesis.unit_plan import plan_unit
from synthesis.units import closed_units
from tests.strategies import (
    Example,
    binned_axis,
    category_axis,
    compiled,
    count_cells,
    nested_scenarios,
    rngs,
    table,
)

WORK = Variable("work", "category", categories=("none", "part", "full"))
INCOME = Variable("income", "number", low=0, high=200_000)
AGE = Variable("age", "integer", low=0, high=99)


def moment(name: str, of: str, measure: str, axes: list[Axis], values: object, quantile: float = 0.5) -> MomentTable:
    tolerance = 0.01 if measure == "quantile" else 0.02
    cells = table(name, axes, values)
    return MomentTable(cells, of, measure, tolerance, quantile)  # type: ignore[arg-type]


def interpolated_median(ages: np.ndarray) -> float:
    """As statistical offices take it: an age of 42 covers [42, 43)."""
    low = np.sort(ages)[(len(ages) - 1) // 2]
    return float(low + (0.5 - (ages < low).mean()) / (ages == low).mean())


def people(rng: np.random.Generator, count: int) -> tuple[Scenario, Records]:
    """A population, and a scenario with some of its counts, means, totals and medians."""
    work = rng.integers(0, 3, count)
    age = np.clip(rng.normal(42 + 3 * work, 17, count), 0, 99).astype(np.int64)
    income = np.minimum(rng.lognormal(9.8 + 0.4 * work, 0.7), 199_999.0)
    population = Records(count, {"work": work, "income": income, "age": age})
    by_work, everybody = [category_axis(WORK)], [slice(None)]
    parts = [work == code for code in range(3)]
    tables = [
        table("work", by_work, np.zeros(3)),
        table("income", [binned_axis("income", 0, 15_000, 30_000, 60_000, 200_000)], np.zeros(4)),
        table("age", [binned_axis("age", 0, 18, 40, 65, 100)], np.zeros(4)),
    ]
    moments = (
        moment("mean_income", "income", "mean", by_work, [income[part].mean() for part in parts]),
        moment("all_income", "income", "total", [], [income[part].sum() for part in everybody]),
        moment("median_income", "income", "quantile", by_work, [np.median(income[part]) for part in parts]),
        moment("median_age", "age", "quantile", [], [interpolated_median(age)]),
        moment("mean_age", "age", "mean", by_work, [age[part].mean() for part in parts]),
    )
    counted = tuple(replace(each, target=count_cells(each, population, None, False)) for each in tables)
    entity = Entity("trip", (WORK, INCOME, AGE))
    return Scenario("people", entity, counted, size=count, moments=moments), population


@settings(max_examples=20, derandomize=True, deadline=None)
@given(rngs, st.integers(30, 400))
def test_the_population_that_was_measured_meets_its_moments(rng: np.random.Generator, count: int) -> None:
    scenario, population = people(rng, count)
    counts = count_records(compiled(scenario), population)

    for fit in moment_fits(scenario, build_aims(scenario, None), counts):
        assert fit.within.all()
        if fit.moment.measure != "quantile":
            np.testing.assert_allclose(fit.synthetic, fit.published, rtol=1e-6)


@settings(max_examples=20, derandomize=True, deadline=None)
@given(rngs, st.integers(30, 200))
def test_sums_of_parts_in_any_order_are_the_sums_of_the_whole(rng: np.random.Generator, count: int) -> None:
    scenario, population = people(rng, count)
    coder, whole = compiled(scenario), no_counts(scenario)
    for part in np.array_split(rng.permutation(count), 7):
        whole = merge_counts(count_records(coder, population.take(part)), whole)

    for name, counted in count_records(coder, population).items():
        assert counted.dtype == np.int64
        assert whole[name].tolist() == counted.tolist()


@settings(max_examples=15, derandomize=True, deadline=None)
@given(nested_scenarios(100), rngs)
def test_moments_of_members_and_of_derived_variables_are_those_of_the_records(
    example: Example, rng: np.random.Generator
) -> None:
    tenure = category_axis(example.scenario.variable("household", "tenure"))
    bare = replace(moment("wage", "wage", "mean", [tenure], np.full(3, 1.0)), of="wage")
    wage = replace(bare, cells=replace(bare.cells, entity="person"))
    wages = replace(moment("wages", "wages", "total", [tenure], np.full(3, 1.0)))
    wages = replace(wages, cells=replace(wages.cells, entity="household"))
    scenario = replace(example.scenario, moments=(wage, wages))
    records = example.population
    counts = count_records(compiled(scenario), records)
    by_household = records.root["tenure"]
    by_person = by_household[records.parent]
    expected = [
        (np.bincount(by_person, minlength=3), np.bincount(by_person, records.members["wage"], 3)),
        (np.bincount(by_household, minlength=3), np.bincount(by_household, records.root["wages"], 3)),
    ]
    for each, (found, sums) in zip(scenario.moments, expected, strict=True):
        held = moment_sums(scenario, each, counts)
        np.testing.assert_allclose(held[0], found)
        np.testing.assert_allclose(held[1], sums)


def drawn(scenario: Scenario, rng: np.random.Generator) -> Records:
    coder, (unit,) = compiled(scenario), closed_units(scenario)
    planned = plan_unit(coder, RunSettings(), build_aims(scenario, None), unit, 1, 1.0, no_counts(scenario))
    rows = np.repeat(np.arange(planned.plan.count), planned.counts)
    return draw(scenario, coder.grids, planned.plan, rows, rng, 10).records


@settings(max_examples=6, derandomize=True, deadline=None)
@given(rngs, st.sampled_from([800, 5000]))
def test_moments_are_met_and_counts_stay_exact(rng: np.random.Generator, count: int) -> None:
    scenario, _ = people(rng, count)
    aims = build_aims(scenario, None)
    counts = count_records(compiled(scenario), drawn(scenario, rng))

    for fit in moment_fits(scenario, aims, counts):
        assert fit.within.all(), (fit.moment.name, fit.aimed, fit.synthetic)
    assert max(np.abs(part.discrepancy).max() for part in discrepancies(scenario, aims, counts)) <= 1


def test_totals_are_scaled_to_the_size_of_a_run_and_means_are_not() -> None:
    scenario, _ = people(np.random.default_rng(0), 200)
    whole, half = build_aims(scenario, None), build_aims(scenario, 100)

    assert half.targets["all_income"] == pytest.approx(whole.targets["all_income"] / 2)
    assert half.targets["mean_income"].tolist() == whole.targets["mean_income"].tolist()
    assert half.targets["median_income"].tolist() == [0.5, 0.5, 0.5]


def test_a_cell_without_a_published_value_is_not_aimed_at() -> None:
    scenario, population = people(np.random.default_rng(0), 300)
    first = scenario.moments[0]
    values: FloatArray = np.array([[np.nan, 20_000.0, np.nan]])
    scenario = replace(scenario, moments=(replace(first, cells=replace(first.cells, target=values)),))
    (fit,) = moment_fits(scenario, build_aims(scenario, None), count_records(compiled(scenario), population))

    assert np.isnan(fit.synthetic).tolist() == [[True, False, True]]
    assert fit.within.tolist() == [[True, False, True]]


def test_a_cell_without_records_is_told_as_such_and_not_judged() -> None:
    scenario, _ = people(np.random.default_rng(0), 300)
    for fit in moment_fits(scenario, build_aims(scenario, None), no_counts(scenario)):
        if fit.moment.measure != "total":
            assert np.isnan(fit.synthetic).all()
            assert fit.within.all()


@settings(max_examples=20, derandomize=True, deadline=None)
@given(rngs)
def test_the_expected_value_of_an_atom_is_the_mean_of_its_draws(rng: np.random.Generator) -> None:
    scenario, _ = people(rng, 60)
    grids = compiled(scenario).grids
    for name in ("income", "age"):
        grid = grids.of("trip", name)
        atoms = np.arange(grid.size)
        draws = [draw_in_cells(grids, "trip", name, atoms, rng) for _ in range(400)]
        rows = Records(grid.size, {name: grid.representatives()})
        expected = expected_values(scenario, grids, "trip", name, rows, False)

        assert (np.abs(np.mean(draws, axis=0) - expected) <= 0.12 * np.diff(grid.edges)).all()
