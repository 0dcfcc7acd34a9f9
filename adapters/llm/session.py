"""A round of asking as one call: the proposer that the settings name, asked from a plain function."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from adapters.llm.asking import Asker, Check
from adapters.llm.budget import Budget, check_limits
from adapters.llm.calls import Call, Caller
from adapters.llm.credentials import read_credentials
from adapters.llm.exchange_files import ExchangeStore, read_run_exchanges
from adapters.llm.plugins import PluginCaller, load_proposer
from adapters.llm.replay import ReplayCaller
from adapters.object_path import Location, location
from schemas.exchange import Exchange, ProposalRequest, RoundAnswers
from schemas.settings import RunSettings


def check_proposer(settings: RunSettings) -> str:
    """The name of the server that will be asked; refuses what cannot be asked, before anything is written."""
    check_limits(settings)
    kind, _, rest = settings.proposer.partition(":")
    if kind == "anthropic":
        return read_credentials().server
    if kind == "plugin":
        load_proposer(rest)
    if kind == "replay":
        read_run_exchanges(location(rest))
    return settings.proposer


def ask_round(root: Location, settings: RunSettings, requests: Sequence[ProposalRequest], check: Check) -> RoundAnswers:
    """The answers to all requests. What is kept below `root` already is neither asked nor paid for again.

    Without a reply after all attempts an answer says why; AccessError and ReplayError end the run.
    """
    return _run_apart(lambda: _ask_round(root, settings, requests, check))


async def _ask_round(
    root: Location, settings: RunSettings, requests: Sequence[ProposalRequest], check: Check
) -> RoundAnswers:
    store = ExchangeStore(root)
    caller, recorded = _caller(settings)
    # What is replayed costs nothing, so no limit can stop it: it ends where the replayed run ended.
    unlimited = {"max_calls": None, "max_tokens": None, "max_usd": None}
    limits = settings.model_copy(update=unlimited) if recorded else settings
    budget = Budget(limits, [] if recorded else store.read_all())
    asker = Asker(caller, store, settings, check, budget, recorded=recorded)
    try:
        answers = await asker.ask_all(requests)
    finally:
        await caller.close()
    return RoundAnswers(answers=tuple(answers), limit_reached=budget.reached)


def _caller(settings: RunSettings) -> tuple[Caller, Callable[[Call], list[Exchange]] | None]:
    kind, _, rest = settings.proposer.partition(":")
    if kind == "replay":
        replay = ReplayCaller(location(rest))
        return replay, replay.recorded
    if kind == "plugin":
        return PluginCaller(load_proposer(rest)), None
    # The SDK takes half a second to import; only who asks a model pays for it.
    from adapters.llm.anthropic_calls import AnthropicCaller

    return AnthropicCaller(read_credentials()), None


def _run_apart(start: Callable[[], Any]) -> Any:
    """The coroutine's result, whether or not this thread has an event loop of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(start())
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(start())).result()
