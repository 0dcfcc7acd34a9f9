"""Asking over real HTTP, with every fault a server can show."""

import json

import pytest

from adapters.llm.budget import sum_spending
from adapters.llm.exchange_files import ExchangeStore
from schemas.errors import AccessError
from tests.adapters.llm.asking import ask, exchanges, make_request
from tests.llm_server import KEY


def outcomes(run):
    return [(one.turn, one.attempt, one.fault) for one in exchanges(run)]


def test_an_answer_holds_valid_proposals_with_their_place(server, tmp_path):
    (answer,) = ask(tmp_path, [make_request()])
    assert answer.is_answered
    assert [proposal.source for proposal in answer.proposals] == [f"r01-all.t1.a01/{i}" for i in range(5)]
    assert all(set(proposal.values) >= {"age", "gender", "price"} for proposal in answer.proposals)
    (exchange,) = exchanges(tmp_path)
    assert exchange.reply.model == "simulated-proposer"
    assert exchange.usage.output_tokens > 0


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("429", "rate_limited"),
        ("429-retry-after", "rate_limited"),
        ("429-decades", "rate_limited"),
        ("500", "server_error"),
        ("529", "overloaded"),
        ("reset", "connection"),
        ("malformed", "malformed_response"),
        ("html", "malformed_response"),
        ("wrong-shape", "malformed_response"),
    ],
)
def test_faults_that_pass_are_tried_again(server, tmp_path, fault, name):
    server.switch(fault, fault)
    (answer,) = ask(tmp_path, [make_request()])
    assert len(answer.proposals) == 5
    assert outcomes(tmp_path) == [(1, 1, name), (1, 2, name), (1, 3, None)]


@pytest.mark.parametrize(("fault", "name"), [("400", "bad_request"), ("413", "too_large")])
def test_faults_that_last_are_not_tried_again(server, tmp_path, fault, name):
    server.switch(fault)
    (answer,) = ask(tmp_path, [make_request()])
    assert (answer.is_answered, answer.faults) == (False, {name: 1})
    assert answer.reason == f"{name}: status {fault}: simulated {fault}"
    assert server.seen()["asked"] == 1


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        ("refusal", "refusal"),
        ("empty", "empty"),
        ("prose", "invalid_json"),
        ("not-a-list", "wrong_shape"),
    ],
)
def test_an_unusable_reply_is_asked_for_once_more_with_its_fault(server, tmp_path, fault, name):
    server.switch(fault)
    (answer,) = ask(tmp_path, [make_request()])
    assert (len(answer.proposals), answer.faults) == (5, {name: 1})
    first, second = exchanges(tmp_path)
    assert (first.correction, second.turn) == ("", 2)
    assert "These faults were found" in second.correction
    server.switch(fault, fault)
    (answer,) = ask(tmp_path / "twice", [make_request()])
    assert (answer.is_answered, answer.faults) == (False, {name: 2})
    assert answer.reason == "no valid proposal in two replies"
    assert server.seen()["asked"] == 2


def test_of_a_cut_reply_the_whole_proposals_are_kept(server, tmp_path):
    server.switch("cut")
    (answer,) = ask(tmp_path, [make_request(proposals=10)])
    assert 0 < len(answer.proposals) < 10
    assert answer.faults == {"cut": 1}


def test_invalid_proposals_are_counted_and_replaced(server, tmp_path):
    server.switch(proposer={"invalid_share": 0.5})
    (answer,) = ask(tmp_path, [make_request(proposals=20)])
    assert sum(answer.faults.values()) > 4
    first, second = exchanges(tmp_path)
    assert second.correction.count("- proposal ") == min(sum(answer.faults.values()), 12) or len(answer.proposals) > 10
    assert len(answer.proposals) > 10
    assert len({p.source for p in answer.proposals}) == len(answer.proposals)
    assert {p.source.split("/")[0] for p in answer.proposals} == {first.exchange_id, second.exchange_id}


def test_a_schema_that_is_refused_is_stated_in_the_prompt_from_then_on(server, tmp_path):
    server.switch(rates={"schema": 1.0})
    answers = ask(tmp_path, [make_request()], max_concurrent_calls=1)
    assert len(answers[0].proposals) == 5
    assert [one.is_structured for one in exchanges(tmp_path)] == [True, False]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("401", "the key is not accepted"),
        ("402", "the account cannot pay"),
        ("403", "the key has no permission"),
        ("404", "no model 'claude-sonnet-5-5' there"),
    ],
)
def test_who_is_refused_stops_at_once_with_one_line(server, tmp_path, status, told):
    server.switch(rates={status: 1.0})
    with pytest.raises(AccessError, match=told) as refused:
        ask(tmp_path, [make_request(f"r01-{i}") for i in range(30)])
    assert "\n" not in str(refused.value)
    assert refused.value.__context__ is None
    assert server.seen()["asked"] <= 8


def test_a_slow_server_runs_into_the_time_limits(server, tmp_path):
    server.switch(rates={"slow": 1.0}, slow_seconds=0.5)
    (answer,) = ask(tmp_path / "call", [make_request()], call_timeout_seconds=0.05, call_retries=1)
    assert answer.faults == {"timeout": 1}
    assert [one.fault for one in exchanges(tmp_path / "call")] == ["timeout", "timeout"]
    (answer,) = ask(tmp_path / "request", [make_request()], ask_timeout_seconds=0.1)
    assert answer.faults == {"batch_timeout": 1}


def test_a_server_that_never_serves_is_not_asked_on(server, tmp_path):
    server.switch(rates={"500": 1.0})
    requests = [make_request(f"r01-{i:02d}") for i in range(12)]
    answers = ask(tmp_path, requests, call_retries=1, max_concurrent_calls=2)
    assert not any(answer.is_answered for answer in answers)
    assert server.seen()["asked"] <= 8
    assert answers[-1].reason.startswith("not_asked: the first")


def test_a_server_that_nobody_runs_is_covered(server, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    (answer,) = ask(tmp_path, [make_request()], call_retries=1)
    assert answer.faults == {"connection": 1}
    # What was never sent costs nothing.
    assert sum_spending(exchanges(tmp_path), None).calls == 0


def test_what_is_kept_is_read_not_paid_again(server, tmp_path):
    requests = [make_request(f"r01-{i}") for i in range(3)]
    before = ask(tmp_path, requests)
    assert server.seen()["asked"] == 3
    server.switch(rates={"401": 1.0})
    assert ask(tmp_path, requests) == before
    # A process that died before it wrote its answers finds the exchanges.
    for request in requests:
        ExchangeStore(tmp_path).answer_file(request.request_id).unlink()
    assert ask(tmp_path, requests) == before
    assert server.seen()["asked"] == 0


def test_a_call_in_which_the_process_died_is_counted_and_made_again(server, tmp_path):
    store, request = ExchangeStore(tmp_path), make_request()
    ask(tmp_path / "other", [request])
    (exchange,) = exchanges(tmp_path / "other")
    store.keep(exchange.model_copy(update={"reply": None, "fault": "interrupted"}))
    (answer,) = ask(tmp_path, [request], max_calls=2)
    assert answer.is_answered
    assert outcomes(tmp_path) == [(1, 1, "interrupted"), (1, 2, None)]
    store.answer_file(request.request_id).unlink()
    store.exchange_file("r01-all.t1.a02").unlink()
    (answer,) = ask(tmp_path, [request], max_calls=1)
    assert answer.reason == "not_asked: --max-calls 1 leaves no room for another call"


def test_another_prompt_under_the_same_name_is_asked_anew(server, tmp_path):
    ask(tmp_path, [make_request()])
    ask(tmp_path, [make_request(words="Other words.")])
    assert server.seen()["asked"] == 2
    assert outcomes(tmp_path) == [(1, 1, None), (1, 2, None)]


def test_many_calls_run_at_once_but_not_more_than_allowed(server, tmp_path):
    server.switch(latency_seconds=0.02)
    ask(tmp_path, [make_request(f"r01-{i:03d}", proposals=1) for i in range(40)], max_concurrent_calls=6)
    assert 2 <= server.seen()["most_running"] <= 6


def test_random_faults_never_crash_and_every_request_is_accounted_for(server, tmp_path):
    names = ["400", "413", "429", "429-retry-after", "500", "529", "reset", "malformed", "html", "wrong-shape"]
    names += ["refusal", "empty", "cut", "prose", "not-a-list", "schema", "echo"]
    server.switch(rates=dict.fromkeys(names, 0.04), proposer={"invalid_share": 0.3}, retry_after_seconds=0.01)
    requests = [make_request(f"r01-{i:03d}", proposals=3) for i in range(60)]
    answers = ask(tmp_path, requests, call_retries=3)
    assert [answer.request_id for answer in answers] == [request.request_id for request in requests]
    assert all(bool(answer.reason) != answer.is_answered for answer in answers)
    assert sum(answer.is_answered for answer in answers) > 30
    assert server.seen()["asked"] == len(exchanges(tmp_path))


def test_the_key_is_in_no_file_and_no_message(server, tmp_path, monkeypatch, capfd, caplog):
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Gateway: gateway-secret-42")
    caplog.set_level(0)
    names = ["echo", "429", "reset", "malformed", "html", "wrong-shape", "prose", "500"]
    server.switch(rates=dict.fromkeys(names, 0.1))
    answers = ask(tmp_path, [make_request(f"r01-{i:02d}") for i in range(24)], call_retries=1)
    server.switch(rates={"401": 1.0})
    with pytest.raises(AccessError) as refused:
        ask(tmp_path / "refused", [make_request()])
    output = capfd.readouterr()
    texts = [repr(answers), repr(refused.value), output.out, output.err, caplog.text]
    texts += [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.is_file()]
    assert any("[hidden]" in text for text in texts)
    for secret in (KEY, "gateway-secret-42"):
        assert not any(secret in text for text in texts)


def test_the_server_is_asked_as_the_api_wants_it(server, tmp_path):
    request = make_request(temperature=0.5, effort="low")
    (answer,) = ask(tmp_path, [request])
    (exchange,) = exchanges(tmp_path)
    assert exchange.sampling.temperature == 0.5
    assert json.loads(exchange.reply.text)["proposals"]
    assert answer.exchanges == (exchange.exchange_id,)
