"""Asking once for the structural prior of a scenario: archetypes of its records and relations between their members."""

from typing import Any

from schemas.exchange import PromptPart, ProposalRequest
from schemas.model import Scenario
from schemas.settings import RunSettings
from synthesis import prompts
from synthesis.aggregates import no_counts
from synthesis.aims import Aims
from synthesis.guidance_text import write_block
from synthesis.guided_cells import lacking_cells
from synthesis.prompt_text import (
    SCENARIO_PART,
    VARIABLE_PART,
    budget_bytes,
    guidance_block,
    guided_variables,
    requested,
    scenario_block,
)
from synthesis.reply_schema import closed

REQUEST_ID = "prior"
ARCHETYPES, RELATIONS = 20, 10
TEXT = {"type": "string"}


def prior_request(scenario: Scenario, aims: Aims, settings: RunSettings) -> ProposalRequest:
    """Variables, rules and the largest cells of the tables, in one prompt."""
    whole = budget_bytes(settings)
    text = prompts.PRIOR.format(archetypes=ARCHETYPES, relations=RELATIONS)
    variables = guided_variables(scenario, int(whole * VARIABLE_PART))
    about = scenario_block(scenario, int(whole * SCENARIO_PART))
    cells = lacking_cells(scenario, aims, no_counts(scenario))
    asked = requested(scenario, ARCHETYPES, int(aims.zone_sizes.sum()))
    block, _, left_out = guidance_block(asked, cells, int(whole * SCENARIO_PART))
    return ProposalRequest(
        request_id=REQUEST_ID,
        purpose="prior",
        system=(PromptPart(text=f"{text}\n\n{about}"),),
        user=(PromptPart(text="\n".join([write_block(variables), left_out, block])),),
        reply_schema=_schema(scenario),
        prompt_version=prompts.PROMPT_VERSION,
        sampling=settings.sampling,
    )


def _schema(scenario: Scenario) -> dict[str, Any]:
    values = {"type": "array", "items": closed({"variable": TEXT, "value": TEXT})}
    archetype: dict[str, Any] = {"name": TEXT, "share": {"type": "number"}, "reason": TEXT, "values": values}
    relation = dict.fromkeys(("name", "reason", "role", "variable", "kind", "to", "value"), TEXT)
    if scenario.member is not None:
        archetype["members"] = {"type": "array", "items": closed({"role": TEXT, "number": TEXT, "values": values})}
    found = {"archetypes": {"type": "array", "items": closed(archetype)}}
    if scenario.member is not None:
        found["relations"] = {"type": "array", "items": closed(relation)}
    return closed(found)
