"""Candidate plan rows from a model's proposals: each becomes an archetype, compiled as those of a prior's files are.

Its ranges are cut at the atoms they cross and keep their own ends within them. The grid itself stays what the tables
and the scenario's files make it, so that plans of different rounds agree on their atoms.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from schemas.exchange import Answer
from schemas.expression import CategoryTest, Column, Node
from schemas.model import Entity, FloatArray, IntArray, Scenario, Variable
from schemas.prior import Archetype, MemberPart, Mix, Prior, PriorSource, Setting
from schemas.proposal import Category, Exact, Proposal, Range, Text, Value, Values
from schemas.proposal import Mix as ProposedMix
from synthesis.binning import Grids
from synthesis.plan import HIGH, LOW, Plan, join_plans, ranges_of
from synthesis.prior_drafting import build_prior_proposer
from synthesis.prior_proposer import propose_prior
from synthesis.proposer import FIRST_ARCHETYPE, OfflineProposer, Proposals
from synthesis.records import Array, Records

MEMBER_ROLE = "member"


@dataclass(frozen=True, slots=True)
class Offered:
    """A valid proposal of an answer, for the zones it was asked for (names; none: all), with its share among all.

    `number` is its position among the run's proposals so far.
    """

    number: int
    round: int
    proposal: Proposal
    share: float
    zones: tuple[str, ...]


def first_reply(scenario: Scenario) -> int:
    """The number of a plan's first proposal that a model made; the chain's and the prior's come before."""
    return FIRST_ARCHETYPE + (len(scenario.prior.archetypes) if scenario.prior else 0)


def offered_proposals(answers: Sequence[Answer]) -> tuple[Offered, ...]:
    """The proposals of all answers, in their order; every answer with proposals weighs the same."""
    used = [answer for answer in answers if answer.proposals]
    found: list[Offered] = []
    for answer in used:
        total = sum(proposal.share for proposal in answer.proposals)
        for proposal in answer.proposals:
            share = proposal.share / total / len(used)
            found.append(Offered(len(found), answer.round, proposal, share, answer.zones))
    return tuple(found)


def offered_to(scenario: Scenario, offered: Sequence[Offered], zones: IntArray) -> tuple[Offered, ...]:
    """The proposals that concern some of the zones."""
    if scenario.zones is None:
        return tuple(offered)
    names = {scenario.zones.names[scenario.zones.variable][zone] for zone in zones.tolist()}
    return tuple(one for one in offered if not one.zones or not names.isdisjoint(one.zones))


def propose_replies(
    offline: OfflineProposer,
    offered: Sequence[Offered],
    zones: IntArray,
    zone_of_row: IntArray,
    rng: np.random.Generator,
) -> Proposals:
    """Plan rows of the proposals, with their ranges; numbered from `first_reply` on."""
    scenario, grids = offline.coder.scenario, offline.coder.grids
    prior = prior_of(scenario, offered)
    drawn = _drafted(offline, prior, zones, zone_of_row, rng)
    lost = np.setdiff1d(np.arange(len(offered)), drawn.plan.proposal - FIRST_ARCHETYPE)
    if len(lost) and prior.relations:
        # What a proposal says goes before a relation that it cannot be reconciled with.
        alone = replace(prior, relations=(), archetypes=tuple(_only(prior.archetypes, set(lost.tolist()))))
        share = float(sum(prior.archetypes[i].share for i in lost) / sum(one.share for one in prior.archetypes))
        rows = rng.choice(zone_of_row, max(round(len(zone_of_row) * share), len(lost)))
        more = _drafted(offline, alone, zones, rows, rng)
        # In a zone that none of them is for, another was drafted in their place.
        own = more.plan.take(np.flatnonzero(np.isin(more.plan.proposal - FIRST_ARCHETYPE, lost)))
        drawn = _with(drawn, replace(more, plan=own), share)
    plan = _narrowed(scenario, grids, drawn.plan, prior)
    numbers = np.array([one.number for one in offered], dtype=np.int64)
    plan = Plan(plan.atoms, plan.prior, first_reply(scenario) + numbers[plan.proposal - FIRST_ARCHETYPE])
    return replace(drawn, plan=merge_alike(plan))


def _drafted(
    offline: OfflineProposer, prior: Prior, zones: IntArray, zone_of_row: IntArray, rng: np.random.Generator
) -> Proposals:
    asked = replace(offline.coder.scenario, prior=prior)
    proposer = build_prior_proposer(replace(offline, coder=replace(offline.coder, scenario=asked)), prior, zones)
    return propose_prior(proposer, zone_of_row, rng)


def _only(archetypes: Sequence[Archetype], kept: set[int]) -> list[Archetype]:
    """The archetypes in their places, those not kept without a share."""
    return [one if i in kept else replace(one, share=0.0) for i, one in enumerate(archetypes)]


def _with(drawn: Proposals, more: Proposals, share: float) -> Proposals:
    """Both together; those added weigh `share` of all."""
    if drawn.plan.count == 0 or more.plan.count == 0:
        return more if drawn.plan.count == 0 else drawn
    weight = share / (1 - share) * drawn.plan.prior.sum() / more.plan.prior.sum()
    plan = join_plans([drawn.plan, Plan(more.plan.atoms, more.plan.prior * weight, more.plan.proposal)])
    rejections = Counter(drawn.rejections) + Counter(more.rejections)
    return replace(drawn, plan=plan, drawn=drawn.drawn + more.drawn, rejections=rejections)


def prior_of(scenario: Scenario, offered: Sequence[Offered]) -> Prior:
    """The proposals as archetypes, in their order, with the relations of the scenario's own prior."""
    own = scenario.prior
    roles = (*(own.roles if own else ()), MEMBER_ROLE)
    archetypes = [_archetype(scenario, one, index, roles) for index, one in enumerate(offered)]
    relations = tuple(replace(relation, source=0) for relation in own.relations) if own else ()
    return Prior(roles, None, tuple(archetypes), relations, (PriorSource("", "", ""),))


def merge_alike(plan: Plan) -> Plan:
    """The plan with rows that are the same in everything taken together; nested and carried rows stay as they are."""
    if plan.atoms.members or plan.count == 0 or any(name.endswith("=") and name[-2] != ">" for name in plan.atoms.root):
        return plan
    columns = [plan.proposal, *(plan.atoms.root[name] for name in sorted(plan.atoms.root))]
    order = np.lexsort(columns)
    is_new = np.zeros(plan.count, dtype=bool)
    is_new[0] = True
    for column in columns:
        is_new[1:] |= column[order][1:] != column[order][:-1]
    group = np.cumsum(is_new) - 1
    merged = plan.take(order[is_new])
    return Plan(merged.atoms, np.bincount(group, weights=plan.prior[order]).astype(np.float64), merged.proposal)


def _archetype(scenario: Scenario, offered: Offered, index: int, roles: tuple[str, ...]) -> Archetype:
    proposal = offered.proposal
    left_out = {scenario.zones.variable} if scenario.zones else set()
    if proposal.members and scenario.member is not None:
        left_out.add(str(scenario.member.count))
    settings = _settings(scenario.root, {k: v for k, v in proposal.values.items() if k not in left_out})
    parts = tuple(
        MemberPart(roles.index(role), Mix((1.0,), (2.0,), (1.0,)), _settings(scenario.member, values))
        for role, values in zip(_roles(scenario, proposal), proposal.members, strict=True)
        if scenario.member is not None
    )
    return Archetype(str(index), offered.share, proposal.reason, 0, _where(scenario, offered.zones), settings, parts)


def _roles(scenario: Scenario, proposal: Proposal) -> list[str]:
    """The role of each member: as it says, or as the variable that tells roles has it."""
    prior, known = scenario.prior, scenario.prior.roles if scenario.prior else ()
    if prior is not None and prior.role_variable is not None:
        told = [values.get(prior.role_variable) for values in proposal.members]
        said = [value.category if isinstance(value, Category) else "" for value in told]
    else:
        said = list(proposal.roles) or [""] * len(proposal.members)
    return [role if role in known else MEMBER_ROLE for role in said]


def _where(scenario: Scenario, zones: tuple[str, ...]) -> Node | None:
    if scenario.zones is None or not zones:
        return None
    names = scenario.zones.names[scenario.zones.variable]
    positions = {name: code for code, name in enumerate(names)}
    codes = tuple(sorted(positions[name] for name in zones if name in positions))
    return CategoryTest(Column(scenario.root.name, scenario.zones.variable), codes)


def _settings(entity: Entity, values: Values) -> tuple[Setting, ...]:
    found = []
    for name, value in values.items():
        if isinstance(value, Text):
            continue
        variable = entity.find(name)
        assert isinstance(variable, Variable), f"{entity.name}.{name} was checked when the reply was read"
        found.append(Setting(name, _distribution(variable, value)))
    return tuple(found)


def _distribution(variable: Variable, value: Value) -> Mix:
    if isinstance(value, Category):
        code = float(variable.categories.index(value.category))
        return Mix((code,), (code + 1,), (1.0,))
    if isinstance(value, ProposedMix):
        codes = [float(variable.categories.index(part.category)) for part in value.mix]
        total = sum(part.weight for part in value.mix)
        weights = tuple(part.weight / total for part in value.mix)
        return Mix(tuple(codes), tuple(code + 1 for code in codes), weights)
    low, high = _ends(variable, value)
    return Mix((low,), (high,), (1.0,))


def _ends(variable: Variable, value: Value) -> tuple[float, float]:
    """[low, high) of a range; both ends of an integer's are in it. An exact number has low == high."""
    assert isinstance(value, Exact | Range), f"{variable.name} was checked when the reply was read"
    low, high = (value.value, value.value) if isinstance(value, Exact) else (value.low, value.high)
    return low, high + (1.0 if variable.kind == "integer" else 0.0)


def _narrowed(scenario: Scenario, grids: Grids, plan: Plan, prior: Prior) -> Plan:
    """The plan with the ends of the proposals' ranges within the atoms."""
    atoms, archetype = plan.atoms, plan.proposal - FIRST_ARCHETYPE
    root = _columns(grids, scenario.root, atoms.root, _limits([a.settings for a in prior.archetypes]), archetype)
    if scenario.member is None:
        return Plan(Records(atoms.count, root), plan.prior, plan.proposal)
    parts = [part.settings for a in prior.archetypes for part in a.members]
    first = np.cumsum([0, *(len(a.members) for a in prior.archetypes)])
    listed = np.array([len(a.members) for a in prior.archetypes], dtype=np.int64)
    position = np.arange(atoms.member_count) - np.searchsorted(atoms.parent, atoms.parent)
    theirs = archetype[atoms.parent]
    # Members that no proposal lists were drawn along the chain: the last, empty entry narrows nothing.
    part = np.where(position < listed[theirs], first[theirs] + position, len(parts))
    members = _columns(grids, scenario.member, atoms.members, _limits([*parts, ()]), part)
    return Plan(Records(atoms.count, root, members, atoms.parent), plan.prior, plan.proposal)


def _limits(settings: Sequence[Sequence[Setting]]) -> Mapping[str, FloatArray]:
    """Per variable, the one interval that each of several proposals gives it, shape (proposals, 2)."""
    names = {setting.variable for some in settings for setting in some}
    limits = {name: np.tile([-np.inf, np.inf], (len(settings), 1)) for name in sorted(names)}
    for index, some in enumerate(settings):
        for setting in some:
            if isinstance(setting.distribution, Mix) and len(setting.distribution.lows) == 1:
                limits[setting.variable][index] = setting.distribution.lows[0], setting.distribution.highs[0]
    return limits


def _columns(
    grids: Grids, entity: Entity, atoms: Mapping[str, Array], limits: Mapping[str, FloatArray], index: IntArray
) -> dict[str, Array]:
    columns = {**atoms, **ranges_of(grids, entity, atoms)}
    for name, ends in limits.items():
        if name + LOW in columns:
            low, high = columns[name + LOW], columns[name + HIGH]
            narrow_low, narrow_high = np.maximum(low, ends[index, 0]), np.minimum(high, ends[index, 1])
            # A row whose value another part of the record settled keeps its whole atom.
            fits = narrow_low <= narrow_high
            columns[name + LOW] = np.where(fits, narrow_low, low)
            columns[name + HIGH] = np.where(fits, narrow_high, high)
    return columns


def describe_replies(scenario: Scenario, proposer: str, offered: Sequence[Offered]) -> dict[int, dict[str, object]]:
    """For lineage, by number in a plan: what was proposed, why, and in which exchange."""
    first = first_reply(scenario)
    return {first + one.number: _description(proposer, one) for one in offered}


def _description(proposer: str, offered: Offered) -> dict[str, object]:
    exchange, _, position = offered.proposal.source.rpartition("/")
    said = offered.proposal.model_dump(mode="json", include={"values", "members"})
    return {
        "proposer": proposer.partition(":")[0],
        "exchange_id": exchange,
        "position": int(position) if position.isdecimal() else None,
        "round": offered.round,
        "proposed_share": offered.proposal.share,
        "reason": offered.proposal.reason or "(the reply gives none)",
        "proposed": said,
    }
