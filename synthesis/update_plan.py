"""One unit's update: from its present plan rows and its new targets to the records that go and come."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, Counts, no_counts
from synthesis.aims import Aims
from synthesis.allocation import Allocation, allocate, unsupported_cells
from synthesis.candidates import propose_unit
from synthesis.causes import find_causes
from synthesis.cells import CellCoder
from synthesis.centring import centring_of
from synthesis.convergence import convergence_of
from synthesis.elastic import Relaxation
from synthesis.outer import OuterCells, asked
from synthesis.plan import Plan, has_ranges, join_plans, plan_values, without_ranges
from synthesis.proposer import build_proposer
from synthesis.randomness import keyed_rng
from synthesis.system import System, build_system
from synthesis.unit_plan import MISSED, UnitPlan, reach_cells, rows_per_zone
from synthesis.units import Unit
from synthesis.update_counts import least_change, whole_change
from synthesis.what_if import binding

NEW_SHARE = 1e-3
"""Prior weight of fresh candidates beside the plan rows that have records: taken where nothing else will do."""
SOFT_MISSED = 1.0
"""Records by which a cell may be missed before fresh candidates are looked for."""


@dataclass(frozen=True, slots=True)
class UnitChange:
    """`retired`: records to retire of each present plan row; `added`: the plan rows that add records.

    `source`: for each of these the present plan row that it continues, -1 where it is new.
    """

    retired: IntArray
    added: UnitPlan
    source: IntArray


@dataclass(frozen=True, slots=True)
class _Solved:
    plan: Plan
    system: System
    allocation: Allocation
    unsupported: BoolArray
    relaxation: Relaxation | None


def change_unit(
    coder: CellCoder,
    settings: RunSettings,
    aims: Aims,
    unit: Unit,
    present: Plan,
    counts: IntArray,
    round_index: int,
    outer: OuterCells | None = None,
    part: FloatArray | None = None,
) -> UnitChange:
    """The least change of the unit's records that meets the aims; `counts`: records of each of the `present` rows.

    `part` is what the unit is to hold in its outer cells.
    """
    zones, nothing = unit.zone_array, no_counts(coder.scenario)
    total = int(aims.zone_sizes[zones].sum())
    rng = keyed_rng(settings.random_seed, "update", round_index, unit.index)
    told: tuple[CellCoder, Aims, Counts] = (coder, aims, nothing)
    if outer is not None and (part is not None or outer.unbound):
        own = np.zeros(len(outer.of_unit[unit.index])) if part is None else part
        told = asked(coder, aims, nothing, outer, unit.index, own)

    def system_of(plan: Plan) -> System:
        values = plan_values(coder.scenario, coder.grids, plan)
        return build_system(binding(told[0]), values, zones, told[1], told[2], nothing[ZONE_SIZES], 1.0)

    start = Plan(without_ranges(present).atoms, counts.astype(float), present.proposal)
    solved = _solved(coder, settings, aims, zones, start, total, system_of, rng)
    plan, allocation = solved.plan, solved.allocation
    held = np.concatenate([counts, np.zeros(plan.count - len(counts), dtype=np.int64)])
    reachable = solved.system if solved.relaxation is None else solved.relaxation.system
    weights = least_change(reachable, held, allocation.weights, total) if total else allocation.weights
    change = whole_change(reachable, held, weights, total, rng)
    used = np.flatnonzero(change.added)
    planned = held - change.retired + change.added
    added = UnitPlan(
        plan.take(used),
        change.added[used],
        plan.count - len(counts),
        {},
        None,
        (),
        int(solved.unsupported.sum()),
        allocation.steps,
        allocation.missed,
        find_causes(coder.scenario, solved.system, weights, planned, solved.unsupported, solved.relaxation),
        convergence_of(solved.system, allocation),
    )
    return UnitChange(change.retired[: len(counts)], added, np.where(used < len(counts), used, -1))


def _solved(
    coder: CellCoder,
    settings: RunSettings,
    aims: Aims,
    zones: IntArray,
    start: Plan,
    total: int,
    system_of: Callable[[Plan], System],
    rng: np.random.Generator,
) -> _Solved:
    """The allocation of the present plan rows alone, or, where they do not suffice, with fresh candidates."""
    system = system_of(start)
    allocation = allocate(system, start.prior, total)
    if total == 0 or (_is_met(system, allocation) and not unsupported_cells(system).any()):
        return _Solved(start, system, allocation, unsupported_cells(system), None)
    proposer = build_proposer(coder, zones)
    zone_of_row = np.repeat(zones, rows_per_zone(settings, aims.zone_sizes[zones], len(aims.zone_sizes), True))
    fresh = propose_unit(proposer, settings, (), zones, zone_of_row, rng).plan
    fresh = without_ranges(fresh) if has_ranges(fresh) else fresh
    held = np.bincount(_positions(coder, start, zones), weights=start.prior, minlength=len(zones))
    # A zone without records has nothing to stay close to: its candidates weigh as many as it is to have.
    weight = np.where(held > 0, NEW_SHARE * held, aims.zone_sizes[zones])[_positions(coder, fresh, zones)]
    per_row = np.bincount(_positions(coder, fresh, zones), minlength=len(zones))[_positions(coder, fresh, zones)]
    pool = join_plans([start, Plan(fresh.atoms, weight / np.maximum(per_row, 1), fresh.proposal)])
    return _Solved(*reach_cells(proposer, settings, pool, system_of, zone_of_row, total, rng))


def _is_met(system: System, allocation: Allocation) -> bool:
    """Whether exact cells are met, and soft ones nearly so."""
    centred = centring_of(system).centred(system.matrix.T @ allocation.weights)
    off = np.abs(centred - system.wanted(np.zeros(len(system.aim))))[~system.moments]
    return allocation.missed < MISSED and bool(off.max(initial=0.0) < SOFT_MISSED)


def _positions(coder: CellCoder, plan: Plan, zones: IntArray) -> IntArray:
    if coder.scenario.zones is None:
        return np.zeros(plan.count, dtype=np.int64)
    return np.searchsorted(zones, plan.atoms.root[coder.scenario.zones.variable])
