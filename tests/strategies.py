"""Shared hypothesis strategies: small random scenarios.

Every target was counted in a random population that obeys the rules, so all of a scenario's tables can be met at once.
Structure is drawn by hypothesis, values by a generator whose random_seed hypothesis draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from schemas.expression import Aggregate, Arithmetic, CategoryTest, Choice, Column, Compare, Constant, Node
from schemas.model import Axis, Derived, Entity, FloatArray, IntArray, Rule, Scenario, TargetTable, Tolerance, Variable
from schemas.model import Zones as ZoneLevels
from synthesis.binning import build_grids
from synthesis.cells import CellCoder, build_coder
from synthesis.evaluation import holds, obeys, with_derived
from synthesis.records import Array, Records

KINDS = ("category", "integer", "number")
MAX_CELLS = 48
WORK = ("under 16", "working", "not working")
AGE, WORKS = Column("person", "age"), Column("person", "work")
SIZE, TENURE = Column("household", "household_size"), Column("household", "tenure")

rngs = st.builds(np.random.default_rng, st.integers(0, 2**32 - 1))


@dataclass(frozen=True)
class Example:
    """A scenario and the population (derived variables included) that its targets were counted in."""

    scenario: Scenario
    population: Records

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """What hypothesis shows: tables and rules on a line each, not the whole population."""
        tables = (f"{t.name}: {t.entity} {[(a.variable, *a.labels) for a in t.axes]}" for t in self.scenario.tables)
        printer.text("\n".join(["Example", *tables, *map(repr, self.scenario.rules)]))


def compiled(scenario: Scenario) -> CellCoder:
    """The coder of a scenario, with its grids."""
    return build_coder(scenario, build_grids(scenario))


def category_axis(variable: Variable | Derived) -> Axis:
    """All categories of a variable."""
    return Axis(variable.name, variable.categories)


def binned_axis(name: str, *edges: float) -> Axis:
    """Bins between consecutive edges."""
    lows, highs = np.array(edges[:-1], dtype=float), np.array(edges[1:], dtype=float)
    return Axis(name, tuple(f"[{low:g}, {high:g})" for low, high in zip(lows, highs, strict=True)), lows, highs)


def table(name: str, axes: Sequence[Axis], target: object, entity: str = "trip", **changes: object) -> TargetTable:
    """An exact count table of the whole; `target` gets its shape from the axes."""
    values = np.asarray(target, dtype=float).reshape(-1, *(len(axis) for axis in axes))
    plain = TargetTable(name, entity, tuple(axes), values, "count", "count", Tolerance("records", 0))
    return replace(plain, **changes)  # type: ignore[arg-type]


@st.composite
def flat_scenarios(draw: st.DrawFn, size: int = 300, most_tables: int = 4) -> Example:
    """2-5 variables of all kinds, 1-`most_tables` tables that bin them differently, up to two rules."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=5))
    table_count = draw(st.integers(1, most_tables))
    rule_count = draw(st.integers(0, 2))
    rng = draw(rngs)
    variables = tuple(_variable(rng, f"v{i}", kind) for i, kind in enumerate(kinds))
    population, found = _obedient(rng, variables, rule_count, size)
    tables = tuple(_flat_table(rng, variables, population, i) for i in range(table_count))
    return Example(Scenario("random", Entity("trip", variables), tables, rules=found, size=size), population)


def _variable(rng: np.random.Generator, name: str, kind: str) -> Variable:
    if kind == "category":
        return Variable(name, "category", categories=tuple(f"{name} {i}" for i in range(rng.integers(2, 5))))
    low = float(rng.integers(-5, 5))
    if kind == "integer":
        return Variable(name, "integer", low=low, high=low + float(rng.integers(1, 40)))
    return Variable(name, "number", low=low / 2, high=low / 2 + float(rng.choice([1, 30, 5000])))


def _obedient(
    rng: np.random.Generator, variables: tuple[Variable, ...], rule_count: int, size: int
) -> tuple[Records, tuple[Rule, ...]]:
    """Records with dependent variables, those that break a rule dropped, and the rules that somebody obeys."""
    many = 4 * size
    latent = rng.integers(0, 3, many)
    population = Records(many, {v.name: _values(rng, v, latent) for v in variables})
    rules: list[Rule] = []
    for i in range(rule_count):
        when, then = (_test(rng, variables[j]) for j in rng.choice(len(variables), 2, replace=False))
        rule = Rule(f"rule_{i}", "trip", then, when)
        kept = np.flatnonzero(obeys(rule, population, False))
        if len(kept):
            rules.append(rule)
            population = population.take(kept)
    rows = np.arange(size) if population.count >= size else rng.integers(0, population.count, size)
    return population.take(rows), tuple(rules)


def _values(rng: np.random.Generator, variable: Variable, latent: IntArray) -> Array:
    if variable.kind == "category":
        cumulative = rng.dirichlet(np.ones(len(variable.categories)), 3).cumsum(axis=1)[latent, :-1]
        return (rng.random(len(latent))[:, None] > cumulative).sum(axis=1)
    shapes = rng.uniform(0.5, 4, (2, 3))[:, latent]
    uniform = np.minimum(rng.beta(*shapes), 1 - 1e-9)
    if variable.kind == "integer":
        return (variable.low + np.floor(uniform * (variable.high - variable.low + 1))).astype(np.int64)
    return variable.low + uniform * (variable.high - variable.low)


def _test(rng: np.random.Generator, variable: Variable) -> Node:
    """A category is one of some, or a number on one side of a constant."""
    column = Column("trip", variable.name)
    if variable.kind == "category":
        count = int(rng.integers(1, len(variable.categories)))
        return CategoryTest(column, tuple(rng.permutation(len(variable.categories))[:count].tolist()))
    value = float(np.round(rng.uniform(variable.low, variable.high), 1))
    return Compare(("<", "<=", ">", ">=")[rng.integers(4)], column, Constant(value))


def _flat_table(
    rng: np.random.Generator, variables: tuple[Variable, ...], population: Records, index: int
) -> TargetTable:
    axes: list[Axis] = []
    for i in rng.permutation(len(variables))[: rng.integers(1, 4)]:
        axis = _axis(rng, variables[i])
        if np.prod([len(a) for a in [*axes, axis]]) <= MAX_CELLS:
            axes.append(axis)
    universe = _test(rng, variables[rng.integers(len(variables))]) if index > 0 and rng.random() < 0.25 else None
    if universe is not None and not holds(universe, population, False).any():
        universe = None
    bare = table(f"t{index}", axes, np.zeros(np.prod([len(axis) for axis in axes], dtype=int)), universe=universe)
    counted = replace(bare, target=count_cells(bare, population, None, False))
    return counted if index == 0 else _bound(counted, *rng.integers(0, 2, 2))


def _bound(counted: TargetTable, as_share: int, binds_share: int) -> TargetTable:
    """The table as it is, binding shares, or published as shares."""
    if not as_share:
        return replace(counted, binds="share" if binds_share else "count")
    totals = counted.target.reshape(counted.units, -1).sum(axis=1).reshape(-1, *[1] * len(counted.axes))
    shares = np.divide(counted.target, totals, out=np.zeros(counted.target.shape), where=totals > 0)
    return replace(counted, target=shares, measure="share", binds="share")


def _axis(rng: np.random.Generator, variable: Variable | Derived) -> Axis:
    if variable.kind == "category":
        return category_axis(variable)
    end = variable.high + 1 if variable.kind == "integer" else variable.high
    cuts = rng.uniform(variable.low, end, rng.integers(0, 5))
    cuts = np.ceil(cuts) if variable.kind == "integer" else np.round(cuts, 2)
    return binned_axis(variable.name, *sorted({variable.low, end, *cuts[(cuts > variable.low) & (cuts < end)]}))


def count_cells(
    counted: TargetTable, population: Records, unit_of_record: IntArray | None, of_members: bool
) -> FloatArray:
    """The table's cells counted in a population, by other means than the engine's."""
    count = population.member_count if of_members else population.count
    units = np.zeros(count, dtype=int) if unit_of_record is None else unit_of_record
    bins = []
    for axis in counted.axes:
        values = population.column(axis.variable, of_members)
        bins.append(values if axis.lows is None else np.searchsorted(axis.lows, values, side="right") - 1)
    where = np.ones(count, dtype=bool)
    if counted.universe is not None:
        where = holds(counted.universe, population, of_members)
    target = np.zeros_like(counted.target)
    np.add.at(target, tuple(index[where] for index in (units, *bins)), 1)
    return target


@st.composite
def nested_scenarios(draw: st.DrawFn, size: int = 200, zoned: bool | None = None) -> Example:
    """Households with persons, derived variables and rules; with up to four counties in two regions."""
    has_zones = draw(st.booleans()) if zoned is None else zoned
    counties = draw(st.integers(2, 4)) if has_zones else 0
    smallest = draw(st.integers(0, 1))
    chosen = draw(st.sets(st.integers(0, 7), max_size=4))
    rng = draw(rngs)
    zones = _zones(counties) if counties else None
    names = zones.names["county"] if zones else ()
    household = Entity("household", _household_variables(names, smallest), HOUSEHOLD_DERIVED)
    bare = Scenario("nested", household, (), PERSON, zones, RULES, size)
    population = with_derived(bare, _households(rng, bare, size))
    tables = [_nested_table(rng, bare, population, i) for i in (-1, *sorted(chosen))]
    return Example(replace(bare, tables=tuple(tables)), population)


PERSON = Entity(
    "person",
    (
        Variable("age", "integer", low=0, high=99),
        Variable("work", "category", categories=WORK),
        Variable("wage", "integer", low=0, high=100_000),
    ),
    (Derived("is_old", "category", Choice(Compare(">", AGE, Constant(64)), Constant(0), Constant(1)), "", ("y", "n")),),
    "household",
    "household_size",
)
HOUSEHOLD_DERIVED = (
    Derived("adults", "integer", Aggregate("count", Compare(">=", AGE, Constant(18))), low=0, high=4),
    Derived("wages", "integer", Aggregate("sum", Column("person", "wage")), low=0, high=400_000),
    Derived(
        "mean_age",
        "number",
        Choice(Compare(">", SIZE, Constant(0)), Arithmetic("/", Aggregate("sum", AGE), SIZE), Constant(0)),
        low=0,
        high=100,
    ),
    Derived(
        "kids",
        "category",
        Choice(Aggregate("any", Compare("<", AGE, Constant(18))), Constant(0), Constant(1)),
        categories=("with children", "without"),
    ),
)
RULES = (
    Rule(
        "has_adult", "household", Aggregate("any", Compare(">=", AGE, Constant(18))), Compare(">=", SIZE, Constant(1))
    ),
    Rule("too_young", "person", CategoryTest(WORKS, (0,)), Compare("<", AGE, Constant(16))),
    Rule("old_enough", "person", CategoryTest(WORKS, (1, 2)), Compare(">=", AGE, Constant(16))),
)


def _zones(counties: int) -> ZoneLevels:
    codes = np.arange(counties)
    names = {"county": tuple(f"5000{i}" for i in codes), "region": ("north", "south")}
    return ZoneLevels("county", ("county", "region"), names, {"county": codes, "region": codes % 2}, "county")


def _household_variables(counties: tuple[str, ...], smallest: int) -> tuple[Variable, ...]:
    plain = (
        Variable("household_size", "integer", low=smallest, high=4),
        Variable("tenure", "category", categories=("owned", "rented", "other")),
        Variable("rent", "number", low=0, high=2000),
    )
    return (Variable("county", "category", categories=counties), *plain) if counties else plain


def _households(rng: np.random.Generator, scenario: Scenario, count: int) -> Records:
    """Random households whose first member is an adult, with work as age allows."""
    root: dict[str, Array] = {v.name: _values(rng, v, rng.integers(0, 3, count)) for v in scenario.root.variables}
    parent = np.repeat(np.arange(count), root["household_size"])
    is_first = np.diff(parent, prepend=-1) > 0
    spread = rng.beta(1.2, 1.5, len(parent))
    age = np.floor(np.where(is_first, 18 + spread * 82, spread * 100)).astype(np.int64)
    work = np.where(age < 16, 0, 1 + (rng.random(len(parent)) < np.where(age < 65, 0.3, 0.9)))
    return Records(count, root, {"age": age, "work": work, "wage": rng.integers(0, 100_001, len(parent))}, parent)


def _nested_table(rng: np.random.Generator, scenario: Scenario, population: Records, index: int) -> TargetTable:
    entity, names, universe = (
        ("household", ["household_size"], None),
        ("household", ["tenure"], None),
        ("household", ["household_size", "tenure"], None),
        ("household", ["kids", "tenure"], None),
        ("household", ["adults"], None),
        ("household", ["wages"], None),
        ("person", ["age", "work"], None),
        ("person", ["tenure", "age"], None),
        ("person", ["work", "is_old"], Compare(">=", AGE, Constant(16))),
    )[index + 1]
    of_members = entity == "person"
    axes = [_axis(rng, scenario.variable(entity, name)) for name in names]
    level = "county" if index < 0 else rng.choice([None, "county", "region"])
    unit_of_record, units = None, 1
    if scenario.zones is None or level is None:
        level = None
    else:
        zone = population.column("county", of_members)
        unit_of_record, units = scenario.zones.lookup[level][zone], int(scenario.zones.lookup[level].max()) + 1
    tolerance = Tolerance("share_tvd", 0.005) if of_members else Tolerance("records", 0)
    cells = units * int(np.prod([len(axis) for axis in axes]))
    bare = table(
        f"t{index + 1}", axes, np.zeros(cells), entity, zone_level=level, universe=universe, tolerance=tolerance
    )
    counted = replace(bare, target=count_cells(bare, population, unit_of_record, of_members))
    return counted if index < 0 else _bound(counted, *rng.integers(0, 2, 2))
