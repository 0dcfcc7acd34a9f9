"""What asking has cost and brought: the part `llm` of run.json."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from adapters.llm.budget import Spending, sum_spending
from adapters.llm.exchange_files import ExchangeStore
from adapters.llm.prices import price_of
from adapters.object_path import Location
from schemas.exchange import Answer, Exchange
from schemas.settings import RunSettings

SHOWN_REASONS = 10


def describe_usage(root: Location, settings: RunSettings, answers: Iterable[Answer], server: str) -> dict[str, Any]:
    """Calls, tokens, cost, faults and what was covered offline, over the whole run so far and by round."""
    exchanges, price, is_replay = ExchangeStore(root).read_all(), price_of(settings), _is_replay(settings)
    answers = list(answers)
    uncovered = [answer for answer in answers if not answer.is_answered]
    faults: Counter[str] = Counter()
    for answer in answers:
        faults.update(answer.faults)
    return {
        "proposer": settings.proposer,
        "model": _models(exchanges),
        "server": server,
        **_spending(sum_spending([] if is_replay else exchanges, price)),
        "price": None if price is None else price.source,
        "replayed": len(exchanges) if is_replay else 0,
        "requests": len(answers),
        "answered": len(answers) - len(uncovered),
        "covered_offline": len(uncovered),
        "reasons": [f"{answer.request_id}: {answer.reason}" for answer in uncovered[:SHOWN_REASONS]],
        "proposals": sum(len(answer.proposals) for answer in answers),
        "faults": dict(sorted(faults.items())),
        "failed_attempts": dict(sorted(Counter(e.fault for e in exchanges if e.fault).items())),
    }


def describe_round(root: Location, settings: RunSettings, round_index: int) -> dict[str, Any]:
    """Calls, tokens and cost of one round."""
    exchanges = [] if _is_replay(settings) else ExchangeStore(root).read_all()
    spent = _spending(sum_spending([e for e in exchanges if e.round == round_index], price_of(settings)))
    return {"round": round_index, **spent}


def _spending(spending: Spending) -> dict[str, Any]:
    usage = spending.usage
    return {
        "calls": spending.calls,
        "tokens": usage.tokens,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "tokens_are_estimated": usage.is_estimated,
        "usd": None if spending.usd is None else round(spending.usd, 6),
    }


def _models(exchanges: Sequence[Exchange]) -> list[str]:
    """The models that answered, as they name themselves."""
    return sorted({exchange.reply.model for exchange in exchanges if exchange.reply is not None})


def _is_replay(settings: RunSettings) -> bool:
    return settings.proposer.startswith("replay:")
