"""From a closed unit's discrepancy to its allocation: propose, compile, allocate, integerize."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from schemas.model import BoolArray, IntArray
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, Counts
from synthesis.aims import Aims
from synthesis.allocation import allocate
from synthesis.cells import CellCoder
from synthesis.integerization import integerize
from synthesis.plan import Plan, join_plans, plan_values
from synthesis.prior_proposer import propose_unit
from synthesis.proposer import FLAT, OfflineProposer, build_proposer, propose
from synthesis.randomness import keyed_rng
from synthesis.records import Records
from synthesis.sampling import acceptance_counts
from synthesis.system import System, build_system, zone_round_sizes
from synthesis.units import Unit

MIN_ROWS_PER_ZONE = 2000
ROWS_PER_RECORD = 2
FLAT_ATTEMPTS = 4
TRIALS, TRIALS_ACCEPTED = 16, 2
"""Draws of a candidate in trial, and how many of them the rules have to accept."""
FLAT_PRIOR_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """The plan rows of a unit that receive records this round, and how many each."""

    plan: Plan
    counts: IntArray
    proposed: int
    rejections: Mapping[str, int]
    rejected: Records | None
    rejected_rules: tuple[str, ...]
    unsupported: int
    steps: int
    missed: float


def plan_unit(
    coder: CellCoder,
    settings: RunSettings,
    aims: Aims,
    unit: Unit,
    round_index: int,
    fraction: float,
    committed: Counts,
) -> UnitPlan:
    """The allocation of one unit in one round; `fraction` of the aims is to be reached by its end."""
    zones, zone_committed, is_last = unit.zone_array, committed[ZONE_SIZES], fraction >= 1
    sizes = zone_round_sizes(aims, zone_committed, fraction)[zones]
    rng = keyed_rng(settings.random_seed, "propose", round_index, unit.index)
    proposer = build_proposer(coder, zones)
    zone_of_row = np.repeat(zones, _rows_per_zone(settings, sizes, is_last))
    proposals = propose_unit(proposer, zones, zone_of_row, rng)
    likely = _likely_rows(proposer, proposals.plan, rng)

    def system_of(plan: Plan) -> System:
        values = plan_values(coder.scenario, coder.grids, plan)
        return build_system(coder, values, zones, aims, committed, zone_committed, fraction)

    plan, system, unsupported = _complete(proposer, likely, system_of, zone_of_row, rng)
    total = int(sizes.sum())
    allocation = allocate(system, plan.prior, total)
    rng = keyed_rng(settings.random_seed, "integerize", round_index, unit.index)
    counts = integerize(system, allocation.weights, total, rng, is_thorough=is_last)
    used = np.flatnonzero(counts)
    return UnitPlan(
        plan.take(used),
        counts[used],
        proposals.drawn,
        proposals.rejections,
        proposals.rejected,
        proposals.rejected_rules,
        unsupported,
        allocation.steps,
        allocation.missed,
    )


def _likely_rows(proposer: OfflineProposer, plan: Plan, rng: np.random.Generator) -> Plan:
    """The plan without rows whose draws would hardly ever be accepted, where a rule depends on the values drawn."""
    scenario, grids = proposer.coder.scenario, proposer.coder.grids
    if len(proposer.rules) == len(scenario.rules):
        return plan
    accepted = acceptance_counts(scenario, grids, plan, rng, TRIALS)
    # Where nothing is likely, what is there is kept: the shortfall will say so.
    return plan.take(np.flatnonzero(accepted >= min(TRIALS_ACCEPTED, accepted.max(initial=0))))


def _rows_per_zone(settings: RunSettings, sizes: IntArray, is_last: bool) -> IntArray:
    """Candidates per zone; an early round, whose leftovers the next one corrects, makes do with fewer."""
    least = max(
        MIN_ROWS_PER_ZONE,
        (settings.least_plan_rows if is_last else settings.least_plan_rows // 4) // max(len(sizes), 1),
    )
    wanted = np.minimum(np.maximum(sizes * ROWS_PER_RECORD, least), settings.plan_rows)
    return np.where(sizes > 0, wanted, 0)


def _complete(
    proposer: OfflineProposer,
    plan: Plan,
    system_of: Callable[[Plan], System],
    zone_of_row: IntArray,
    rng: np.random.Generator,
) -> tuple[Plan, System, int]:
    """The plan with rows added for cells that want records but have no row (column generation)."""
    system: System = system_of(plan)
    for _ in range(FLAT_ATTEMPTS):
        missing = _unsupported(system)
        if not missing.any():
            break
        extra = _likely_rows(proposer, propose(proposer, zone_of_row, rng, FLAT, flat=True).plan, rng)
        hits = system_of(extra).matrix @ missing.astype(float)
        chosen = np.flatnonzero(hits > 0)[: max(len(zone_of_row) // 4, 100)]
        if len(chosen) == 0:
            continue
        rare = extra.take(chosen)
        weight = FLAT_PRIOR_SHARE * plan.prior.sum() / len(chosen)
        plan = join_plans([plan, Plan(rare.atoms, np.full(len(chosen), weight), rare.proposal)])
        system = system_of(plan)
    return plan, system, int(_unsupported(system).sum())


def _unsupported(system: System) -> BoolArray:
    """Cells that want records and that no plan row reaches."""
    reached = np.asarray(system.matrix.sum(axis=0)).ravel() > 0
    return ~reached & (system.aim > 0) & (system.shares | (system.aim - system.committed >= 0.5))
