"""Exchanges on an S3-compatible store: kept before they are used, merged, listed and replayed as in a folder."""

from adapters.llm.exchange_files import MERGED, ExchangeStore
from adapters.manifest import EXCHANGES, damaged_files, write_manifest
from adapters.object_path import ObjectPath
from adapters.run_folder import RunFolder
from adapters.storage import sha256_of, write_json
from tests.adapters.llm.asking import ask, exchanges, make_request
from tests.llm_server import KEY


def test_exchanges_are_kept_merged_and_replayed_on_a_store(server, store, tmp_path):
    run, local = ObjectPath(f"{store}/asked"), tmp_path / "local"
    requests = [make_request(f"r01-{i}") for i in range(2)]
    server.switch("ok", "500")
    answers = ask(run, requests, max_concurrent_calls=1)
    assert [(one.exchange_id, one.fault) for one in exchanges(run)][1:] == [
        ("r01-1.t1.a01", "server_error"),
        ("r01-1.t1.a02", None),
    ]
    asked = server.seen()["asked"]
    ExchangeStore(run).answer_file("r01-0").unlink()
    assert ask(run, requests) == answers
    ExchangeStore(run).merge()
    for name in ("plan.parquet", "proposals.jsonl", "run.json"):
        write_json(run / name, {})
    write_manifest(RunFolder(run), [])
    assert damaged_files(RunFolder(run)) == []
    assert ask(local, requests, replay=run) == answers
    ExchangeStore(local).merge()
    assert sha256_of(local / MERGED) == sha256_of(run / EXCHANGES)
    write_json(run / MERGED, {})
    assert damaged_files(RunFolder(run)) == ["exchanges.jsonl"]
    assert server.seen()["asked"] == asked
    assert not [path for path in run.rglob("*") if KEY.encode() in path.read_bytes()]
