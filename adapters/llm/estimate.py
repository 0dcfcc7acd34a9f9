"""What asking will cost, before the first call."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from adapters.llm.calls import Call, estimate_tokens
from adapters.llm.credentials import read_credentials
from adapters.llm.prices import price_of
from schemas.exchange import ProposalRequest, Usage
from schemas.settings import RunSettings

Figure = TypeVar("Figure", int, float)
VALUE_TOKENS = 14
"""Of one variable of a proposal, its name included."""
REASON_TOKENS = 60
THINKING_FACTOR = 2.0
"""Current models think before they write; by this much their replies are longer than what they write."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Calls, tokens and cost of a run: as expected, and at most (everything asked twice, every reply at its limit)."""

    calls: int
    input_tokens: int
    output_tokens: int
    usd: float | None
    most_calls: int
    most_tokens: int
    most_usd: float | None
    price: str | None
    is_counted: bool
    """Whether the server counted the input tokens, or they are estimated from the prompt's length."""


def estimate_cost(
    settings: RunSettings, requests: Sequence[ProposalRequest], rounds: int, values: int, counted: int | None = None
) -> Estimate:
    """The estimate for the first round's requests, asked again in every round.

    `values` is how many values a proposal has; `counted` the input tokens of one round, where a server said them.
    """
    price = price_of(settings)
    inputs = counted if counted is not None else sum(Call(request).input_tokens for request in requests)
    outputs = sum(_reply_tokens(settings, request, values) for request in requests)
    usage = Usage(input_tokens=inputs * rounds, output_tokens=outputs * rounds)
    worst_reply = sum(request.sampling.max_tokens for request in requests)
    # The second turn repeats the prompt, with the faults of the first reply.
    worst = Usage(cache_write_tokens=2 * inputs * rounds, output_tokens=2 * worst_reply * rounds)
    most_calls, most_tokens = 2 * len(requests) * rounds, worst.tokens
    most_usd = None if price is None else price.cost(worst)
    return Estimate(
        calls=_least(len(requests) * rounds, settings.max_calls),
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        usd=None if price is None else round(price.cost(usage), 4),
        most_calls=_least(most_calls, settings.max_calls),
        most_tokens=_least(most_tokens, settings.max_tokens),
        most_usd=None if most_usd is None else round(_least(most_usd, settings.max_usd), 4),
        price=None if price is None else price.source,
        is_counted=counted is not None,
    )


def with_once(settings: RunSettings, rounds: Estimate, once: Estimate) -> Estimate:
    """Both together: what is asked in every round, and what is asked once."""

    def summed(name: str, limit: float | None = None) -> Any:
        parts = getattr(rounds, name), getattr(once, name)
        return None if None in parts else _least(round(sum(parts), 4), limit)

    names = ("input_tokens", "output_tokens", "usd")
    limits: dict[str, float | None] = {"calls": settings.max_calls, "most_calls": settings.max_calls}
    limits |= {"most_tokens": settings.max_tokens, "most_usd": settings.max_usd}
    sums = {name: summed(name) for name in names} | {name: summed(name, limit) for name, limit in limits.items()}
    return replace(rounds, **sums)


def count_input(requests: Sequence[ProposalRequest]) -> int | None:
    """Input tokens as the server counts them, which costs nothing; None where it does not say."""
    from adapters.llm.anthropic_calls import AnthropicCaller

    async def count() -> int | None:
        caller = AnthropicCaller(read_credentials())
        try:
            counted = [await caller.count_tokens(Call(request)) for request in requests]
        finally:
            await caller.close()
        return None if None in counted else sum(one for one in counted if one is not None)

    return asyncio.run(count())


def _reply_tokens(settings: RunSettings, request: ProposalRequest, values: int) -> int:
    written = request.proposals * (values * VALUE_TOKENS + REASON_TOKENS) + estimate_tokens('{"proposals": []}')
    return min(int(written * THINKING_FACTOR), settings.max_reply_tokens)


def _least(figure: Figure, limit: Figure | None) -> Figure:
    return figure if limit is None else min(figure, limit)
