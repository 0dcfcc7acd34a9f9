"""A unit's plan: from the tables to whole numbers of records per plan row."""

from collections.abc import Iterator

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import CategoryTest, Column, Compare
from schemas.model import Entity, IntArray, Rule, Scenario, Variable
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, count_plan_rows, count_records, merge_counts, no_counts
from synthesis.aims import build_aims
from synthesis.cells import CellCoder, cell_ids
from synthesis.discrepancy import discrepancies
from synthesis.plan import plan_values
from synthesis.records import Records
from synthesis.sampling import check_atoms, draw
from synthesis.unit_plan import UnitPlan, plan_unit
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

SETTINGS = RunSettings(random_seed=3)


def unit_plans(
    scenario: Scenario,
    settings: RunSettings = SETTINGS,
    fraction: float = 1.0,
    committed: dict[str, IntArray] | None = None,
) -> Iterator[tuple[UnitPlan, IntArray]]:
    """Each closed unit's plan, and its zones."""
    coder, aims = compiled(scenario), build_aims(scenario, None)
    counts = no_counts(scenario) if committed is None else committed
    for unit in closed_units(scenario):
        yield plan_unit(coder, settings, aims, unit, 1, fraction, counts), unit.zone_array


def records_of(coder: CellCoder, planned: UnitPlan) -> Records:
    """One record per draw of the plan, as every table sees it."""
    values = plan_values(coder.scenario, coder.grids, planned.plan)
    return values.take(np.repeat(np.arange(values.count), planned.counts))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(flat_scenarios(2000, most_tables=9), st.sampled_from([2000, 1_000_000]))
def test_every_cell_of_a_flat_scenario_is_within_two_records(example: Example, size: int) -> None:
    scenario, coder = example.scenario, compiled(example.scenario)
    aims, nothing = build_aims(scenario, size), no_counts(scenario)
    (unit,) = closed_units(scenario)
    planned = plan_unit(coder, SETTINGS, aims, unit, 1, 1.0, nothing)
    counts = planned_counts(coder, planned)
    found = discrepancies(scenario, aims, counts)

    assert planned.counts.sum() == size
    assert planned.unsupported == 0
    assert max(np.abs(part.discrepancy).max() for part in found) <= 2 + 1e-6
    for part in found:
        is_one_way = len(part.table.axes) == 1 and part.table.axes[0].lows is None
        if is_one_way and part.table.universe is None:
            assert np.abs(part.discrepancy).max() < 1


def planned_counts(coder: CellCoder, planned: UnitPlan) -> dict[str, IntArray]:
    """As counting the plan's records would find, without a million of them."""
    counts = no_counts(coder.scenario)
    ids = cell_ids(coder, plan_values(coder.scenario, coder.grids, planned.plan))
    for held in coder.scenario.tables:
        counts[held.name] = np.bincount(ids[held.name] + 1, planned.counts, held.cells + 1)[1:].astype(np.int64)
    return {**counts, ZONE_SIZES: np.array([planned.counts.sum()])}


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(300), nested_scenarios(150)), rngs)
def test_counts_of_plan_rows_are_those_of_the_records_drawn_from_them(
    example: Example, rng: np.random.Generator
) -> None:
    scenario, coder = example.scenario, compiled(example.scenario)
    for planned, _ in unit_plans(scenario):
        rows = rng.permutation(np.repeat(np.arange(planned.plan.count), planned.counts))
        drawn = draw(scenario, coder.grids, planned.plan, rows, rng, 50)
        check_atoms(scenario, coder.grids, planned.plan, drawn)
        of_rows = np.bincount(drawn.plan_rows, minlength=planned.plan.count)
        counted, of_records = count_plan_rows(coder, planned.plan, of_rows), count_records(coder, drawn.records)
        for name in of_records:
            assert counted[name].tolist() == of_records[name].tolist(), name


@settings(max_examples=30, derandomize=True, deadline=None)
@given(nested_scenarios(300))
def test_root_cells_of_a_nested_scenario_are_within_two_records(example: Example) -> None:
    scenario, coder = example.scenario, compiled(example.scenario)
    total = no_counts(scenario)
    for planned, _ in unit_plans(scenario):
        assert planned.missed < 1e-3
        total = merge_counts(total, count_records(coder, records_of(coder, planned)))
    aims = build_aims(scenario, None)

    assert total[ZONE_SIZES].tolist() == aims.zone_sizes.tolist()
    for part in discrepancies(scenario, aims, total):
        is_root = part.table.entity == "household"
        assert np.abs(part.discrepancy).max() <= 2 + 1e-6 if is_root else part.tvd.max() < 0.1


@settings(max_examples=15, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(500), nested_scenarios(300)))
def test_a_second_round_completes_what_the_first_began(example: Example) -> None:
    scenario, coder = example.scenario, compiled(example.scenario)
    aims, counts = build_aims(scenario, None), no_counts(scenario)
    for fraction in (0.2, 1.0):
        added = [
            count_records(coder, records_of(coder, p)) for p, _ in unit_plans(scenario, SETTINGS, fraction, counts)
        ]
        for part in added:
            counts = merge_counts(counts, part)
        assert counts[ZONE_SIZES].tolist() == np.floor(aims.zone_sizes * fraction + 0.5).tolist()

    exact = [p for p in discrepancies(scenario, aims, counts) if p.table.entity == scenario.root.name]
    assert max(np.abs(part.discrepancy).max() for part in exact) <= 3


@settings(max_examples=10, derandomize=True, deadline=None)
@given(nested_scenarios(100))
def test_only_rows_with_records_are_kept_and_only_of_the_units_zones(example: Example) -> None:
    for planned, zones in unit_plans(example.scenario):
        assert (planned.counts > 0).all()
        assert planned.plan.count == len(planned.counts)
        if example.scenario.zones is not None:
            assert set(planned.plan.atoms.root["county"].tolist()) <= set(zones.tolist())


@settings(max_examples=6, derandomize=True, deadline=None)
@given(nested_scenarios(100))
def test_the_same_settings_give_the_same_plan_and_another_random_seed_another(example: Example) -> None:
    first, second = (next(unit_plans(example.scenario))[0] for _ in range(2))
    other = next(unit_plans(example.scenario, RunSettings(random_seed=4)))[0]

    assert first.counts.tolist() == second.counts.tolist()
    for name, column in first.plan.atoms.members.items():
        assert column.tolist() == second.plan.atoms.members[name].tolist()
    assert first.plan.atoms.members["age"].tolist() != other.plan.atoms.members["age"].tolist()


def test_a_rule_between_exact_numbers_leaves_the_targets_within_reach() -> None:
    first, second = (Variable(name, "number", low=0, high=100) for name in ("first", "second"))
    bins = (0, 25, 50, 75, 100)
    tables = (
        table("first", [binned_axis("first", *bins)], [880, 620, 370, 130]),
        table("second", [binned_axis("second", *bins)], [130, 370, 620, 880]),
    )
    less = Rule("less", "trip", Compare("<", Column("trip", "first"), Column("trip", "second")))
    scenario = Scenario("ordered", Entity("trip", (first, second)), tables, rules=(less,))
    ((planned, _),) = unit_plans(scenario)
    coder, rng = compiled(scenario), np.random.default_rng(1)
    rows = np.repeat(np.arange(planned.plan.count), planned.counts)

    assert planned.missed < 1e-3
    assert draw(scenario, coder.grids, planned.plan, rows, rng, SETTINGS.max_redraws).shortfall <= 20


def test_rare_support_is_found_that_the_chain_alone_would_miss() -> None:
    """One record in a hundred thousand has the rare cell of each of two independent tables."""
    letters = [Variable(name, "category", categories=("common", "rare")) for name in "ab"]
    tables = tuple(table(v.name, [category_axis(v)], [99_999, 1]) for v in letters)
    scenario = Scenario("rare", Entity("trip", tuple(letters)), tables)
    ((planned, _),) = unit_plans(scenario)
    counts = count_records(compiled(scenario), records_of(compiled(scenario), planned))

    assert planned.unsupported == 0
    assert counts["a"].tolist() == counts["b"].tolist() == [99_999, 1]


def test_a_cell_that_the_rules_forbid_is_named_as_unsupported() -> None:
    letter = Variable("a", "category", categories=("x", "y"))
    never = Rule("never_y", "trip", CategoryTest(Column("trip", "a"), (0,)))
    scenario = Scenario(
        "forbidden", Entity("trip", (letter,)), (table("a", [category_axis(letter)], [90, 10]),), rules=(never,)
    )
    ((planned, _),) = unit_plans(scenario)

    assert planned.unsupported == 1
    assert planned.counts.sum() == 100
    assert 9 < planned.missed < 11
