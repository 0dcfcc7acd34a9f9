"""A run's exchanges instead of a server."""

import json

import pytest

from adapters.llm.exchange_files import ExchangeStore, read_run_exchanges
from schemas.errors import CorruptionError, ReplayError, UserError
from tests.adapters.llm.asking import ask, exchanges, make_request


@pytest.fixture
def recorded(server, tmp_path):
    """A run with faults of every kind; its requests and answers."""
    server.switch("ok", "429", "refusal", "400", proposer={"invalid_share": 0.3})
    requests = [make_request(f"r01-{i}", proposals=8) for i in range(6)]
    run = tmp_path / "recorded"
    answers = ask(run, requests, max_concurrent_calls=1, max_calls=5)
    (run / "run.json").write_text("{}", encoding="utf-8")
    return run, requests, answers


def test_a_replay_needs_neither_server_nor_key(recorded, server, tmp_path, monkeypatch):
    run, requests, answers = recorded
    assert {answer.is_answered for answer in answers} == {True, False}
    ExchangeStore(run).merge()
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    server.switch()
    assert ask(tmp_path / "again", requests, replay=run, proposer=f"replay:{run}") == answers
    assert server.seen()["asked"] == 0
    ExchangeStore(tmp_path / "again").merge()
    assert (tmp_path / "again/exchanges.jsonl").read_bytes() == (run / "exchanges.jsonl").read_bytes()


def test_an_interrupted_run_can_be_replayed_and_a_replay_too(recorded, tmp_path):
    run, requests, answers = recorded
    again = tmp_path / "again"
    assert ask(again, requests, replay=run) == answers
    (again / "run.json").write_text("{}", encoding="utf-8")
    assert ask(tmp_path / "third", requests, replay=again) == answers


def test_a_changed_prompt_is_an_error_that_shows_the_difference(recorded, tmp_path):
    run, requests, _ = recorded
    changed = make_request(requests[0].request_id, proposals=8, words="Propose other purchases.")
    with pytest.raises(ReplayError, match=r"the prompt of r01-0 has changed") as refused:
        ask(tmp_path / "again", [changed], replay=run)
    assert refused.value.difference.splitlines()[:5] == [
        "--- replayed",
        "+++ now",
        "@@ -1,2 +1,2 @@",
        "-Propose purchases.",
        "+Propose other purchases.",
    ]


def test_a_long_difference_is_bounded(recorded, tmp_path):
    run, _, _ = recorded
    words = "\n".join(f"line {i} " + "x" * 500 for i in range(300))
    with pytest.raises(ReplayError) as refused:
        ask(tmp_path / "again", [make_request("r01-0", proposals=8, words=words)], replay=run)
    lines = refused.value.difference.splitlines()
    assert len(lines) == 41
    assert lines[-1].startswith("... and ")
    assert max(map(len, lines)) <= 160


def test_what_was_never_asked_cannot_be_replayed(recorded, tmp_path):
    run, _, _ = recorded
    with pytest.raises(ReplayError, match="asked nothing like r09-all"):
        ask(tmp_path / "again", [make_request("r09-all")], replay=run)


def test_a_run_that_cannot_be_replayed_is_refused(tmp_path):
    with pytest.raises(UserError, match="no run there"):
        read_run_exchanges(tmp_path / "nowhere")
    (tmp_path / "run.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match="that run kept no exchanges"):
        read_run_exchanges(tmp_path)
    (tmp_path / "exchanges.jsonl").write_text('{"half":', encoding="utf-8")
    with pytest.raises(CorruptionError, match=r"exchanges.jsonl:1: not an exchange"):
        read_run_exchanges(tmp_path)


def test_exchanges_are_merged_in_order_and_once(recorded):
    run, _, _ = recorded
    store = ExchangeStore(run)
    store.merge()
    lines = (run / "exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    ids = [json.loads(line)["exchange_id"] for line in lines]
    assert ids == sorted(ids) == [one.exchange_id for one in exchanges(run)]
    store.merge()
    assert (run / "exchanges.jsonl").read_text(encoding="utf-8").splitlines() == lines
