"""What asking will cost, before the first call."""

from adapters.llm.estimate import count_input, estimate_cost
from schemas.settings import RunSettings
from tests.adapters.llm.asking import ask, exchanges, make_request


def test_the_estimate_bounds_what_is_then_spent(server, tmp_path):
    settings = RunSettings()
    requests = [make_request(f"r01-{i}", proposals=20) for i in range(3)]
    estimate = estimate_cost(settings, requests, 1, 6)
    ask(tmp_path, requests)
    spent = sum(exchange.usage.tokens for exchange in exchanges(tmp_path))
    assert (estimate.calls, estimate.most_calls) == (3, 6)
    assert spent <= estimate.input_tokens + estimate.output_tokens <= estimate.most_tokens
    assert 0 < estimate.usd < estimate.most_usd
    assert count_input(requests) < estimate.input_tokens


def test_limits_bound_the_estimate_and_an_unknown_price_is_said():
    requests = [make_request(f"r01-{i}") for i in range(3)]
    estimate = estimate_cost(RunSettings(max_calls=2, max_tokens=500, max_usd=0.0), requests, 2, 6)
    assert (estimate.calls, estimate.most_calls, estimate.most_tokens, estimate.most_usd) == (2, 2, 500, 0.0)
    unknown = estimate_cost(RunSettings(model="local-7b"), requests, 2, 6)
    assert (unknown.usd, unknown.most_usd, unknown.price) == (None, None, None)


def test_a_server_that_does_not_count_leaves_the_estimate(server, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    assert count_input([make_request()]) is None
