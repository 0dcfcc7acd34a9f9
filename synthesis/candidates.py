"""A unit's candidate plan rows: of the model's proposals, of the scenario's prior, and of the tables' chain.

Rows of the chain are mixed in with a small weight (`chain_share`): they reach cells that nobody thought of.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from schemas.errors import UserError
from schemas.model import IntArray
from schemas.settings import RunSettings
from synthesis.plan import Plan, join_plans, with_ranges
from synthesis.prior_drafting import build_prior_proposer
from synthesis.prior_proposer import propose_prior
from synthesis.proposer import CHAIN, FLAT, OfflineProposer, Proposals, propose
from synthesis.reply_rows import Offered, propose_replies

CHAIN_ROWS = 4
"""Every so many candidates comes from the chain, where there is something else."""


def propose_unit(
    offline: OfflineProposer,
    settings: RunSettings,
    offered: Sequence[Offered],
    zones: IntArray,
    zone_of_row: IntArray,
    rng: np.random.Generator,
) -> Proposals:
    """The candidates with their prior weights. Without any proposal and prior the chain covers, if it may."""
    scenario = offline.coder.scenario
    if settings.asks and not offered and settings.fallback == "none":
        raise UserError(
            "no reply had a valid proposal for a batch, and --set fallback=none: nothing covers it; "
            "run.json says under llm why, expected fallback=chain"
        )
    if scenario.prior is None and not offered:
        return _ranged(offline, settings, propose(offline, zone_of_row, rng, CHAIN))
    position = np.arange(len(zone_of_row))
    is_chain = (position % CHAIN_ROWS == 0) & (settings.chain_share > 0)
    is_prior = ~is_chain & (scenario.prior is not None) & ((position % 2 == 1) | (len(offered) == 0))
    parts: list[Proposals] = []
    weights: list[float] = []
    if scenario.prior is not None:
        parts.append(propose_prior(build_prior_proposer(offline, scenario.prior, zones), zone_of_row[is_prior], rng))
    if offered:
        parts.append(propose_replies(offline, offered, zones, zone_of_row[~is_chain & ~is_prior], rng))
    weights = [(1 - settings.chain_share) / len(parts)] * len(parts)
    if is_chain.any():
        parts.append(propose(offline, zone_of_row[is_chain], rng, CHAIN))
        weights.append(settings.chain_share)
    return _joined(offline, settings, parts, weights)


def propose_rare(
    offline: OfflineProposer, settings: RunSettings, zone_of_row: IntArray, rng: np.random.Generator
) -> Plan:
    """Rows that reach every supported cell of the chain's tables equally often."""
    return _ranged(offline, settings, propose(offline, zone_of_row, rng, FLAT, flat=True)).plan


def may_complete(settings: RunSettings, offered: Sequence[Offered], has_prior: bool) -> bool:
    """Whether rows may be added for cells without support: not where chain rows are switched off."""
    return settings.chain_share > 0 or not (offered or has_prior)


def _joined(
    offline: OfflineProposer, settings: RunSettings, parts: Sequence[Proposals], weights: Sequence[float]
) -> Proposals:
    rejections: Counter[str] = Counter()
    for part in parts:
        rejections.update(part.rejections)
    ranged = [_ranged(offline, settings, part).plan for part in parts]
    plan = join_plans(_weighted(plan, weight) for plan, weight in zip(ranged, weights, strict=True))
    examples = next((part for part in parts if part.rejected is not None), parts[0])
    drawn = sum(part.drawn for part in parts)
    return Proposals(plan, drawn, rejections, examples.rejected, examples.rejected_rules)


def _ranged(offline: OfflineProposer, settings: RunSettings, proposals: Proposals) -> Proposals:
    """All plans of a run that asks have columns for ranges, so that they can be joined."""
    if not settings.asks:
        return proposals
    plan = with_ranges(offline.coder.scenario, offline.coder.grids, proposals.plan)
    found = proposals.rejected, proposals.rejected_rules
    return Proposals(plan, proposals.drawn, proposals.rejections, *found)


def _weighted(plan: Plan, total: float) -> Plan:
    """The plan with its prior weights summing to `total`."""
    return Plan(plan.atoms, plan.prior * (total / max(plan.prior.sum(), 1e-300)), plan.proposal)
