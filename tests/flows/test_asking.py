"""The flow with a proposer that is asked: what is kept, replayed, told, and never told."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import LocalCluster
from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

from adapters.storage import sha256_of
from schemas.errors import AccessError, CorruptionError, UserError
from tests.conftest import ECOMMERCE
from tests.flows.running import digests, run_flow
from tests.llm_server import KEY, _server, server

__all__ = ["_server", "server"]
FAULTS = ("429", "500", "reset", "malformed", "refusal", "cut", "echo", "html")


def texts_of(folder):
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in folder.rglob("*") if path.is_file())


def database_text():
    """Everything Prefect has stored of the runs: parameters, states, results, artifacts."""
    path = Path(PREFECT_API_DATABASE_CONNECTION_URL.value().split("///", 1)[1])
    stored = b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
    assert b"synthesize" in stored
    return stored.decode("utf-8", "replace")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a Dask cluster with one worker, for all runs here."""
    with LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
        yield cluster.scheduler_address


@pytest.mark.usefixtures("prefect_api")
def test_a_run_asks_keeps_and_replays(server, scheduler, tmp_path, monkeypatch, capfd):
    server.switch("ok", "echo", rates=dict.fromkeys(FAULTS, 0.05), proposer={"invalid_share": 0.3})
    here = {"workers": None, "dask_address": scheduler}
    # Two calls' proposals alone meet no targets: what is tested is where records come from.
    alone = {"chain_share": 0.0, "publish_anyway": True}
    quick = here | {"size": 2000, "max_backoff_seconds": 0.05, "max_calls": 12, **alone}
    run = run_flow(ECOMMERCE, tmp_path / "run", proposer="anthropic", **quick)
    llm, asked = run["llm"], (tmp_path / "run/exchanges.jsonl").read_text(encoding="utf-8").splitlines()
    assert (run["status"], llm["requests"], llm["covered_offline"]) == ("published", 2, 1)
    assert llm["reasons"][0].startswith("r01-g000: bad_request: status 400")
    assert [one["round"] for one in llm["rounds"]] == [0, 1, 2]
    assert llm["calls"] == sum(one["calls"] for one in llm["rounds"]) <= 12
    assert run["reply_share"] == pytest.approx(1920 / 2000)
    assert run["dependencies"]["groups"][0]["status"] == "published"
    proposed = [json.loads(line) for line in (tmp_path / "run/proposals.jsonl").read_text("utf-8").splitlines()]
    known = {json.loads(line)["exchange_id"] for line in asked}
    assert {one["exchange_id"] for one in proposed if one["proposer"] == "anthropic"} <= known
    assert llm["usd"] > 0
    assert llm["server"] == server.address.removeprefix("http://")
    assert len(asked) == server.seen()["asked"]
    assert {json.loads(line)["digest"] for line in asked} != {""}

    monkeypatch.delenv("ANTHROPIC_API_KEY")
    server.switch()
    again = run_flow(ECOMMERCE, tmp_path / "again", proposer=f"replay:{tmp_path / 'run'}", size=2000, **alone, **here)
    assert server.seen()["asked"] == 0
    assert digests(tmp_path / "again/dataset") == digests(tmp_path / "run/dataset")
    assert (tmp_path / "again/exchanges.jsonl").read_bytes() == (tmp_path / "run/exchanges.jsonl").read_bytes()
    listed = {one["path"]: one["sha256"] for one in json.loads((tmp_path / "again/manifest.json").read_text())["files"]}
    assert listed["exchanges.jsonl"] == sha256_of(tmp_path / "run/exchanges.jsonl")
    assert (again["llm"]["calls"], again["llm"]["usd"], again["llm"]["replayed"]) == (0, 0.0, len(asked))

    with (tmp_path / "again/exchanges.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(CorruptionError, match="replies cannot be made again"):
        run_flow(ECOMMERCE, tmp_path / "again", proposer=f"replay:{tmp_path / 'run'}", size=2000, **alone, **here)

    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    server.switch()
    told = {
        "context": "Everybody pays by Cash on Delivery.",
        "context_strength": 1.0,
        "relax": "payment,location_payment",
    }
    given = {"size": 2000, "n_joints": 0, "without": str(tmp_path / "run"), **told, **alone, **here}
    what_if = run_flow(ECOMMERCE, tmp_path / "what-if", proposer="anthropic", **given)["what_if"]
    (payment,) = (one for one in what_if["shifts"] if one["variables"] == ["payment"])
    assert (what_if["relaxed"], payment["pinned_by"]) == (["location_payment", "payment"], [])
    assert payment["tvd"] > max(0.2, payment["noise"])
    report = (tmp_path / "what-if/report.html").read_text(encoding="utf-8")
    assert told["context"] in report
    assert f"Shifts from the run without it ({tmp_path / 'run'})" in report

    server.switch(rates={"401": 1.0})
    with pytest.raises(AccessError, match="the key is not accepted"):
        run_flow(ECOMMERCE, tmp_path / "refused", proposer="anthropic", size=2000, **here)
    failed = json.loads((tmp_path / "refused/run.json").read_text(encoding="utf-8"))
    assert failed["status"] == "failed"
    assert "the key is not accepted" in failed["failure"]

    output = capfd.readouterr()
    everything = texts_of(tmp_path) + database_text() + output.out + output.err
    assert "[hidden]" in everything
    assert KEY not in everything


@pytest.mark.usefixtures("prefect_api")
def test_without_a_key_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    with pytest.raises(UserError, match="no key, expected ANTHROPIC_API_KEY"):
        run_flow(ECOMMERCE, tmp_path / "run", proposer="anthropic")
    assert not (tmp_path / "run").exists()
