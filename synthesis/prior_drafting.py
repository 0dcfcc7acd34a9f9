"""Drafting nested records from a prior: archetypes and relations first, what they leave open by the tables' chain."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from schemas.model import Entity, IntArray, Scenario, Variable
from schemas.prior import Distribution, MemberPart, Prior
from synthesis.binning import Grids
from synthesis.chain import Chain, build_chain
from synthesis.chain_sampling import UNSET, Codes, sample_chain
from synthesis.distributions import draw_values
from synthesis.plan import draw_in_cells
from synthesis.prior_draft import ABSENT, Draft, Position, new_draft, seat_members
from synthesis.prior_order import Step, limits_of, steps_of
from synthesis.prior_relations import Limits, apply_relations
from synthesis.proposer import OfflineProposer


@dataclass(frozen=True, slots=True)
class PriorProposer:
    """A scenario's prior over one closed unit of zones; `chains` keeps those already built, by what they are given."""

    offline: OfflineProposer
    prior: Prior
    zones: IntArray
    parts: tuple[MemberPart, ...]
    root_steps: tuple[Step, ...]
    member_steps: tuple[Step, ...]
    limits: dict[str, Limits]
    chains: dict[tuple[str, frozenset[str]], Chain] = field(default_factory=dict)

    @property
    def scenario(self) -> Scenario:
        """The scenario."""
        return self.offline.coder.scenario

    @property
    def grids(self) -> Grids:
        """Its finest grids."""
        return self.offline.coder.grids


def build_prior_proposer(offline: OfflineProposer, prior: Prior, zones: IntArray) -> PriorProposer:
    """The proposer of a prior for a closed unit."""
    scenario = offline.coder.scenario
    member_steps = steps_of(scenario, scenario.member) if scenario.member else ()
    return PriorProposer(
        offline,
        prior,
        zones,
        tuple(part for archetype in prior.archetypes for part in archetype.members),
        steps_of(scenario, scenario.root),
        member_steps,
        {step.variable: limits_of(scenario, step.variable) for step in member_steps},
    )


def draft_rows(proposer: PriorProposer, zone: IntArray, archetype: IntArray, rng: np.random.Generator) -> Draft:
    """One drafted record per row, everything set that can be."""
    scenario, prior = proposer.scenario, proposer.prior
    source = np.array([a.source for a in prior.archetypes])[archetype]
    draft = new_draft(scenario, zone, archetype, source)
    for index, rows in groups(archetype):
        for setting in prior.archetypes[index].settings:
            _draw(draft, None, scenario.root, setting.variable, rows, setting.distribution, rng)
    listed = _list_members(proposer, draft, rng) if scenario.member is not None else None
    late = {step.variable for step in proposer.root_steps if step.is_late}
    for step in proposer.root_steps:
        if not step.is_late:
            _settle(proposer, draft, None, step, rng)
    _fill(proposer, draft, None, [v.name for v in scenario.root.variables if v.name not in late], rng)
    if listed is not None and scenario.member is not None:
        _seat(proposer, draft, listed)
        for position in range(len(draft.part)):
            _draft_member(proposer, draft, scenario.member, position, rng)
    for step in proposer.root_steps:
        if step.is_late:
            _settle(proposer, draft, None, step, rng)
    _fill(proposer, draft, None, [v.name for v in scenario.root.variables], rng)
    return draft


def _list_members(proposer: PriorProposer, draft: Draft, rng: np.random.Generator) -> IntArray:
    """Per position and row the member part listed by the archetype (ABSENT: none); sets the number of members."""
    numbers = np.zeros((draft.count, len(proposer.parts)), dtype=np.int64)
    has_members = np.zeros(draft.count, dtype=bool)
    parts_of = [archetype.members for archetype in proposer.prior.archetypes]
    starts = np.cumsum([0, *(len(parts) for parts in parts_of)])
    for index, rows in groups(draft.archetype):
        for offset, part in enumerate(parts_of[index]):
            first = int(starts[index]) + offset
            numbers[rows, first] = draw_values(part.number, "integer", len(rows), rng).astype(np.int64)
            has_members[rows] = True
    totals = numbers.sum(axis=1)
    count = _count_variable(proposer.scenario)
    draft.broken |= has_members & ((totals < count.low) | (totals > count.high))
    listed = np.full((min(int(totals.max(initial=0)), int(count.high)), draft.count), ABSENT)
    row, number = np.nonzero(numbers)
    repeats = numbers[row, number]
    row, number = np.repeat(row, repeats), np.repeat(number, repeats)
    position = np.arange(len(row)) - np.repeat(np.cumsum(totals) - totals, totals)
    kept = position < len(listed)
    listed[position[kept], row[kept]] = number[kept]
    rows = np.flatnonzero(has_members)
    draft.put(None, count.name, rows, np.clip(totals[rows], count.low, count.high).astype(float))
    return listed


def _seat(proposer: PriorProposer, draft: Draft, listed: IntArray) -> None:
    """The members listed; rows of archetypes that list none have as many nameless ones as their number says."""
    sizes = draft.root[_count_variable(proposer.scenario).name].astype(np.int64)
    positions = max(int(sizes.max(initial=0)), len(listed))
    part = np.full((positions, draft.count), ABSENT)
    part[: len(listed)] = listed
    seats = np.arange(positions)[:, None] < sizes
    part[seats & (part == ABSENT)] = len(proposer.parts)
    part[~seats] = ABSENT
    roles = np.array([*(p.role for p in proposer.parts), len(proposer.prior.roles), ABSENT])
    seat_members(draft, part, roles[part])


def _draft_member(
    proposer: PriorProposer, draft: Draft, member: Entity, position: int, rng: np.random.Generator
) -> None:
    linked = {step.variable for step in proposer.member_steps if step.linking}
    part_here = draft.part[position]
    if proposer.prior.role_variable is not None:
        _name_roles(proposer, draft, member, position)
    for index, rows in groups(part_here):
        if 0 <= index < len(proposer.parts):
            for setting in proposer.parts[index].settings:
                if setting.variable not in linked:
                    _draw(draft, position, member, setting.variable, rows, setting.distribution, rng)
    for step in proposer.member_steps:
        _settle(proposer, draft, position, step, rng)
    _fill(proposer, draft, position, [v.name for v in member.variables], rng)


def _name_roles(proposer: PriorProposer, draft: Draft, member: Entity, position: int) -> None:
    name = proposer.prior.role_variable
    assert name is not None
    variable = member.find(name)
    assert variable is not None
    codes = np.array([variable.categories.index(role) for role in proposer.prior.roles], dtype=float)
    rows = np.flatnonzero((draft.role[position] >= 0) & (draft.role[position] < len(codes)))
    draft.put(position, name, rows, codes[draft.role[position, rows]])


def _settle(proposer: PriorProposer, draft: Draft, position: Position, step: Step, rng: np.random.Generator) -> None:
    """One variable at a position: relations that link (within the archetype's limits), the archetype, the others."""
    needed = [name for name in sorted(step.needs) if name != step.variable]
    if needed and draft.unset(position, [step.variable]).any():
        _fill(proposer, draft, position, needed, rng)
    limits = proposer.limits.get(step.variable, {}) if position is not None else {}
    apply_relations(draft, proposer.prior, step.linking, position, limits, rng)
    if step.linking and position is not None and proposer.scenario.member is not None:
        open_rows = draft.unset(position, [step.variable])
        for index, rows in groups(np.where(open_rows, draft.part[position], ABSENT)):
            if index in limits:
                _draw(draft, position, proposer.scenario.member, step.variable, rows, limits[index], rng)
    apply_relations(draft, proposer.prior, step.others, position, {}, rng)


def _draw(
    draft: Draft,
    position: Position,
    entity: Entity,
    name: str,
    rows: IntArray,
    distribution: Distribution,
    rng: np.random.Generator,
) -> None:
    variable = entity.find(name)
    assert variable is not None
    draft.put(position, name, rows, draw_values(distribution, variable.kind, len(rows), rng))


def _fill(
    proposer: PriorProposer, draft: Draft, position: Position, names: Iterable[str], rng: np.random.Generator
) -> None:
    """Set what is unset of some variables along the chain of the tables, given everything else that is set."""
    scenario, grids = proposer.scenario, proposer.grids
    entity = scenario.root if position is None else scenario.member
    assert entity is not None
    wanted = list(names)
    rows = np.flatnonzero(draft.unset(position, wanted))
    if len(rows) == 0:
        return
    variables = [v.name for v in entity.variables]
    pattern = sum(draft.known(position, name)[rows].astype(np.int64) << i for i, name in enumerate(variables))
    for bits, inside in groups(np.asarray(pattern)):
        known = [name for i, name in enumerate(variables) if bits >> i & 1]
        here = rows[inside]
        given = _atoms(grids, draft, entity, position, known, here)
        if position is not None:
            given |= _root_atoms(proposer, draft, here)
        chain = _chain(proposer, entity, frozenset(known))
        codes = sample_chain(proposer.offline.coder, chain, given, draft.zone[here], rng)
        for name in wanted:
            if name not in known:
                _take_codes(grids, draft, entity, position, name, here, codes[name], rng)


def _take_codes(
    grids: Grids,
    draft: Draft,
    entity: Entity,
    position: Position,
    name: str,
    rows: IntArray,
    codes: IntArray,
    rng: np.random.Generator,
) -> None:
    draft.broken[rows[codes == UNSET]] = True
    values = draw_in_cells(grids, entity.name, name, np.maximum(codes, 0), rng)
    draft.put(position, name, rows, values.astype(float))


def _chain(proposer: PriorProposer, entity: Entity, known: frozenset[str]) -> Chain:
    key = entity.name, known
    if key not in proposer.chains:
        proposer.chains[key] = build_chain(proposer.offline.coder, entity.name, proposer.zones, known)
    return proposer.chains[key]


def _root_atoms(proposer: PriorProposer, draft: Draft, rows: IntArray) -> Codes:
    """Atoms of the root's variables; those still to be settled are unset, and no table that reads them helps."""
    names = [v.name for v in proposer.scenario.root.variables]
    atoms = _atoms(proposer.grids, draft, proposer.scenario.root, None, names, rows)
    return {name: np.where(draft.root_set[name][rows], codes, UNSET) for name, codes in atoms.items()}


def _atoms(
    grids: Grids, draft: Draft, entity: Entity, position: Position, names: Iterable[str], rows: IntArray
) -> Codes:
    return {name: grids.of(entity.name, name).codes(draft.values(position, name)[rows]) for name in names}


def _count_variable(scenario: Scenario) -> Variable:
    assert scenario.member is not None
    found = scenario.root.find(str(scenario.member.count))
    assert isinstance(found, Variable)
    return found


def groups(labels: IntArray) -> Iterable[tuple[int, IntArray]]:
    """Each label with the rows that bear it."""
    order = np.argsort(labels, kind="stable")
    found, starts = np.unique(labels[order], return_index=True)
    return zip(found.tolist(), np.split(order, starts[1:]), strict=True) if len(labels) else ()
