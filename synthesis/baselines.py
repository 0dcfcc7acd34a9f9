"""What the tables alone give, beside what a run gave: independence, raking (IPF), and the offline proposer's rows.

Everything is summed over the zones, so that the cost is bounded. Independent variables: the product of the one-way
margins of the tables used. IPF: the same rows, raked to the tables used (Deming and Stephan 1940). Offline: the rows
of the offline proposer, which also knows universes and rules, raked to them. Tables held out are unknown to all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from schemas.errors import MetricError
from schemas.model import Derived, Entity, FloatArray, Scenario, TargetTable, Tolerance, Variable
from synthesis.aggregates import ZONE_SIZES, no_counts
from synthesis.aims import Aims
from synthesis.allocation import allocate
from synthesis.binning import Grids, build_grids
from synthesis.cells import CellCoder, build_coder, cell_ids
from synthesis.discrepancy import TableDiscrepancy
from synthesis.plan import Plan, plan_values
from synthesis.proposer import build_proposer, propose
from synthesis.randomness import keyed_rng
from synthesis.records import Records
from synthesis.system import build_system

ROWS = 20_000
ROWS_WITH_MEMBERS = 10_000
WHOLE = np.zeros(1, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One table summed over its zones: total variation distance to the shares aimed at, of the run and of baselines.

    `noise` is what the baselines' number of rows alone makes of an exact distribution.
    """

    table: str
    is_held_out: bool
    run: float
    independence: float
    ipf: float
    offline: float
    noise: float


@dataclass(frozen=True, slots=True)
class Baselines:
    """All tables, and how many rows the baselines were made of."""

    tables: tuple[Comparison, ...]
    rows: int


def compare_baselines(
    scenario: Scenario, found: Sequence[TableDiscrepancy], held: Sequence[TableDiscrepancy], random_seed: int
) -> Baselines:
    """The comparison of a run's tables, used (`found`) and held out."""
    used, apart = [_pooled(part) for part in found], [_pooled(part) for part in held]
    whole = replace(
        scenario, tables=(*used, *apart), held_out=(), zones=None, prior=None, root=_without_zones(scenario)
    )
    grids = build_grids(whole)
    coder, every = build_coder(replace(whole, tables=tuple(used)), grids), build_coder(whole, grids)
    rows = ROWS if scenario.member is None else ROWS_WITH_MEMBERS
    independent = _independent(coder, grids, rows, keyed_rng(random_seed, "baselines", 0))
    chained = propose(build_proposer(coder, WHOLE), np.zeros(rows, np.int64), keyed_rng(random_seed, "baselines", 1))
    if 0 in (independent.count, chained.plan.count):
        raise MetricError("no row of the offline proposer obeys the rules")
    shares = {
        "independence": _shares(every, independent, np.ones(independent.count)),
        "ipf": _shares(every, independent, _raked(coder, independent)),
        "offline": _shares(every, chained.plan, _raked(coder, chained.plan)),
    }
    parts = [(part, False) for part in found] + [(part, True) for part in held]
    return Baselines(tuple(_comparison(part, is_held, shares, rows) for part, is_held in parts), rows)


def describe_baselines(baselines: Baselines, proposer: str) -> dict[str, Any]:
    """The comparison as plain JSON, with a sentence on what the proposer in use added."""
    return {
        "statement": state_gain(baselines, proposer),
        "rows": baselines.rows,
        "tables": [
            {
                "table": one.table,
                "held_out": one.is_held_out,
                **{name: round(getattr(one, name), 6) for name in ("run", "independence", "ipf", "offline", "noise")},
            }
            for one in baselines.tables
        ],
    }


def state_gain(baselines: Baselines, proposer: str) -> str:
    """What the proposer in use added over the baselines, on tables held out if there are any."""
    held = [one for one in baselines.tables if one.is_held_out]
    if not held:
        return (
            "No table was held out: the targets are met by allocation, whoever proposes, so they do not show what the "
            f"{proposer} proposer added. Hold some out (--hold-out TABLE) to see it."
        )
    rivals = {"independence": "independence", "ipf": "IPF"} | (
        {} if proposer == "offline" else {"offline": "the offline proposer"}
    )
    means = {name: float(np.mean([getattr(one, name) for one in held])) for name in rivals}
    best = min(means, key=lambda name: means[name])
    run, noise = (float(np.mean([getattr(one, name) for one in held])) for name in ("run", "noise"))
    gain = means[best] - run
    tables = f"the table held out ({held[0].table})" if len(held) == 1 else f"the {len(held)} tables held out"
    figures = f"On {tables} the run is at a TVD of {run:.4f}, the best baseline ({rivals[best]}) at {means[best]:.4f}"
    if abs(gain) <= noise:
        return f"{figures}: the {proposer} proposer added nothing beyond the noise of {noise:.4f}."
    return f"{figures}: the {proposer} proposer {'added' if gain > 0 else 'lost'} {abs(gain):.4f}."


def _pooled(part: TableDiscrepancy) -> TargetTable:
    """A table of the whole: the records aimed at, summed over the zones."""
    table = part.table
    target = part.reconciled.sum(axis=0).reshape(1, *(len(axis) for axis in table.axes))
    changes = {"zone_level": None, "measure": "count", "moe": None, "tolerance": Tolerance("records", 0.0)}
    return replace(table, target=target, **changes)  # type: ignore[arg-type]


def _without_zones(scenario: Scenario) -> Entity:
    """The root entity whose zone variable is one like any other."""
    if scenario.zones is None:
        return scenario.root
    name = scenario.zones.variable
    return replace(
        scenario.root,
        variables=tuple(replace(v, prior_weights=None) if v.name == name else v for v in scenario.root.variables),
    )


def _independent(coder: CellCoder, grids: Grids, rows: int, rng: np.random.Generator) -> Plan:
    """Rows whose variables are drawn one by one from the margins of the tables used; rules are not known."""
    scenario = coder.scenario
    margins = [
        table for entity in scenario.entities for v in entity.variables if (table := _margin(scenario, entity, v))
    ]
    alone = build_coder(replace(scenario, tables=tuple(margins), rules=()), grids)
    return propose(build_proposer(alone, WHOLE), np.zeros(rows, np.int64), rng).plan


def _margin(scenario: Scenario, entity: Entity, variable: Variable | Derived) -> TargetTable | None:
    """The one-way margin of a variable: of a table over everybody with most bins, else of one with a universe."""
    holding = [
        (table, i)
        for table in scenario.tables
        for i, axis in enumerate(table.axes)
        if table.entity == entity.name and axis.variable == variable.name and table.target.sum() > 0
    ]
    if not holding:
        return None
    table, i = max(holding, key=lambda found: (found[0].universe is None, len(found[0].axes[found[1]])))
    summed = table.target.sum(axis=tuple(j + 1 for j in range(len(table.axes)) if j != i))
    name = f"margin of {entity.name}.{variable.name}"
    return replace(table, name=name, axes=(table.axes[i],), target=summed, universe=None, universe_text=None)


def _raked(coder: CellCoder, plan: Plan) -> FloatArray:
    """Weights of the rows that bring them to the tables used."""
    total = round(max(float(t.target.sum()) for t in coder.scenario.tables if t.entity == coder.scenario.root.name))
    targets = {
        table.name: (table.target / (table.target.sum() or 1.0) if table.binds == "share" else table.target).ravel()
        for table in coder.scenario.tables
    }
    aims, counts = Aims(np.array([total]), targets, ()), no_counts(coder.scenario)
    values = plan_values(coder.scenario, coder.grids, plan)
    system = build_system(coder, values, WHOLE, aims, counts, counts[ZONE_SIZES], 1.0)
    return np.asarray(allocate(system, plan.prior, total).weights)


def _shares(coder: CellCoder, plan: Plan, weights: FloatArray) -> Mapping[str, FloatArray]:
    """The shares of every table's cells that weighted rows have."""
    values: Records = plan_values(coder.scenario, coder.grids, plan)
    ids, found = cell_ids(coder, values), {}
    for table in coder.scenario.tables:
        weight = weights if table.entity == coder.scenario.root.name else weights[values.parent]
        inside = ids[table.name] >= 0
        counts = np.bincount(ids[table.name][inside], weights=weight[inside], minlength=table.cells)
        found[table.name] = counts / (counts.sum() or 1.0)
    return found


def _comparison(
    part: TableDiscrepancy, is_held_out: bool, shares: Mapping[str, Mapping[str, FloatArray]], rows: int
) -> Comparison:
    aimed, synthetic = (_normal(values.sum(axis=0)) for values in (part.reconciled, part.synthetic))
    name = part.table.name
    others = {kind: _distance(aimed, held[name]) for kind, held in shares.items()}
    # The mean absolute error of a binomial share p of n is sqrt(2 p (1 - p) / (pi n)).
    noise = float(0.5 * np.sqrt(2 * aimed * (1 - aimed) / (np.pi * rows)).sum())
    return Comparison(name, is_held_out, _distance(aimed, synthetic), **others, noise=noise)


def _normal(counts: FloatArray) -> FloatArray:
    return counts / (counts.sum() or 1.0)


def _distance(one: FloatArray, other: FloatArray) -> float:
    return float(0.5 * np.abs(one - other).sum())
