"""Candidate plan rows from a prior: archetypes with joint values, what the prior leaves open by the chain."""

from collections import Counter

import numpy as np

from schemas.model import Entity, FloatArray, IntArray, Scenario
from schemas.prior import Archetype
from synthesis.binning import Grids
from synthesis.evaluation import columns
from synthesis.plan import CARRIED, Plan, join_plans, plan_values
from synthesis.prior_draft import ABSENT, Draft, new_draft
from synthesis.prior_drafting import PriorProposer, draft_rows, groups
from synthesis.proposer import FIRST_ARCHETYPE, Proposals, first_broken_rule
from synthesis.records import Array, Records

EVEN_SHARE = 0.3
"""Part of the candidates that is spread evenly over the archetypes, so that rare ones have some; weights undo it."""
ATTEMPTS = 12
IMPOSSIBLE = "(prior: no possible value)"


def propose_prior(proposer: PriorProposer, zone_of_row: IntArray, rng: np.random.Generator) -> Proposals:
    """One candidate per zone, weighted to the archetypes' shares, less those that stay impossible or break a rule."""
    archetype, weight = _choose_archetypes(proposer, zone_of_row, rng)
    waiting, drawn, rejections = np.arange(len(zone_of_row)), 0, Counter[str]()
    plans: list[Plan] = []
    for _ in range(ATTEMPTS):
        if len(waiting) == 0:
            break
        draft = draft_rows(proposer, zone_of_row[waiting], archetype[waiting], rng)
        plan = Plan(_compile(proposer, draft), weight[waiting], archetype[waiting] + FIRST_ARCHETYPE)
        refused = _refused(proposer, draft, plan)
        drawn += len(waiting)
        rejections.update(refused[refused != ""].tolist())
        plans.append(plan.take(np.flatnonzero(refused == "")))
        waiting = waiting[refused != ""]
    if not plans:
        return Proposals(_nothing(proposer, rng), 0, {})
    plan = join_plans(plans)
    return Proposals(_restore_shares(plan, archetype + FIRST_ARCHETYPE), drawn, rejections)


def _choose_archetypes(
    proposer: PriorProposer, zone_of_row: IntArray, rng: np.random.Generator
) -> tuple[IntArray, FloatArray]:
    """An archetype per row, and the weight that brings it back to its share."""
    prior = proposer.prior
    shares = np.array([archetype.share for archetype in prior.archetypes])
    chosen, weight = np.zeros(len(zone_of_row), dtype=np.int64), np.ones(len(zone_of_row))
    for zone, rows in groups(zone_of_row):
        here = shares * [_occurs(proposer.scenario, archetype, zone) for archetype in prior.archetypes]
        if here.sum() <= 0:
            continue
        here /= here.sum()
        drawn = (1 - EVEN_SHARE) * here + EVEN_SHARE * (here > 0) / np.count_nonzero(here)
        chosen[rows] = rng.choice(len(shares), len(rows), p=drawn / drawn.sum())
        weight[rows] = (here / np.where(drawn > 0, drawn, 1))[chosen[rows]]
    return chosen, weight


def _occurs(scenario: Scenario, archetype: Archetype, zone: int) -> bool:
    """Whether an archetype's condition leaves room in a zone: one that reads the zone alone decides it."""
    if archetype.when is None or scenario.zones is None:
        return True
    name = scenario.zones.variable
    if {column.variable for column in columns(archetype.when)} != {name}:
        return True
    draft = new_draft(scenario, np.array([zone]), np.zeros(1, np.int64), np.zeros(1, np.int64))
    return bool(draft.holds_in_record(archetype.when, np.zeros(1, np.int64))[0])


def _compile(proposer: PriorProposer, draft: Draft) -> Records:
    """The draft as atoms, with exact values where plan rows carry them."""
    scenario, grids = proposer.scenario, proposer.grids
    root = _columns(grids, scenario.root, draft.root)
    if scenario.member is None:
        return Records(draft.count, root)
    exists = (draft.part != ABSENT).T
    members = {name: values.T[exists] for name, values in draft.members.items()}
    return Records(draft.count, root, _columns(grids, scenario.member, members), np.nonzero(exists)[0])


def _columns(grids: Grids, entity: Entity, values: dict[str, FloatArray]) -> dict[str, Array]:
    columns_of: dict[str, Array] = {}
    for variable in entity.variables:
        grid = grids.of(entity.name, variable.name)
        columns_of[variable.name] = np.clip(grid.codes(values[variable.name]), 0, grid.size - 1)
        if grid.carried:
            exact = values[variable.name]
            columns_of[variable.name + CARRIED] = exact.astype(np.int64) if variable.kind == "integer" else exact
    return columns_of


def _refused(proposer: PriorProposer, draft: Draft, plan: Plan) -> Array:
    """Per row why it is refused: the rule it breaks, what the prior could not bring about, or nothing."""
    scenario = proposer.scenario
    rules = proposer.offline.rules
    values = plan_values(scenario, proposer.grids, plan)
    names = np.array([*(rule.name for rule in rules), ""], dtype=object)
    refused = names[first_broken_rule(scenario, rules, values)]
    impossible = draft.broken.copy()
    for index, rows in groups(draft.archetype):
        when = proposer.prior.archetypes[index].when
        if when is not None:
            impossible[rows] |= ~draft.holds_in_record(when, rows)
    return np.where(impossible & (refused == ""), IMPOSSIBLE, refused)


def _restore_shares(plan: Plan, proposed: IntArray) -> Plan:
    """Each archetype's rows weighted up for those of it that were refused for good."""
    size = int(proposed.max(initial=0)) + 1
    kept, wanted = np.bincount(plan.proposal, minlength=size), np.bincount(proposed, minlength=size)
    return Plan(plan.atoms, plan.prior * (wanted / np.maximum(kept, 1))[plan.proposal], plan.proposal)


def _nothing(proposer: PriorProposer, rng: np.random.Generator) -> Plan:
    draft = draft_rows(proposer, np.zeros(0, np.int64), np.zeros(0, np.int64), rng)
    return Plan(_compile(proposer, draft), np.zeros(0), np.zeros(0, np.int64))
