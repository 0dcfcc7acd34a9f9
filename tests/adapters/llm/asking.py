"""Requests with a minimal prompt in the agreed form, and asking them."""

import asyncio
from pathlib import Path

from adapters.llm.anthropic_calls import AnthropicCaller
from adapters.llm.asking import Asker
from adapters.llm.budget import Budget
from adapters.llm.credentials import read_credentials
from adapters.llm.exchange_files import ExchangeStore
from adapters.llm.replay import ReplayCaller
from adapters.scenario_files import read_scenario
from schemas.exchange import Answer, PromptPart, ProposalRequest
from schemas.guidance import Asked, GuidedCell, GuidedVariable
from schemas.settings import RunSettings
from synthesis.guidance_text import write_block
from synthesis.replies import check_reply
from tests.conftest import ECOMMERCE

SCENARIO = read_scenario(ECOMMERCE)
QUICK = {"max_backoff_seconds": 0.02, "call_timeout_seconds": 20, "proposer": "anthropic"}
SCHEMA = {"type": "object", "properties": {"proposals": {"type": "array"}}, "required": ["proposals"]}


def make_request(
    name: str = "r01-all", proposals: int = 5, words: str = "Propose purchases.", **changes
) -> ProposalRequest:
    """A request for proposals of the e-commerce scenario."""
    root = SCENARIO.root.name
    variables = [
        GuidedVariable(name=v.name, entity=root, kind=v.kind, categories=v.categories, low=v.low, high=v.high)
        for v in SCENARIO.root.variables
    ]
    cells = [
        GuidedCell(table=t.name, entity=root, where={t.axes[0].variable: label}, target=0.5, missing=0.1 * (i + 1))
        for t in SCENARIO.tables
        if len(t.axes) == 1 and t.axes[0].lows is None
        for i, label in enumerate(t.axes[0].labels)
    ]
    asked = Asked(proposals=proposals, records=2000, root=root)
    settings = RunSettings(**changes)
    return ProposalRequest(
        request_id=name,
        round=1,
        plan_id=1,
        system=(PromptPart(text=words, is_stable=True),),
        user=(PromptPart(text=write_block(variables), is_stable=True), PromptPart(text=write_block([asked, *cells]))),
        reply_schema=SCHEMA,
        prompt_version="test-1",
        sampling=settings.sampling,
        proposals=proposals,
    )


def ask(run: Path, requests: list[ProposalRequest], replay: Path | None = None, **settings) -> list[Answer]:
    """The answers of the server, or of a run that is replayed."""
    given = RunSettings(**{**QUICK, **settings})
    store = ExchangeStore(run)
    spent = store.read_all()

    async def main() -> list[Answer]:
        caller = AnthropicCaller(read_credentials()) if replay is None else ReplayCaller(replay)
        check = lambda request, reply: check_reply(SCENARIO, reply, request.proposals)  # noqa: E731
        recorded = caller.recorded if isinstance(caller, ReplayCaller) else None
        asker = Asker(caller, store, given, check, Budget(given, spent), recorded=recorded)
        try:
            return await asker.ask_all(requests)
        finally:
            await caller.close()

    return asyncio.run(main())


def exchanges(run: Path) -> list:
    """All exchanges of a run."""
    return ExchangeStore(run).read_all()
