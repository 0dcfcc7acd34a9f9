"""Support that an allocation lacks: candidates found by its prices (column generation).

Where cells are missed although plan rows reach each of them, combinations are missing. The dual's multipliers price
every conceivable plan row: one whose price is positive would bring the missed cells nearer. Such rows are looked for
around the rows there are: one variable is changed to another atom or to that of another row, or a row is moved into a
cell that is short.
"""

from collections.abc import Callable

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray
from synthesis.allocation import Allocation, blocked_cells
from synthesis.centring import centring_of
from synthesis.condensing import row_hashes
from synthesis.plan import Plan, carry, join_plans
from synthesis.proposer import PRICED, OfflineProposer, broken_rules
from synthesis.records import Array, Records
from synthesis.system import System

GENERATIONS = 6
PARENTS, CHILDREN = 1000, 4000
KEPT = 500
MOVED = 2000
PRIOR_SHARE = 0.02
NOTICEABLE = 0.01


def priced_rows(
    proposer: OfflineProposer,
    plan: Plan,
    system: System,
    allocation: Allocation,
    system_of: Callable[[Plan], System],
    rng: np.random.Generator,
) -> Plan | None:
    """New plan rows of positive price, the dearest first; None if none was found."""
    if allocation.multipliers is None:
        return None
    multipliers = centring_of(system).adjoint(allocation.multipliers)
    blocked = blocked_cells(system).astype(float)
    pool, prices, known = plan, _prices(system, multipliers, blocked), row_hashes(system.matrix)
    achieved = system.matrix.T @ allocation.weights
    short = np.where(system.exact, np.maximum(system.wanted(achieved) - achieved, 0.0), 0.0)
    found: list[Plan] = []
    for _ in range(GENERATIONS):
        parents = np.concatenate((_dearest(prices, PARENTS), rng.integers(0, pool.count, PARENTS)))
        children = _changed(proposer, pool.take(rng.choice(parents, CHILDREN)), plan, rng)
        if short.max() > NOTICEABLE:
            moved = _moved(proposer, pool.take(rng.choice(parents, MOVED)), system, short, rng)
            children = join_plans([children, moved])
        children = children.take(np.flatnonzero(broken_rules(proposer, children) < 0))
        if children.count == 0:
            continue
        theirs = system_of(children)
        of_children, hashes = _prices(theirs, multipliers, blocked), row_hashes(theirs.matrix)
        _, first = np.unique(hashes, return_index=True)
        is_first = np.isin(np.arange(children.count), first) & ~np.isin(hashes, known) & np.isfinite(of_children)
        fresh = np.flatnonzero(is_first)
        children, of_children = children.take(fresh), of_children[fresh]
        known = np.concatenate((known, hashes[fresh]))
        pool, prices = join_plans([pool, children]), np.concatenate((prices, of_children))
        found.append(children)
    if not found:
        return None
    fresh_prices = prices[plan.count :]
    best = _dearest(fresh_prices, KEPT)
    best = best[fresh_prices[best] > 0]
    if len(best) == 0:
        return None
    rows = join_plans(found).take(best)
    weight = PRIOR_SHARE * plan.prior.sum() / len(best)
    return Plan(rows.atoms, np.full(len(best), weight), np.full(len(best), PRICED))


def _prices(system: System, multipliers: FloatArray, blocked: FloatArray) -> FloatArray:
    """The exponent that each plan row would have; minus infinity in cells that may not get records."""
    prices: FloatArray = np.where(system.matrix @ blocked > 0, -np.inf, system.matrix @ multipliers)
    return prices


def _dearest(prices: FloatArray, wanted: int) -> IntArray:
    order = np.argsort(-prices, kind="stable")[:wanted]
    return order[np.isfinite(prices[order])]


def _changed(proposer: OfflineProposer, plan: Plan, donors: Plan, rng: np.random.Generator) -> Plan:
    """The plan with one variable of each row (or of one of its members) changed; numbers of members stay."""
    scenario, grids, atoms = proposer.coder.scenario, proposer.coder.grids, plan.atoms
    fixed = {scenario.zones.variable} if scenario.zones else set()
    fixed |= {scenario.member.count} if scenario.member and scenario.member.count else set()
    of_root = [v.name for v in scenario.root.variables if v.name not in fixed]
    of_members = [v.name for v in scenario.member.variables] if scenario.member else []
    chosen = rng.integers(0, len(of_root) + len(of_members), plan.count)
    root: dict[str, Array] = {v.name: atoms.root[v.name] for v in scenario.root.variables}
    for number, name in enumerate(of_root):
        size = grids.of(scenario.root.name, name).size
        root[name] = _mutated(root[name], np.flatnonzero(chosen == number), size, donors.atoms.root[name], rng)
    if scenario.member is None:
        return Plan(Records(plan.count, carry(grids, scenario.root, root, rng)), plan.prior, plan.proposal)
    members: dict[str, Array] = {name: atoms.members[name] for name in of_members}
    slot, has = _slots(atoms, rng)
    for number, name in enumerate(of_members, start=len(of_root)):
        slots = slot[(chosen == number) & has]
        size = grids.of(scenario.member.name, name).size
        members[name] = _mutated(members[name], slots, size, donors.atoms.members[name], rng)
    columns = carry(grids, scenario.root, root, rng), carry(grids, scenario.member, members, rng)
    return Plan(Records(plan.count, columns[0], columns[1], atoms.parent), plan.prior, plan.proposal)


def _moved(proposer: OfflineProposer, plan: Plan, system: System, short: FloatArray, rng: np.random.Generator) -> Plan:
    """The plan with each row (or one of its members) moved into a cell that is short, as far as its axes allow."""
    coder, atoms = proposer.coder, plan.atoms
    scenario, grids = coder.scenario, coder.grids
    tables = {cells.table.name: cells for cells in coder.tables}
    root: dict[str, Array] = {v.name: atoms.root[v.name].copy() for v in scenario.root.variables}
    own = scenario.member.variables if scenario.member else ()
    members: dict[str, Array] = {v.name: atoms.members[v.name].copy() for v in own}
    slot, has = _slots(atoms, rng)
    chosen = rng.choice(len(short), plan.count, p=short / short.sum())
    for cell in np.unique(chosen).tolist():
        block = next(block for block in system.blocks if block.start <= cell < block.stop)
        if block.table not in tables:
            continue
        cells, rows = tables[block.table], np.flatnonzero(chosen == cell)
        bins = np.unravel_index(cell - block.start, tuple(len(axis) for axis in cells.table.axes))
        for key, lookup, wanted in zip(cells.keys, cells.lookups, bins, strict=True):
            inside = np.flatnonzero(lookup[:-1] == wanted)
            columns, of_members = (root, False) if key[0] == scenario.root.name else (members, True)
            is_fixed = scenario.member is not None and key == (scenario.root.name, scenario.member.count)
            if key[1] not in columns or len(inside) == 0 or is_fixed:
                continue
            places = slot[rows][has[rows]] if of_members else rows
            columns[key[1]][places] = rng.choice(inside, len(places))
    carried = carry(grids, scenario.root, root, rng)
    if scenario.member is None:
        return Plan(Records(plan.count, carried), plan.prior, plan.proposal)
    return Plan(
        Records(plan.count, carried, carry(grids, scenario.member, members, rng), atoms.parent),
        plan.prior,
        plan.proposal,
    )


def _slots(atoms: Records, rng: np.random.Generator) -> tuple[IntArray, BoolArray]:
    """A random member of each row, and whether it has any."""
    lengths = atoms.members_per_root() if atoms.members else np.zeros(atoms.count, dtype=np.int64)
    first = np.searchsorted(atoms.parent, np.arange(atoms.count))
    return first + np.floor(rng.random(atoms.count) * lengths).astype(np.int64), lengths > 0


def _mutated(codes: Array, rows: IntArray, size: int, donors: Array, rng: np.random.Generator) -> Array:
    """The codes, those of `rows` drawn anew: half of them evenly over all atoms, half from `donors`."""
    if len(rows) == 0 or len(donors) == 0:
        return codes
    even, copied = rng.integers(0, size, len(rows)), rng.choice(donors, len(rows))
    changed = codes.copy()
    changed[rows] = np.where(rng.random(len(rows)) < 0.5, even, copied)
    return changed
