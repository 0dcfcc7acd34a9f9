"""From a closed unit's discrepancy to its allocation: propose, compile, allocate, integerize."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, Counts
from synthesis.aims import Aims
from synthesis.allocation import allocate
from synthesis.candidates import may_complete, propose_rare, propose_unit
from synthesis.cells import CellCoder
from synthesis.integerization import integerize
from synthesis.plan import Plan, join_plans, plan_values
from synthesis.proposer import OfflineProposer, build_proposer
from synthesis.randomness import keyed_rng
from synthesis.records import Records
from synthesis.reply_rows import Offered, offered_to
from synthesis.sampling import acceptance_counts
from synthesis.system import System, build_system, zone_round_sizes
from synthesis.units import Unit
from synthesis.what_if import binding

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
    offered: Sequence[Offered] = (),
) -> UnitPlan:
    """The allocation of one unit in one round; `fraction` of the aims is to be reached by its end.

    `offered` are the model's proposals of this and earlier rounds.
    """
    zones, zone_committed, is_last = unit.zone_array, committed[ZONE_SIZES], fraction >= 1
    sizes = zone_round_sizes(aims, zone_committed, fraction)[zones]
    rng = keyed_rng(settings.random_seed, "propose", round_index, unit.index)
    proposer = build_proposer(coder, zones)
    zone_of_row = np.repeat(zones, _rows_per_zone(settings, sizes, is_last))
    here = offered_to(coder.scenario, offered, zones)
    if settings.allocation == "proposed":
        return _as_proposed(proposer, settings, here, zones, sizes, zone_of_row, round_index, rng)
    proposals = propose_unit(proposer, settings, here, zones, zone_of_row, rng)
    likely = _likely_rows(proposer, proposals.plan, rng)

    told = binding(coder)

    def system_of(plan: Plan) -> System:
        values = plan_values(coder.scenario, coder.grids, plan)
        return build_system(told, values, zones, aims, committed, zone_committed, fraction)

    is_open = may_complete(settings, here, coder.scenario.prior is not None)
    plan, system, unsupported = _complete(proposer, settings, likely, system_of, zone_of_row, rng, is_open)
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


def _as_proposed(
    proposer: OfflineProposer,
    settings: RunSettings,
    offered: Sequence[Offered],
    zones: IntArray,
    sizes: IntArray,
    zone_of_row: IntArray,
    round_index: int,
    rng: np.random.Generator,
) -> UnitPlan:
    """The method's own loop: every proposal of the round has the records that its share says, whatever the targets."""
    latest = [one for one in offered if one.round == round_index]
    alone = settings.model_copy(update={"chain_share": 0.0})
    proposals = propose_unit(proposer, alone, latest, zones, zone_of_row, rng)
    plan = _likely_rows(proposer, proposals.plan, rng)
    zone_of_plan = _zone_positions(proposer.coder, plan, zones)
    counts = np.zeros(plan.count, dtype=np.int64)
    for position, size in enumerate(sizes.tolist()):
        rows = np.flatnonzero(zone_of_plan == position)
        if len(rows):
            counts[rows] = systematic_counts(plan.prior[rows], size, rng)
    used = np.flatnonzero(counts)
    found = proposals.rejections, proposals.rejected, proposals.rejected_rules
    return UnitPlan(plan.take(used), counts[used], proposals.drawn, *found, 0, 0, 0.0)


def _zone_positions(coder: CellCoder, plan: Plan, zones: IntArray) -> IntArray:
    if coder.scenario.zones is None:
        return np.zeros(plan.count, dtype=np.int64)
    return np.searchsorted(zones, plan.atoms.root[coder.scenario.zones.variable])


def systematic_counts(weights: FloatArray, total: int, rng: np.random.Generator) -> IntArray:
    """Whole numbers near `weights` scaled to `total`, which they sum to: a random start, then equal steps."""
    if weights.sum() <= 0:
        return np.zeros(len(weights), dtype=np.int64)
    ends = np.cumsum(weights) * (total / weights.sum())
    # The last end is the total, whatever rounding made of it.
    ends[-1] = total
    steps = np.floor(ends + rng.random())
    steps = np.minimum(steps, total)
    steps[-1] = total
    return np.diff(steps, prepend=0.0).astype(np.int64)


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
    settings: RunSettings,
    plan: Plan,
    system_of: Callable[[Plan], System],
    zone_of_row: IntArray,
    rng: np.random.Generator,
    is_open: bool,
) -> tuple[Plan, System, int]:
    """The plan with rows added, if it is open to that, for cells that want records but have no row."""
    system: System = system_of(plan)
    for _ in range(FLAT_ATTEMPTS if is_open else 0):
        missing = _unsupported(system)
        if not missing.any():
            break
        extra = _likely_rows(proposer, propose_rare(proposer, settings, zone_of_row, rng), rng)
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
