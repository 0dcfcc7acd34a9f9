"""Asking for a round's proposals: in the flow's own process, where one limiter and one budget hold for the run."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.llm.session import ask_round, check_proposer
from adapters.llm.usage import describe_round, describe_usage
from schemas.exchange import Answer, ProposalReply, ProposalRequest, RoundAnswers
from schemas.model import Scenario
from schemas.settings import RunSettings
from synthesis.dependencies import judge_groups
from synthesis.group_requests import check_groups, dependencies_of, groups_request
from synthesis.held_out import hold_out
from synthesis.replies import Checked, check_reply
from synthesis.requests import not_asked
from tasks.context import Context, load_context


@task(name="ask", task_run_name="ask-{round_index}", cache_policy=NO_CACHE)
def ask(context: Context, settings: RunSettings, round_index: int, requests: Sequence[ProposalRequest]) -> RoundAnswers:
    """The answers, each kept as a file (`answer_path`) for the workers. Call it, do not submit it.

    The key stays in the environment of this process: it is no argument of any task.
    """
    return ask_round(context.run.root, settings, requests, partial(check_answer, context.scenario, settings))


def check_answer(scenario: Scenario, settings: RunSettings, request: ProposalRequest, reply: ProposalReply) -> Checked:
    """What a reply is worth for what was asked."""
    if request.purpose == "groups":
        return check_groups(scenario, settings, reply)
    return check_reply(scenario, reply, request.proposals, not_asked(scenario, request))


@task(name="infer", cache_policy=NO_CACHE)
def infer(context: Context, settings: RunSettings) -> tuple[Context, RoundAnswers]:
    """The dependency groups, kept in the run folder; and the context in which they decide the tables that bind.

    Call it, do not submit it, as `ask`.
    """
    answered = ask_round(
        context.run.root,
        settings,
        [groups_request(context.scenario, settings)],
        partial(check_answer, context.scenario, settings),
    )
    context.run.keep_dependencies(dependencies_of(settings, answered.answers[0]))
    load_context.cache_clear()
    return load_context(str(context.run.root), context.scenario.fingerprint, settings), answered


def describe_groups(context: Context) -> list[dict[str, Any]]:
    """The inferred groups, for run.json: what each comes to, and the tables that bear on it."""
    found = context.run.read_dependencies()
    if found is None:
        return []
    used = hold_out(context.run.read_scenario(), context.settings.hold_out)
    return [
        {
            "entity": one.group.entity,
            "variables": list(one.group.variables),
            "status": one.status,
            "tables": list(one.tables),
            "added_table": one.added.name if one.added else None,
            "reason": one.group.reason,
        }
        for one in judge_groups(used, found)
    ]


def describe_asking(
    context: Context, settings: RunSettings, answers: Sequence[Answer], round_index: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What run.json says of the whole run's calls, and of one round's."""
    whole = describe_usage(context.run.root, settings, answers, check_proposer(settings))
    return whole, describe_round(context.run.root, settings, round_index)
