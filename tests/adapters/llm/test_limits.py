"""The adaptive limiter, and how long is waited between attempts."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.llm.anthropic_calls import read_retry_after
from adapters.llm.backoff import backoff_seconds
from adapters.llm.limiter import AdaptiveLimiter

JITTER = st.floats(0, 1, exclude_max=True)


@given(st.integers(1, 60), st.floats(0, 100), st.none() | st.floats(0, 1e12), JITTER)
def test_no_pause_is_above_the_cap(attempt, cap, asked, jitter):
    assert 0 <= backoff_seconds(attempt, cap, asked, jitter) <= cap


@given(st.integers(1, 20), st.floats(0, 30), JITTER)
def test_what_a_server_asks_for_is_waited_at_least(attempt, asked, jitter):
    assert backoff_seconds(attempt, 60, asked, jitter) >= asked


def test_pauses_double():
    assert [backoff_seconds(i, 3, None, 0.0) for i in range(1, 6)] == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "Mon, 01 Jan 1990 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_every_form(headers, seconds):
    assert read_retry_after(headers) == seconds


def test_retry_after_may_be_a_date():
    assert read_retry_after({"retry-after": "Fri, 01 Jan 2100 00:00:00 GMT"}) > 1e8


def test_the_limit_halves_when_overrun_and_recovers():
    async def main():
        limiter = AdaptiveLimiter(8)
        for _ in range(60):
            limiter.succeeded()
        assert limiter.limit == 8
        async with limiter.seat() as began:
            limiter.overrun(began)
            # Those that began before say nothing new.
            limiter.overrun(began - 1)
        assert limiter.limit == 4
        for _ in range(10):
            async with limiter.seat() as began:
                limiter.overrun(began)
        assert limiter.limit == 1
        for _ in range(40):
            limiter.succeeded()
        assert limiter.limit == 8

    asyncio.run(main())


def test_never_more_than_the_limit_run_and_a_pause_holds_all():
    async def main():
        limiter, running, most = AdaptiveLimiter(3), 0, 0

        async def work():
            nonlocal running, most
            async with limiter.seat():
                running += 1
                most = max(most, running)
                await asyncio.sleep(0.001)
                running -= 1

        await asyncio.gather(*(work() for _ in range(20)))
        assert most == 3
        loop = asyncio.get_running_loop()
        limiter.overrun(loop.time(), pause_seconds=0.05)
        paused = loop.time()
        async with limiter.seat():
            assert loop.time() - paused >= 0.045

    asyncio.run(main())


def test_a_cancelled_wait_frees_its_place():
    async def main():
        limiter = AdaptiveLimiter(1)
        async with limiter.seat():
            waiting = asyncio.create_task(limiter.seat().__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        async with asyncio.timeout(1), limiter.seat():
            pass

    asyncio.run(main())
