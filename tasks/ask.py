"""Asking for a round's proposals: in the flow's own process, where one limiter and one budget hold for the run."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.llm.exchange_files import read_answer
from adapters.llm.session import ask_round, check_proposer
from adapters.llm.usage import describe_round, describe_usage
from schemas.exchange import Answer, ProposalReply, ProposalRequest, RoundAnswers
from schemas.model import Scenario
from schemas.settings import RunSettings
from synthesis.replies import Checked, check_reply
from tasks.context import Context


@task(name="ask", task_run_name="ask-{round_index}", cache_policy=NO_CACHE)
def ask(context: Context, settings: RunSettings, round_index: int, requests: Sequence[ProposalRequest]) -> RoundAnswers:
    """The answers, each kept as a file (`answer_path`) for the workers. Call it, do not submit it.

    The key stays in the environment of this process: it is no argument of any task.
    """
    return ask_round(context.run.root, settings, requests, partial(check_answer, context.scenario))


def check_answer(scenario: Scenario, request: ProposalRequest, reply: ProposalReply) -> Checked:
    """What a reply is worth for what was asked."""
    return check_reply(scenario, reply, request.proposals)


def read_kept_answer(context: Context, request_id: str) -> Answer | None:
    """The answer to a request, on a worker; None if it was never asked."""
    return read_answer(context.run.answer_file(request_id))


def describe_asking(
    context: Context, settings: RunSettings, answers: Sequence[Answer], round_index: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What run.json says of the whole run's calls, and of one round's."""
    whole = describe_usage(context.run.root, settings, answers, check_proposer(settings))
    return whole, describe_round(context.run.root, settings, round_index)
