"""The naive way to use a language model, for comparison: it writes records one by one, with the tables in its context.

No proposals, no discrepancy, no allocation: what it writes is the dataset. Requests go through the same client.
"""

from schemas.exchange import PromptPart, ProposalReply, ProposalRequest
from schemas.model import Scenario
from schemas.proposal import Category, Exact, Proposal
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
from synthesis.replies import Checked, read_object
from synthesis.reply_schema import closed
from synthesis.reply_values import FaultError, read_values


def baseline_request(
    scenario: Scenario, aims: Aims, settings: RunSettings, number: int, records: int
) -> ProposalRequest:
    """A call for so many records of a scenario without members; calls know nothing of each other."""
    whole = budget_bytes(settings)
    text = prompts.RECORDS.format(records=records)
    variables = guided_variables(scenario, int(whole * VARIABLE_PART))
    about = scenario_block(scenario, int(whole * SCENARIO_PART))
    asked = requested(scenario, 0, records)
    tables = lacking_cells(scenario, aims, no_counts(scenario))
    block, _, left_out = guidance_block(asked, tables, int(whole * VARIABLE_PART))
    columns = {one.name: {"type": "string" if one.kind == "category" else "number"} for one in variables}
    return ProposalRequest(
        request_id=f"naive-{number:04d}",
        purpose="baseline",
        plan_id=number,
        system=(PromptPart(text=f"{text}\n\n{about}", is_stable=True),),
        user=(
            PromptPart(text="\n".join([write_block(variables), left_out, block]), is_stable=True),
            # Else every call would be the same, and a cache or a greedy model would repeat itself.
            PromptPart(text=f"This is call {number}: write other records than the calls before."),
        ),
        reply_schema=closed({"records": {"type": "array", "items": closed(columns)}}),
        prompt_version=prompts.PROMPT_VERSION,
        sampling=settings.sampling,
        proposals=records,
    )


def check_records(scenario: Scenario, request: ProposalRequest, reply: ProposalReply) -> Checked:
    """The valid records of a reply, each as a proposal of one record."""
    found = read_object(reply, "records")
    if isinstance(found, Checked):
        return found
    kept, faults = list[Proposal](), dict[str, int]()
    for position, written in enumerate(found[: request.proposals]):
        try:
            if not isinstance(written, dict):
                raise FaultError("wrong_type", "expected an object")
            values = read_values(scenario.root, written, set())
            if not all(isinstance(value, Category | Exact) for value in values.values()):
                raise FaultError("wrong_type", "expected one value for each variable")
        except FaultError as fault:
            faults[fault.fault] = faults.get(fault.fault, 0) + 1
            continue
        kept.append(Proposal(values=values, share=1.0, source=str(position)))
    return Checked(tuple(kept), faults)
