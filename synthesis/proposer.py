"""The offline proposer: candidate plan rows along a chain of the tables, rules by rejection.

No model, no key, no network: the embedded default and the macro-only baseline.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from schemas.model import BoolArray, Derived, Entity, IntArray, Rule, Scenario
from synthesis.binning import Grids, Key
from synthesis.cells import CellCoder
from synthesis.chain import Chain, build_chain
from synthesis.chain_sampling import UNSET, Codes, sample_chain
from synthesis.evaluation import columns, free_columns, obeys
from synthesis.plan import Plan, carry, plan_values
from synthesis.records import Records
from synthesis.units import Unit

RECORD_REDRAWS = 30
KEPT_EXAMPLES = 5
CHAIN, FLAT, PRICED, FIRST_ARCHETYPE = 0, 1, 2, 3
"""Proposal numbers: the chain itself, flattened rows for rare support, rows found by the allocation's prices, and from
there on the prior's archetypes."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """Candidate plan rows; `drawn` counts all that were tried, `rejections` those that broke a rule, by rule.

    A rejected candidate is drawn anew a bounded number of times, then dropped; a few are kept as examples.
    """

    plan: Plan
    drawn: int
    rejections: Mapping[str, int]
    rejected: Records | None = None
    rejected_rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OfflineProposer:
    """Chains for the root and its members over one closed unit of zones."""

    coder: CellCoder
    root: Chain
    member: Chain | None
    rules: tuple[Rule, ...] = field(default=())


def build_proposer(coder: CellCoder, zones: IntArray) -> OfflineProposer:
    """The proposer for a closed unit."""
    scenario = coder.scenario
    member = build_chain(coder, scenario.member.name, zones) if scenario.member else None
    rules = tuple(rule for rule in scenario.rules if is_static(coder.grids, scenario, rule))
    return OfflineProposer(coder, build_chain(coder, scenario.root.name, zones), member, rules)


def is_static(grids: Grids, scenario: Scenario, rule: Rule) -> bool:
    """Whether all draws of a plan row obey the rule alike (no exact value of an uncarried range matters)."""
    used = {(c.entity, c.variable) for node in (rule.when, rule.then) if node is not None for c in free_columns(node)}
    return all(_is_pinned(grids, scenario, key) for key in used)


def propose(
    proposer: OfflineProposer, zone_of_row: IntArray, rng: np.random.Generator, proposal: int = 0, flat: bool = False
) -> Proposals:
    """One candidate plan row per entry of `zone_of_row`, less those that keep breaking a rule."""
    coder, scenario = proposer.coder, proposer.coder.scenario
    given: Codes = {scenario.zones.variable: zone_of_row.astype(np.int64)} if scenario.zones is not None else {}
    root = sample_chain(coder, proposer.root, given, zone_of_row, rng, flat)
    atoms = _with_members(proposer, root, zone_of_row, rng, flat)
    plan = Plan(atoms, np.ones(atoms.count), np.full(atoms.count, proposal))
    drawn, rejections, examples = atoms.count, Counter[str](), None
    for attempt in range(RECORD_REDRAWS + 1):
        broken = broken_rules(proposer, plan)
        bad = np.flatnonzero(broken >= 0)
        if len(bad) == 0:
            break
        names = [proposer.rules[i].name for i in broken[bad]]
        rejections.update(names)
        examples = examples or (_examples(proposer, plan, bad), tuple(names[:KEPT_EXAMPLES]))
        if attempt == RECORD_REDRAWS or proposer.member is None:
            plan = plan.take(np.flatnonzero(broken < 0))
            break
        plan = _redraw_members(proposer, plan, bad, zone_of_row, rng, flat)
        drawn += len(bad)
    return Proposals(plan, drawn, rejections, *(examples or (None, ())))


def _examples(proposer: OfflineProposer, plan: Plan, bad: IntArray) -> Records:
    return plan_values(proposer.coder.scenario, proposer.coder.grids, plan.take(bad[:KEPT_EXAMPLES]))


def _with_members(
    proposer: OfflineProposer, root: Codes, zone_of_row: IntArray, rng: np.random.Generator, flat: bool
) -> Records:
    scenario, grids = proposer.coder.scenario, proposer.coder.grids
    columns_of_root = carry(grids, scenario.root, root, rng)
    count = len(zone_of_row)
    if proposer.member is None or scenario.member is None:
        return Records(count, columns_of_root)
    parent = np.repeat(np.arange(count), _listed(grids, scenario, root))
    codes = _sample_members(proposer, root, parent, zone_of_row, rng, flat)
    return Records(count, columns_of_root, carry(grids, scenario.member, codes, rng), parent)


def _sample_members(
    proposer: OfflineProposer,
    root: Codes,
    parent: IntArray,
    zone_of_row: IntArray,
    rng: np.random.Generator,
    flat: bool,
) -> Codes:
    """Members' atoms; those that break a rule among their own variables are drawn anew, a bounded number of times."""
    assert proposer.member is not None
    coder, member = proposer.coder, proposer.coder.scenario.member
    assert member is not None
    names = [v.name for v in coder.scenario.root.variables]
    seen = {name: root[name][parent] for name in names}
    codes = sample_chain(coder, proposer.member, seen, zone_of_row[parent], rng, flat)
    for _ in range(RECORD_REDRAWS):
        bad = np.flatnonzero(_member_broken(proposer, member, codes))
        if len(bad) == 0:
            break
        again = {name: seen[name][bad] for name in names}
        fresh = sample_chain(coder, proposer.member, again, zone_of_row[parent[bad]], rng, flat)
        for variable in member.variables:
            codes[variable.name][bad] = fresh[variable.name]
    return {variable.name: codes[variable.name] for variable in member.variables}


def _member_broken(proposer: OfflineProposer, member: Entity, codes: Codes) -> BoolArray:
    """Members that break a plain rule of their own variables, or whose variables could not all be set."""
    own = {v.name for v in member.variables}
    grids = proposer.coder.grids
    count = len(codes[member.variables[0].name])
    unset = np.zeros(count, dtype=bool)
    for name in own:
        unset |= codes[name] == UNSET
    values = {n: grids.of(member.name, n).representatives()[np.maximum(codes[n], 0)] for n in own}
    as_root = Records(count, values)
    for rule in proposer.rules:
        used = {c.variable for node in (rule.when, rule.then) if node is not None for c in columns(node)}
        if rule.entity == member.name and used <= own:
            unset |= ~obeys(rule, as_root, False)
    return unset


def _redraw_members(
    proposer: OfflineProposer, plan: Plan, bad: IntArray, zone_of_row: IntArray, rng: np.random.Generator, flat: bool
) -> Plan:
    """The plan with all members of the rows `bad` drawn anew (their number stays)."""
    atoms = plan.atoms
    root: Codes = {name: column[bad] for name, column in atoms.root.items()}  # type: ignore[misc]
    fresh = _with_members(proposer, root, zone_of_row[bad], rng, flat)
    is_bad = np.zeros(plan.count, dtype=bool)
    is_bad[bad] = True
    slots = np.flatnonzero(is_bad[atoms.parent])
    members = {}
    for name, column in atoms.members.items():
        members[name] = column.copy()
        members[name][slots] = fresh.members[name]
    return Plan(Records(atoms.count, atoms.root, members, atoms.parent), plan.prior, plan.proposal)


def broken_rules(proposer: OfflineProposer, plan: Plan) -> IntArray:
    """Per plan row, the index of the first rule it breaks (any member counts), or -1."""
    scenario = proposer.coder.scenario
    values = plan_values(scenario, proposer.coder.grids, plan)
    return first_broken_rule(scenario, proposer.rules, values)


def first_broken_rule(scenario: Scenario, rules: tuple[Rule, ...], values: Records) -> IntArray:
    """Per root record, the index of the first rule that it or a member of it breaks, or -1."""
    broken = np.full(values.count, -1)
    for index in range(len(rules) - 1, -1, -1):
        of_members = scenario.member is not None and rules[index].entity == scenario.member.name
        fine = obeys(rules[index], values, of_members)
        rows = np.unique(values.parent[~fine]) if of_members else np.flatnonzero(~fine)
        broken[rows] = index
    return broken


def _listed(grids: Grids, scenario: Scenario, root: Codes) -> IntArray:
    """How many members each row lists."""
    assert scenario.member is not None
    assert scenario.member.count is not None
    count = scenario.member.count
    listed: IntArray = grids.of(scenario.root.name, count).representatives()[root[count]]  # type: ignore[assignment]
    return listed


def _is_pinned(grids: Grids, scenario: Scenario, key: Key) -> bool:
    variable = scenario.variable(*key)
    grid = grids.grids.get(key)
    # A derived variable is as fixed as what it is computed from, and all of that is exact, carried or cut.
    if grid is None or variable.kind == "category" or isinstance(variable, Derived):
        return True
    if grid.carried or grid.edges is None:
        return True
    return variable.kind == "integer" and bool((grid.edges[1:] - grid.edges[:-1] == 1).all())


def describe_proposals(
    coder: CellCoder,
    units: Sequence[Unit],
    plan: Plan,
    counts: IntArray,
    plan_id: int,
    replies: Mapping[int, Mapping[str, object]] = MappingProxyType({}),
) -> list[dict[str, object]]:
    """What the plan rows were proposed from, one entry per proposal that received records.

    `replies` describes, by number, the proposals that a model made.
    """
    chains = [build_chain(coder, entity.name, units[0].zone_array) for entity in coder.scenario.entities]
    tables = [link.cells.table.name for chain in chains for link in chain.links if link.cells is not None]
    reasons = {
        CHAIN: f"candidates drawn along the tables {', '.join(tables)}; the rest by prior weights or evenly",
        FLAT: "rare support: every supported cell of these tables drawn equally often, for cells without candidates",
        PRICED: "missing combinations: candidates changed one variable at a time towards cells that were missed",
    }
    described = []
    for number in np.unique(plan.proposal).tolist():
        rows = plan.proposal == number
        records = int(counts[rows].sum())
        described.append(
            {
                "proposal_id": f"p{plan_id:06d}-{number}",
                "proposer": "offline",
                "units": [unit.index for unit in units],
                "plan_rows": int(rows.sum()),
                "records": records,
                "share": records / max(int(counts.sum()), 1),
                **(replies.get(number) or _of_offline(coder.scenario, number, reasons)),
            }
        )
    return described


def _of_offline(scenario: Scenario, number: int, reasons: Mapping[int, str]) -> dict[str, object]:
    return {"reason": reasons[number]} if number in reasons else _of_archetype(scenario, number)


def _of_archetype(scenario: Scenario, number: int) -> dict[str, object]:
    assert scenario.prior is not None
    archetype = scenario.prior.archetypes[number - FIRST_ARCHETYPE]
    source = scenario.prior.sources[archetype.source]
    said = {"archetype": archetype.name, "prior_share": archetype.share, "reason": archetype.reason}
    by = {"author": source.author, "date": source.date, "prior": source.path}
    return said | by | ({"model": source.model, "prompt_version": source.prompt_version} if source.model else {})
