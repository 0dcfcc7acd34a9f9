"""What is asked in a round: each group of similar zones that lacks records, about its own slice of what is missing."""

import numpy as np

from schemas.exchange import PromptPart, ProposalRequest
from schemas.guidance import Guidance
from schemas.model import IntArray, Scenario
from schemas.settings import RunSettings
from synthesis import prompts
from synthesis.aggregates import Counts
from synthesis.aims import Aims
from synthesis.guidance_text import write_block
from synthesis.guided_cells import lacking_cells, residual
from synthesis.prompt_text import (
    SCENARIO_PART,
    VARIABLE_PART,
    budget_bytes,
    guidance_block,
    guided_variables,
    requested,
    scenario_block,
    zone_block,
)
from synthesis.replies import asked_roles
from synthesis.reply_schema import may_mix, proposals_schema
from synthesis.zone_groups import zone_groups

ZONE_BYTES = 600
"""Of a prompt, for the names of its zones."""
LEFT_OUT_BYTES = 100
"""Of a prompt, for the sentence that says what was left out."""


def round_requests(
    scenario: Scenario,
    aims: Aims,
    settings: RunSettings,
    counts: Counts,
    round_index: int,
    records: int,
    pending: IntArray | None = None,
) -> tuple[ProposalRequest, ...]:
    """A request per group of zones in the first round; later only where a residual remains, for those zones alone.

    Where rounds are waves of zones, `pending` are those that have no records yet: what was said of them stands.
    """
    stable, guidance = _stable_parts(scenario, settings)
    requests = []
    groups = needed_groups(scenario, aims, settings, counts, round_index, pending)
    total = max(float(aims.zone_sizes.sum()), 1.0)
    for number, zones in groups:
        here = max(round(records * float(aims.zone_sizes[zones].sum()) / total), 1)
        requests.append(_request(scenario, aims, settings, counts, round_index, number, zones, here, stable, guidance))
    return tuple(requests)


def needed_groups(
    scenario: Scenario,
    aims: Aims,
    settings: RunSettings,
    counts: Counts,
    round_index: int,
    pending: IntArray | None = None,
) -> list[tuple[int, IntArray]]:
    """The groups to be asked for, by number, each with its zones that lack something."""
    from_replies_alone = settings.allocation == "proposed" or settings.chain_share == 0
    if pending is not None and round_index > 1 and not from_replies_alone:
        # Zones of earlier waves get no more records, and of the others nothing is known that was not asked about.
        return []
    found = []
    for number, zones in enumerate(zone_groups(scenario, aims, settings.zone_groups)):
        if pending is not None and round_index > 1:
            zones = zones[np.isin(zones, pending)]
            if len(zones) == 0:
                continue
        if round_index == 1 or from_replies_alone:
            found.append((number, zones))
            continue
        lacking = [
            zone for zone in zones.tolist() if _residual_of(scenario, aims, counts, zone) > settings.residual_share
        ]
        if lacking:
            found.append((number, np.array(lacking, dtype=np.int64)))
    return found


def _residual_of(scenario: Scenario, aims: Aims, counts: Counts, zone: int) -> float:
    return residual(scenario, aims, counts, np.array([zone], dtype=np.int64))


def _stable_parts(scenario: Scenario, settings: RunSettings) -> tuple[tuple[PromptPart, ...], Guidance]:
    """System and variables: the same in every request of a run."""
    whole = budget_bytes(settings)
    variables = guided_variables(scenario, int(whole * VARIABLE_PART), with_texts=True)
    has_members = scenario.member is not None
    instructions = prompts.PROPOSE.format(
        texts=prompts.TEXTS if any(one.kind == "text" for one in variables) else "",
        mix=prompts.MIX.format() if may_mix(variables) else "",
        count=prompts.COUNT if has_members else "",
        members=prompts.MEMBERS.format() if has_members else "",
        prior=prompts.KNOWN.format(role=prompts.ROLES if asked_roles(scenario) else "") if scenario.prior else "",
    )
    about = scenario_block(scenario, int(whole * SCENARIO_PART))
    parts = (
        PromptPart(text=f"{instructions}\n\n{about}", is_stable=True),
        PromptPart(text=write_block(variables), is_stable=True),
    )
    return parts, Guidance(asked=requested(scenario, settings.proposals_per_call, 1), variables=tuple(variables))


def _request(
    scenario: Scenario,
    aims: Aims,
    settings: RunSettings,
    counts: Counts,
    round_index: int,
    number: int,
    zones: IntArray,
    records: int,
    stable: tuple[PromptPart, ...],
    guidance: Guidance,
) -> ProposalRequest:
    names = _zone_names(scenario, aims, zones)
    asked = requested(scenario, settings.proposals_per_call, records)
    introduced = zone_block(names, ZONE_BYTES) if names else ""
    used = "".join([*(part.text for part in stable), introduced, prompts.GUIDANCE])
    room = budget_bytes(settings, used) - LEFT_OUT_BYTES
    block, cells, left_out = guidance_block(asked, lacking_cells(scenario, aims, counts, zones), room)
    text = "\n".join(part for part in (introduced, prompts.GUIDANCE.format(left_out=left_out), block) if part)
    root = [one for one in guidance.variables if one.entity == scenario.root.name]
    member = [one for one in guidance.variables if one.entity != scenario.root.name] if scenario.member else None
    return ProposalRequest(
        request_id=f"r{round_index:02d}-g{number:03d}",
        round=round_index,
        zones=names,
        system=stable[:1],
        user=(stable[1], PromptPart(text=text)),
        reply_schema=proposals_schema(root, member, asked_roles(scenario)),
        prompt_version=prompts.PROMPT_VERSION,
        sampling=settings.sampling,
        proposals=settings.proposals_per_call,
        guidance=guidance.model_copy(update={"asked": asked, "cells": tuple(cells)}),
    )


def _zone_names(scenario: Scenario, aims: Aims, zones: IntArray) -> tuple[str, ...]:
    if scenario.zones is None:
        return ()
    if len(zones) == np.count_nonzero(aims.zone_sizes > 0):
        return ()
    names = scenario.zones.names[scenario.zones.variable]
    return tuple(names[zone] for zone in zones.tolist())


def not_asked(scenario: Scenario, request: ProposalRequest) -> frozenset[tuple[str, str]]:
    """Variables, by entity and name, that a request leaves out for length."""
    if request.guidance is None or not request.guidance.variables:
        return frozenset()
    asked = {(variable.entity, variable.name) for variable in request.guidance.variables}
    every = ((e.name, v.name) for e in scenario.entities for v in e.asked)
    return frozenset(one for one in every if one not in asked)
