"""What a prior changed against none: one closed unit allocated twice, from the chain alone and from both.

Weights are compared, not records: no rounding, no drawing. So the figures are cheap, and free of their noise.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from schemas.model import Entity, FloatArray, IntArray, Scenario
from schemas.prior import Prior
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, no_counts
from synthesis.aims import Aims
from synthesis.allocation import allocate
from synthesis.assessments.evidence import is_targeted
from synthesis.binning import Grid
from synthesis.candidates import propose_unit
from synthesis.cells import CellCoder
from synthesis.plan import Plan, plan_values
from synthesis.proposer import CHAIN, FIRST_ARCHETYPE, build_proposer, propose
from synthesis.randomness import keyed_rng
from synthesis.records import Array, Records
from synthesis.system import build_system
from synthesis.units import Unit

ROWS = 10_000
"""Candidates of each of the two allocations."""
CLASSES = 8
"""Classes that a numeric variable is compared in, at most."""
SHOWN_PAIRS = 12
FAR = 0.15
"""Two members are far apart in a numeric variable beyond this share of its range."""
MEASURE_ROUND = 0
"""Rounds of a run count from 1."""


def prior_effect(coder: CellCoder, settings: RunSettings, aims: Aims, units: Sequence[Unit]) -> dict[str, Any]:
    """The effect, as JSON, in the unit of median size."""
    prior, scenario = coder.scenario.prior, coder.scenario
    assert prior is not None
    unit = _median_unit(aims, units)
    sides = [_allocated(coder, settings, aims, unit, with_prior) for with_prior in (False, True)]
    (_, plain, plain_weights), (plan, values, weights) = sides
    both = (plain, plain_weights), (values, weights)
    return {
        "sources": [{"file": s.path, "author": s.author, "date": s.date, "model": s.model} for s in prior.sources],
        "relations": len(prior.relations),
        "unit": _name(scenario, unit),
        "records": int(aims.zone_sizes[unit.zone_array].sum()),
        "divergence_nats": _divergence(weights, plan.prior),
        "effective_rows": float(weights.sum() ** 2 / max((weights**2).sum(), 1e-300)),
        "archetypes": _archetypes(prior, plan, weights),
        "members": _members(scenario, *both),
        "pairs": _pairs(coder, *both),
    }


def _median_unit(aims: Aims, units: Sequence[Unit]) -> Unit:
    sized = [unit for unit in units if aims.zone_sizes[unit.zone_array].sum() > 0]
    return sorted(sized, key=lambda unit: (int(aims.zone_sizes[unit.zone_array].sum()), unit.index))[len(sized) // 2]


def _name(scenario: Scenario, unit: Unit) -> str:
    if scenario.zones is None:
        return "the whole"
    names = scenario.zones.names[scenario.zones.variable]
    first = f"{scenario.zones.variable} {names[unit.zones[0]]}"
    return first if len(unit.zones) == 1 else f"{first} and {len(unit.zones) - 1} more"


def _allocated(
    coder: CellCoder, settings: RunSettings, aims: Aims, unit: Unit, with_prior: bool
) -> tuple[Plan, Records, FloatArray]:
    """Candidates, what they stand for, and their weights once the tables are met."""
    zones = unit.zone_array
    sizes = aims.zone_sizes[zones]
    rng = keyed_rng(settings.random_seed, "propose", MEASURE_ROUND, unit.index)
    zone_of_row = np.repeat(zones[sizes > 0], max(ROWS // max(int((sizes > 0).sum()), 1), 1))
    proposer = build_proposer(coder, zones)
    # A model's proposals would add to the difference: what is measured is the prior alone.
    alone = settings.model_copy(update={"proposer": "offline"})
    if with_prior:
        proposals = propose_unit(proposer, alone, (), zones, zone_of_row, rng)
    else:
        proposals = propose(proposer, zone_of_row, rng, CHAIN)
    plan, nothing = proposals.plan, no_counts(coder.scenario)
    values = plan_values(coder.scenario, coder.grids, plan)
    system = build_system(coder, values, zones, aims, nothing, nothing[ZONE_SIZES], 1.0)
    return plan, values, allocate(system, plan.prior, float(sizes.sum())).weights


def _divergence(weights: FloatArray, prior: FloatArray) -> float:
    """KL divergence of the allocation from the prior weights, per record: how hard the tables pulled."""
    used = weights > 0
    share, before = weights[used] / weights.sum(), prior[used] / prior.sum()
    return float(np.sum(share * np.log(share / before)))


def _archetypes(prior: Prior, plan: Plan, weights: FloatArray) -> list[dict[str, Any]]:
    reached = np.bincount(plan.proposal, weights=weights, minlength=FIRST_ARCHETYPE + len(prior.archetypes))
    shares = reached[FIRST_ARCHETYPE:] / max(weights.sum(), 1e-300)
    return [
        {"name": archetype.name, "prior_share": archetype.share, "reached_share": float(share)}
        for archetype, share in zip(prior.archetypes, shares, strict=True)
    ]


def _members(
    scenario: Scenario, plain: tuple[Records, FloatArray], ours: tuple[Records, FloatArray]
) -> list[dict[str, Any]]:
    """How members of one record go together: how often two are alike, how often the two highest are far apart."""
    if scenario.member is None:
        return []
    found = []
    for variable in scenario.member.variables:
        if variable.kind == "category":
            told = "two members alike"
            figures = [_alike(values, weights, variable.name) for values, weights in (plain, ours)]
        else:
            gap = FAR * (variable.high - variable.low)
            gap = float(np.ceil(gap)) if variable.kind == "integer" else gap
            told = f"two highest more than {gap:.6g} apart"
            figures = [_far_apart(values, weights, variable.name, gap) for values, weights in (plain, ours)]
        if figures[0] is not None and figures[1] is not None:
            found.append({"variable": variable.name, "what": told, "without": figures[0], "with": figures[1]})
    return found


def _alike(values: Records, weights: FloatArray, name: str) -> float | None:
    """Probability that two different members of a record share a category, over records of two or more."""
    sizes = values.members_per_root()
    codes = values.members[name].astype(np.int64)
    levels = int(codes.max(initial=0)) + 1
    same = np.bincount(values.parent * levels + codes, minlength=values.count * levels).reshape(values.count, levels)
    pairs = sizes * (sizes - 1)
    share = np.divide((same * (same - 1)).sum(axis=1), pairs, out=np.zeros(len(sizes)), where=pairs > 0)
    return _mean(share, weights * (sizes > 1))


def _far_apart(values: Records, weights: FloatArray, name: str, gap: float) -> float | None:
    """Share of records of two or more whose two highest members differ by more than `gap`."""
    sizes = values.members_per_root()
    order = np.lexsort((-values.members[name].astype(float), values.parent))
    ranked = values.members[name][order].astype(float)
    first = np.cumsum(sizes) - sizes
    many = np.flatnonzero(sizes > 1)
    far = np.zeros(values.count)
    far[many] = ranked[first[many]] - ranked[first[many] + 1] > gap
    return _mean(far, weights * (sizes > 1))


def _mean(figure: FloatArray, weights: FloatArray) -> float | None:
    return float(figure @ weights / weights.sum()) if weights.sum() > 0 else None


def _pairs(
    coder: CellCoder, plain: tuple[Records, FloatArray], ours: tuple[Records, FloatArray]
) -> list[dict[str, Any]]:
    """Pairs of variables that no table holds, by how much the prior moved their joint distribution (TVD)."""
    scenario = coder.scenario
    found: list[dict[str, Any]] = []
    for entity in scenario.entities:
        names = [v.name for v in entity.variables if scenario.zones is None or v.name != scenario.zones.variable]
        for pair in combinations(names, 2):
            if not is_targeted(scenario, entity, pair):
                joints = [_joint(coder, entity, pair, values, weights) for values, weights in (plain, ours)]
                tvd = float(0.5 * np.abs(joints[0] - joints[1]).sum())
                found.append({"entity": entity.name, "variables": list(pair), "tvd": tvd})
    return sorted(found, key=_tvd, reverse=True)[:SHOWN_PAIRS]


def _tvd(pair: dict[str, Any]) -> float:
    return float(pair["tvd"])


def _joint(coder: CellCoder, entity: Entity, pair: tuple[str, str], values: Records, weights: FloatArray) -> FloatArray:
    of_members = entity is coder.scenario.member
    columns = values.members if of_members else values.root
    (first, first_size), (second, second_size) = (
        _classes(coder.grids.of(entity.name, name), columns[name]) for name in pair
    )
    each = weights[values.parent] if of_members else weights
    counts = np.bincount(first * second_size + second, weights=each, minlength=first_size * second_size)
    return counts / max(counts.sum(), 1e-300)


def _classes(grid: Grid, column: Array) -> tuple[IntArray, int]:
    """The class of each value: its category, or one of a few runs of the variable's atoms."""
    codes = grid.codes(column)
    if grid.edges is None or grid.size <= CLASSES:
        return np.clip(codes, 0, grid.size - 1), grid.size
    return np.clip(codes * CLASSES // grid.size, 0, CLASSES - 1), CLASSES
