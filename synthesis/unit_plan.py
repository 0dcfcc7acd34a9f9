"""From a unit's discrepancy to its allocation: propose, compile, allocate, integerize."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, Counts, no_counts
from synthesis.aims import Aims
from synthesis.allocation import Allocation, allocate, blocked_rows, unsupported_cells, usable_prior
from synthesis.candidates import may_complete, propose_rare, propose_unit
from synthesis.causes import Causes, find_causes
from synthesis.cells import CellCoder, cell_ids
from synthesis.convergence import Convergence, convergence_of
from synthesis.elastic import Relaxation, relax
from synthesis.integerization import integerize, systematic_rounding
from synthesis.outer import OuterCells, asked, inner_coder, outer_coder
from synthesis.plan import Plan, has_ranges, join_plans, plan_values, with_ranges, without_ranges
from synthesis.pricing import priced_rows
from synthesis.proposer import OfflineProposer, build_proposer
from synthesis.randomness import keyed_rng
from synthesis.records import Records
from synthesis.reply_rows import Offered, offered_to
from synthesis.sampling import acceptance_counts
from synthesis.system import System, build_system, zone_round_sizes
from synthesis.units import Unit
from synthesis.what_if import binding

ROWS_PER_ZONE, LEAST_ROWS_PER_ZONE, ROWS_PER_RECORD_OF_SMALL = 2000, 500, 10
"""Candidates that meet a block group; those of a small zone go by its records."""
EARLY_PART = 10
"""An early round makes do with so many times fewer candidates."""
RUN_ROWS = 400_000
"""Candidates that all zones share where that is more: few zones get many each."""
ROWS_PER_RECORD = 2
FLAT_ATTEMPTS = 4
TRIALS, TRIALS_ACCEPTED = 16, 2
"""Draws of a candidate in trial, and how many of them the rules have to accept."""
FLAT_PRIOR_SHARE = 0.05
PRICING_ROUNDS = 8
WORTH_PRICING = 0.98
MISSED = 0.25
"""Records from which an exact cell that the allocation misses is looked into."""
RESPONSE_ROWS = 500
"""Candidates per zone from which a unit's response in outer tables is taken."""
RESPONSE_ROUND = 0
LOOSE = 1e-3
"""Importance of soft cells in a response: it is where raking starts from, and loose cells are met in a few steps."""


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
    causes: Causes
    convergence: Convergence


def plan_unit(
    coder: CellCoder,
    settings: RunSettings,
    aims: Aims,
    unit: Unit,
    round_index: int,
    fraction: float,
    committed: Counts,
    outer: OuterCells | None = None,
    part: FloatArray | None = None,
    offered: Sequence[Offered] = (),
) -> UnitPlan:
    """The allocation of one unit in one round; `fraction` of the aims is to be reached by its end.

    `part` is what the unit is to add to its outer cells; `offered` are the model's proposals of all rounds so far.
    """
    zones, zone_committed, is_last = unit.zone_array, committed[ZONE_SIZES], fraction >= 1
    sizes = zone_round_sizes(aims, zone_committed, fraction)[zones]
    rng = keyed_rng(settings.random_seed, "propose", round_index, unit.index)
    proposer = build_proposer(coder, zones)
    zone_of_row = np.repeat(zones, rows_per_zone(settings, sizes, len(aims.zone_sizes), is_last))
    here = offered_to(coder.scenario, offered, zones)
    if settings.allocation == "proposed":
        return _as_proposed(proposer, settings, here, zones, sizes, zone_of_row, round_index, rng)
    proposals = propose_unit(proposer, settings, here, zones, zone_of_row, rng)
    likely = _likely_rows(proposer, proposals.plan, rng)
    told = (coder, aims, committed)
    if outer is not None and (part is not None or outer.unbound):
        own = np.zeros(len(outer.of_unit[unit.index])) if part is None else part
        told = asked(coder, aims, committed, outer, unit.index, own)

    def system_of(plan: Plan) -> System:
        values = plan_values(coder.scenario, coder.grids, plan)
        return build_system(binding(told[0]), values, zones, told[1], told[2], zone_committed, fraction)

    is_open = may_complete(settings, here, coder.scenario.prior is not None)
    plan, system, unsupported = _complete(proposer, settings, likely, system_of, zone_of_row, rng, is_open)
    total = int(sizes.sum())
    pricing_rounds = PRICING_ROUNDS if is_last and is_open else 0
    plan, system, allocation = _priced(proposer, plan, system, total, system_of, rng, pricing_rounds)
    unsupported = unsupported_cells(system)
    relaxation = None
    # Early support of replies alone meets little: what is not there yet is no reason to look for nearer targets.
    if is_open or is_last:
        allocation, relaxation = _relaxed(system, plan, total, allocation)
    reachable = system if relaxation is None else relaxation.system
    rng = keyed_rng(settings.random_seed, "integerize", round_index, unit.index)
    counts = integerize(reachable, allocation.weights, total, rng, is_thorough=is_last)
    used = np.flatnonzero(counts)
    return UnitPlan(
        plan.take(used),
        counts[used],
        proposals.drawn,
        proposals.rejections,
        proposals.rejected,
        proposals.rejected_rules,
        int(unsupported.sum()),
        allocation.steps,
        _missed(system, allocation.weights),
        find_causes(coder.scenario, system, allocation.weights, counts, unsupported, relaxation) if is_last else {},
        convergence_of(system, allocation),
    )


def reach_cells(
    proposer: OfflineProposer,
    settings: RunSettings,
    plan: Plan,
    system_of: Callable[[Plan], System],
    zone_of_row: IntArray,
    total: int,
    rng: np.random.Generator,
) -> tuple[Plan, System, Allocation, BoolArray, Relaxation | None]:
    """The plan with rows added until exact cells can be met or nothing helps; its system, allocation, the cells
    that no row reaches, and the nearest targets where the published ones cannot be met.
    """
    plan, system, _ = _complete(proposer, settings, plan, system_of, zone_of_row, rng, is_open=True)
    plan, system, allocation = _priced(proposer, plan, system, total, system_of, rng, PRICING_ROUNDS)
    allocation, relaxation = _relaxed(system, plan, total, allocation)
    return plan, system, allocation, unsupported_cells(system), relaxation


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
            counts[rows] = systematic_rounding(plan.prior[rows], size, rng)
    used = np.flatnonzero(counts)
    found = proposals.rejections, proposals.rejected, proposals.rejected_rules
    nothing_solved = Convergence(0, 0.0, 0.0, None, plan.count, 0, float(len(used)), 1.0)
    return UnitPlan(plan.take(used), counts[used], proposals.drawn, *found, 0, 0, 0.0, {}, nothing_solved)


def _zone_positions(coder: CellCoder, plan: Plan, zones: IntArray) -> IntArray:
    if coder.scenario.zones is None:
        return np.zeros(plan.count, dtype=np.int64)
    return np.searchsorted(zones, plan.atoms.root[coder.scenario.zones.variable])


def respond(coder: CellCoder, settings: RunSettings, aims: Aims, outer: OuterCells, unit: Unit) -> FloatArray:
    """What a unit adds to its outer cells when it meets its inner tables, and nothing else is asked of it."""
    scenario, zones = coder.scenario, unit.zone_array
    sizes = aims.zone_sizes[zones]
    zone_of_row = np.repeat(zones, np.where(sizes > 0, RESPONSE_ROWS, 0))
    if len(zone_of_row) == 0:
        return np.zeros(len(outer.of_unit[unit.index]))
    rng = keyed_rng(settings.random_seed, "propose", RESPONSE_ROUND, unit.index)
    proposer = build_proposer(coder, zones)
    # Nobody has been asked yet.
    offline = settings.model_copy(update={"proposer": "offline"})
    plan = _likely_rows(proposer, propose_unit(proposer, offline, (), zones, zone_of_row, rng).plan, rng)
    values, nothing = plan_values(scenario, coder.grids, plan), no_counts(scenario)
    system = build_system(inner_coder(coder, outer), values, zones, aims, nothing, nothing[ZONE_SIZES], 1.0)
    loose = tuple(b if b.is_exact else replace(b, importance=b.importance * LOOSE) for b in system.blocks)
    weights = allocate(replace(system, blocks=loose), plan.prior, float(sizes.sum())).weights
    ids = cell_ids(outer_coder(coder, outer), values)
    added = np.zeros(outer.count)
    for table, start in zip(outer.tables, outer.starts, strict=True):
        of_row = weights if table.entity == scenario.root.name else weights[values.parent]
        found = np.bincount(ids[table.name] + 1, weights=of_row, minlength=table.cells + 1)[1:]
        added[start : start + table.cells] = found
    return added[outer.of_unit[unit.index]]


def _priced(
    proposer: OfflineProposer,
    plan: Plan,
    system: System,
    total: int,
    system_of: Callable[[Plan], System],
    rng: np.random.Generator,
    max_rounds: int,
) -> tuple[Plan, System, Allocation]:
    """The plan with combinations added that exact cells lack, for as long as that brings them nearer."""
    missed: list[float] = []
    allocation = allocate(system, plan.prior, total)
    for _ in range(max_rounds):
        missed.append(allocation.missed)
        if missed[-1] < MISSED or (len(missed) > 1 and missed[-1] > WORTH_PRICING * missed[-2]):
            break
        found = priced_rows(proposer, without_ranges(plan), system, allocation, system_of, rng)
        if found is None:
            break
        if has_ranges(plan):
            found = with_ranges(proposer.coder.scenario, proposer.coder.grids, found)
        plan = join_plans([plan, _likely_rows(proposer, found, rng)])
        system = system_of(plan)
        allocation = allocate(system, plan.prior, total)
    return plan, system, allocation


def _relaxed(system: System, plan: Plan, total: int, allocation: Allocation) -> tuple[Allocation, Relaxation | None]:
    """The allocation; where it finds no way to meet the exact cells, that of the nearest targets that can be met."""
    if allocation.missed < MISSED or total == 0:
        return allocation, None
    # A row that adds to a cell without room gets no records, so it makes no other cell reachable.
    relaxation = relax(system, usable_prior(system, plan.prior))
    if relaxation is None:
        return allocation, None
    relaxed = allocate(relaxation.system, relaxation.prior, total, is_feasible=True)
    # Shares are not relaxed: where they are at odds as well, the compromise over all cells is the nearer one.
    if _missed(system, relaxed.weights) > _missed(system, allocation.weights) + relaxation.largest:
        return allocation, None
    return relaxed, relaxation


def _missed(system: System, weights: FloatArray) -> float:
    """Records by which the allocation misses the exact cell that it misses most."""
    achieved = system.matrix.T @ weights
    return float(np.abs(achieved - system.wanted(achieved))[system.exact].max(initial=0.0))


def _likely_rows(proposer: OfflineProposer, plan: Plan, rng: np.random.Generator) -> Plan:
    """The plan without rows whose draws would hardly ever be accepted, where a rule depends on the values drawn."""
    scenario, grids = proposer.coder.scenario, proposer.coder.grids
    if len(proposer.rules) == len(scenario.rules):
        return plan
    accepted = acceptance_counts(scenario, grids, plan, rng, TRIALS)
    # Where nothing is likely, what is there is kept: the shortfall will say so.
    return plan.take(np.flatnonzero(accepted >= min(TRIALS_ACCEPTED, accepted.max(initial=0))))


def rows_per_zone(settings: RunSettings, sizes: IntArray, all_zones: int, is_last: bool) -> IntArray:
    """Candidates per zone; an early round, whose leftovers the next one corrects, makes do with fewer."""
    most = settings.least_plan_rows if is_last else settings.least_plan_rows // EARLY_PART
    small = np.clip(sizes * ROWS_PER_RECORD_OF_SMALL, LEAST_ROWS_PER_ZONE, ROWS_PER_ZONE)
    least = np.maximum(small, min(most // max(len(sizes), 1), RUN_ROWS // all_zones))
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
) -> tuple[Plan, System, BoolArray]:
    """The plan with rows added, if it is open to that, for cells that want records but have no row that may get any."""
    system: System = system_of(plan)
    for _ in range(FLAT_ATTEMPTS if is_open else 0):
        missing = unsupported_cells(system)
        if not missing.any():
            break
        extra = _likely_rows(proposer, propose_rare(proposer, settings, zone_of_row, rng), rng)
        of_extra = system_of(extra)
        chosen = np.flatnonzero(of_extra.matrix @ missing.astype(float) > 0)
        # Blocked ones last: pricing starts from them where nothing better is found.
        chosen = chosen[np.argsort(blocked_rows(of_extra)[chosen], kind="stable")][: max(len(zone_of_row) // 4, 100)]
        if len(chosen) == 0:
            continue
        rare = extra.take(chosen)
        weight = FLAT_PRIOR_SHARE * plan.prior.sum() / len(chosen)
        plan = join_plans([plan, Plan(rare.atoms, np.full(len(chosen), weight), rare.proposal)])
        system = system_of(plan)
    return plan, system, unsupported_cells(system)
