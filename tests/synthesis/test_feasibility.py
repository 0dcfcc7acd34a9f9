"""Contradictions: none where all tables were counted in one population, and every kind that is put in is found."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import CategoryTest, Column, Compare, Constant
from schemas.finding import Finding
from schemas.model import Axis, Entity, Reconcile, Rule, Scenario, TargetTable, Tolerance, Variable, Zones
from synthesis.feasibility import find_contradictions
from synthesis.spaces import build_spaces
from tests.strategies import Example, binned_axis, compiled, flat_scenarios, nested_scenarios, table

TENURE = Axis("tenure", ("owned", "rented"))
CARS = Axis("cars", ("none", "some"))
SIZE = Column("household", "size")
SHARES = {"binds": "share", "tolerance": Tolerance("share_tvd", 0.005)}


def findings(scenario: Scenario) -> list[Finding]:
    coder = compiled(scenario)
    return list(find_contradictions(coder, build_spaces(coder)))


def homes(*tables: TargetTable, rules: tuple[Rule, ...] = (), zones: int = 0, **changes: object) -> Scenario:
    """Households of 1-4 persons with tenure and cars; persons with age and work."""
    names = tuple(f"z{i}" for i in range(zones))
    county = (Variable("county", "category", categories=names),) if zones else ()
    household = Entity(
        "household",
        (
            *county,
            Variable("size", "integer", low=1, high=4),
            Variable("tenure", "category", categories=TENURE.labels),
            Variable("cars", "category", categories=CARS.labels),
        ),
    )
    person = Entity(
        "person",
        (
            Variable("age", "integer", low=0, high=99),
            Variable("work", "category", categories=("full", "part", "none")),
            Variable("race", "category", categories=("a", "b")),
        ),
        (),
        "household",
        "size",
    )
    levels = Zones("county", ("county",), {"county": names}, {"county": np.arange(zones)}, "county") if zones else None
    return Scenario("homes", household, tables, person, levels, rules, **changes)  # type: ignore[arg-type]


def sizes(target: object, **changes: object) -> TargetTable:
    return table("size", [binned_axis("size", 1, 2, 5)], target, "household", **changes)


def ages(target: object, **changes: object) -> TargetTable:
    return table("age", [binned_axis("age", 0, 10, 20, 100)], target, "person", **{**SHARES, **changes})


def of_persons(name: str, labels: tuple[str, ...], target: object, **changes: object) -> TargetTable:
    return table(name, [Axis(name, labels)], target, "person", **{**SHARES, **changes})


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.one_of(flat_scenarios(80), nested_scenarios(60)))
def test_tables_of_one_population_do_not_contradict_each_other(example: Example) -> None:
    for finding in findings(example.scenario):
        # An even spread over a class that a universe cuts is a guess, told without any zone where it is impossible.
        assert finding.kind in ("unchecked", "multiples") or (finding.kind == "universe" and finding.zones == 0), (
            finding
        )


def test_totals_of_root_tables_that_differ_are_rescaled() -> None:
    found = findings(homes(sizes([40, 60]), table("tenure", [TENURE], [50, 54], "household")))

    assert [(f.kind, f.tables, f.records, f.policy) for f in found] == [("total", ("size", "tenure"), 4, "rescale")]


def test_a_class_counted_twice_is_named_as_the_holder_of_the_excess() -> None:
    rng = np.random.default_rng(1)
    persons = rng.integers(200, 400, 30).astype(float)
    twice = np.floor(persons * rng.uniform(0.01, 0.2, 30))
    race = np.column_stack([persons - twice, 2 * twice])
    sex = of_persons("work", ("full", "part", "none"), np.column_stack([persons, persons, persons * 0]) / 2)
    counted = sizes(np.column_stack([persons * 0, np.ceil(persons / 3)]), zone_level="county")
    race_table = of_persons("race", ("a", "b"), race, zone_level="county")
    age = ages(np.column_stack([persons, persons * 0, persons * 0]), zone_level="county")
    found = findings(homes(counted, replace(sex, zone_level="county"), age, race_table, zones=30))

    excess = next(f for f in found if f.tables == ("age", "race") or f.tables == ("work", "race"))
    assert excess.kind == "total"
    assert excess.records == twice.sum()
    assert "goes with race=b" in excess.what


def test_a_universe_with_too_many_records_is_told_with_its_bounds() -> None:
    adults = Compare(">=", Column("person", "age"), Constant(15))
    work = of_persons("work", ("full", "part", "none"), [200, 50, 20], universe=adults, universe_text="age >= 15")
    found = findings(homes(sizes([0, 100]), ages([50, 50, 150]), work))

    universe = next(f for f in found if f.kind == "universe")
    assert universe.tables == ("age", "work")
    assert "has 150 to 200, about 175 if" in universe.what
    assert "70 beyond" in universe.what
    assert universe.records == 95
    assert universe.policy == "shares"


def test_more_persons_than_the_sizes_can_list() -> None:
    found = findings(homes(sizes([60, 40]), ages([100, 100, 30])))

    assert [(f.kind, f.tables, f.records) for f in found] == [("reach", ("size", "age"), 10)]  # 60 + 4 * 40 = 220
    assert "would list 4.25 on average" in found[0].what


def test_cells_that_a_rule_forbids() -> None:
    rule = Rule("no_cars", "household", CategoryTest(Column("household", "cars"), (0,)), CategoryTest(SIZE_ONE, (1,)))
    joint = table("joint", [TENURE, CARS], [[30, 40], [20, 10]], "household")
    found = findings(homes(joint, rules=(rule,)))

    assert [(f.kind, f.records, f.policy) for f in found] == [("forbidden", 10, "nearest")]
    assert found[0].places[0].cells == (3,)


SIZE_ONE = Column("household", "tenure")


def test_two_tables_that_contradict_each_other_through_a_rule() -> None:
    rule = Rule("cars", "household", Compare(">", SIZE, Constant(1)), CategoryTest(Column("household", "cars"), (1,)))
    found = findings(homes(sizes([70, 30]), table("cars", [CARS], [60, 40], "household"), rules=(rule,)))

    assert [(f.kind, set(f.tables), f.records) for f in found] == [("contradiction", {"size", "cars"}, 10)]


def test_a_set_of_three_tables_that_contradict_only_together() -> None:
    pairs = [("size", "tenure"), ("tenure", "cars"), ("size", "cars")]
    axes = {"size": binned_axis("size", 1, 3, 5), "tenure": TENURE, "cars": CARS}
    differ, agree = [[0, 50], [50, 0]], [[50, 0], [0, 50]]
    tables = [
        table("_".join(pair), [axes[name] for name in pair], values, "household")
        for pair, values in zip(pairs, (differ, agree, agree), strict=True)
    ]
    found = findings(homes(*tables))

    assert [(f.kind, f.tables) for f in found] == [("contradiction", ("size_tenure", "tenure_cars", "size_cars"))]


def test_counts_that_are_all_even_beside_others_that_are_not() -> None:
    values = np.column_stack([np.arange(101, 131), 2 * np.arange(1, 31)])
    found = findings(homes(table("cars", [CARS], values, "household", zone_level="county"), zones=30))

    assert [(f.kind, f.outcome, f.records) for f in found] == [("multiples", "noted", values[:, 1].sum() / 2)]


def test_categories_with_universes_that_overlap_but_add_up() -> None:
    small = Compare("<=", SIZE, Constant(2))
    tiny = Compare("<=", SIZE, Constant(1))
    large = Compare(">", SIZE, Constant(2))
    tables = [
        table(name, [binned_axis("size", 1, 5)], [count], "household", universe=universe, universe_text=name)
        for name, count, universe in (("small", 50, small), ("tiny", 20, tiny), ("large", 30, large))
    ]
    found = findings(homes(table("tenure", [TENURE], [60, 40], "household"), *tables))

    assert (found[0].kind, found[0].records) == ("overlap", 20)
    assert "tiny (tiny) lies, all of it also, in small" in found[0].what


def test_margins_of_error_give_the_size_in_standard_errors() -> None:
    moe = {"moe": np.array([[3 * 1.645, 4 * 1.645]])}
    found = findings(homes(sizes([40, 60]), table("tenure", [TENURE], [50, 60], "household", **moe)))
    assert found[0].standard_errors is None, "the other table's errors are not known"

    found = findings(
        homes(sizes([40, 60], moe=np.zeros((1, 2))), table("tenure", [TENURE], [50, 60], "household", **moe))
    )
    assert found[0].standard_errors is not None
    assert round(found[0].standard_errors, 6) == 2


def test_rules_that_nobody_can_obey_refuse_the_scenario() -> None:
    never = Rule("never", "household", Compare("<", SIZE, Constant(1)))
    assert [(f.kind, f.outcome) for f in findings(homes(sizes([1, 2]), rules=(never,)))] == [("forbidden", "refused")]


def test_a_scenario_can_ask_that_contradictions_be_refused() -> None:
    tables = sizes([40, 60]), table("tenure", [TENURE], [50, 54], "household")
    found = findings(homes(*tables, reconcile=Reconcile(totals="refuse")))
    assert [f.outcome for f in found] == ["refused"]
