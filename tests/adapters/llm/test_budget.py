"""Limits that hold, whatever runs at once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.budget import Budget, check_limits, sum_spending
from adapters.llm.prices import PRICES, price_of
from schemas.errors import UserError
from schemas.exchange import Usage
from schemas.settings import RunSettings
from tests.adapters.llm.asking import ask, exchanges, make_request


@pytest.mark.parametrize(
    "limit", [{"max_calls": 7}, {"max_tokens": 60_000}, {"max_usd": 0.2}, {"max_calls": 0}, {"max_usd": 0.0}]
)
def test_a_run_never_spends_more_than_it_may(server, tmp_path, limit):
    server.switch(rates={"reset": 0.2, "500": 0.2})
    requests = [make_request(f"r01-{i:02d}") for i in range(25)]
    answers = ask(tmp_path, requests, **limit)
    settings = RunSettings(**limit)
    spent = sum_spending(exchanges(tmp_path), price_of(settings))
    assert spent.calls <= (settings.max_calls if settings.max_calls is not None else 1e9)
    assert spent.usage.tokens <= (settings.max_tokens or 1e9)
    assert spent.usd <= (1e9 if settings.max_usd is None else settings.max_usd)
    refused = [answer for answer in answers if not answer.is_answered]
    name, value = next(iter(limit.items()))
    told = f"not_asked: --{name.replace('_', '-')} {value:g} leaves no room for another call"
    assert refused
    assert {answer.reason for answer in refused} <= {told, *(a.reason for a in refused if "status 500" in a.reason)}


def test_what_calls_under_way_do_not_use_is_waited_for(server, tmp_path):
    server.switch(latency_seconds=0.02)
    # Each call may cost 16,000 tokens and costs some 1,200: one after the other, all fit.
    answers = ask(tmp_path, [make_request(f"r01-{i}") for i in range(10)], max_tokens=30_000)
    assert all(answer.is_answered for answer in answers)


def test_a_run_taken_up_again_remembers_what_it_spent(server, tmp_path):
    requests = [make_request(f"r01-{i}") for i in range(4)]
    ask(tmp_path, requests[:2], max_calls=3)
    answers = ask(tmp_path, requests, max_calls=3, max_concurrent_calls=1)
    assert [answer.is_answered for answer in answers] == [True, True, True, False]


@given(
    st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 3000), st.booleans()), max_size=30), st.integers(0, 20_000)
)
def test_reserved_and_spent_stay_within_the_limit(calls, limit):
    async def main():
        budget, spent = Budget(RunSettings(max_tokens=limit)), 0
        for most, used, is_billed in calls:
            if await budget.reserve(Usage(input_tokens=most)) is None:
                billed = Usage(input_tokens=min(used, most)) if is_billed else None
                budget.settle(Usage(input_tokens=most), billed)
                spent += billed.tokens if billed else 0
        return spent

    assert asyncio.run(main()) <= limit


def test_limits_without_a_price_are_refused():
    with pytest.raises(UserError, match=r"--max-usd: no price known for model 'local-7b'"):
        check_limits(RunSettings(model="local-7b", max_usd=1))
    with pytest.raises(UserError, match="expected both or neither"):
        check_limits(RunSettings(usd_per_million_input=1))
    check_limits(RunSettings(model="local-7b", max_usd=1, usd_per_million_input=0, usd_per_million_output=0))


def test_prices():
    usage = Usage(input_tokens=1_000_000, output_tokens=100_000, cache_read_tokens=1_000_000)
    assert PRICES["claude-sonnet-5-5"].cost(usage) == pytest.approx(2 + 1 + 0.1)
    haiku = PRICES["claude-haiku-5-5"]
    assert haiku.cost(Usage(input_tokens=100_000)) == pytest.approx(0.01)
    assert haiku.cost(Usage(input_tokens=100_001)) == pytest.approx(0.05, rel=1e-4)
    own = price_of(RunSettings(model="mine", usd_per_million_input=4, usd_per_million_output=8))
    assert (own.cache_read, own.cache_write, own.source) == (4, 5, "settings")


def test_the_default_model_has_a_price_and_is_in_the_sdks_list():
    from typing import get_args

    from anthropic.types import model

    assert RunSettings().model in get_args(get_args(model.Model)[0])
    assert RunSettings().model in PRICES
