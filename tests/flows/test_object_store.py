"""A run on an S3-compatible store: the same bytes, visible by its manifest; credentials from the environment alone."""

import json
from pathlib import Path

import pytest

from adapters.manifest import damaged_files
from adapters.object_path import ObjectPath, location
from adapters.run_folder import RunFolder
from adapters.run_lock import LOCK_FILE
from adapters.storage import read_parquet, sha256_of
from cli.main import main
from tasks.validate import validate_run
from tests.conftest import ECOMMERCE, STORE_SECRET
from tests.flows.running import MANY_BATCHES, digests, start_command

pytestmark = pytest.mark.usefixtures("prefect_api")
OPTIONS = ["--size", "60000", "--set", f"batch_seconds={MANY_BATCHES['batch_seconds']}", "--workers", "2", "--quiet"]


@pytest.fixture(scope="module")
def run(store: str, prefect_api: str) -> ObjectPath:
    """A published run on the store, by the command and two workers."""
    out = f"{store}/runs/shop"
    process = start_command(prefect_api, "run", str(ECOMMERCE), "--out", out, *OPTIONS)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return ObjectPath(out)


def test_the_store_holds_the_same_bytes_as_a_folder(run: ObjectPath, many_batches: Path) -> None:
    found = {str(path.relative_to(run / "dataset")): sha256_of(path) for path in (run / "dataset").rglob("*")}
    assert found == digests(many_batches / "dataset")
    for name in ("manifest.json", "plan.parquet", "proposals.jsonl"):
        assert (run / name).read_bytes() == (many_batches / name).read_bytes()
    names = {path.name for path in run.iterdir()}
    assert names >= {"run.json", "report.html", "validation.json", "aggregates.parquet", "log.jsonl", "expectations"}
    assert not (run / "staging").exists()
    assert not (run / LOCK_FILE).exists()


def test_the_log_is_whole(run: ObjectPath) -> None:
    events = [json.loads(line)["event"] for line in (run / "log.jsonl").read_text().splitlines()]
    assert (events[0], events[-1]) == ("run_started", "report_written")
    assert events.count("batch_committed") == json.loads((run / "run.json").read_text())["batches"]["committed"]


def test_no_object_holds_the_secret(run: ObjectPath) -> None:
    assert not [path for path in run.rglob("*") if STORE_SECRET.encode() in path.read_bytes()]


def test_the_run_can_be_validated_and_is_left_alone_when_run_again(run: ObjectPath) -> None:
    assert validate_run(run, full=True)["success"]
    before = {str(path): sha256_of(path) for path in (run / "dataset").rglob("*")}
    assert main(["run", str(ECOMMERCE), "--out", str(run), *OPTIONS]) == 0
    assert {str(path): sha256_of(path) for path in (run / "dataset").rglob("*")} == before


def test_a_lost_object_is_made_again(run: ObjectPath, prefect_api: str) -> None:
    lost = run / "dataset" / "transaction" / "b000003.parquet"
    before = sha256_of(lost)
    lost.unlink()
    assert damaged_files(RunFolder(run)) == ["dataset/transaction/b000003.parquet"]
    process = start_command(prefect_api, "resume", str(run), "--quiet")
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert sha256_of(lost) == before
    assert damaged_files(RunFolder(run)) == []


def test_a_run_can_become_current_on_the_store(run: ObjectPath, store: str) -> None:
    root = location(f"{store}/published")
    assert main(["publish", str(run), "--to", str(root)]) == 0
    assert json.loads((root / "current.json").read_text())["run"] == str(run)


def test_a_bucket_that_is_not_there_is_one_line(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(ECOMMERCE), "--out", "s3://no-such-bucket/run", "--quiet"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("synthor: ")
    assert told.count("\n") == 1


def test_whatever_looks_at_a_run_looks_at_it_on_the_store(
    run: ObjectPath, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str) -> str:
        assert main([*arguments]) == 0
        return capsys.readouterr().out

    record = read_parquet(run / "dataset" / "transaction" / "b000001.parquet").slice(0, 200)
    (wanted,) = record["transaction_id"].slice(0, 1).to_pylist()
    found = json.loads(told("explain", str(run), "--record", str(wanted), "--json"))
    assert found["proposal"]["reason"]
    cells = json.loads(told("explain", str(run), "--cell", "payment=Cash on Delivery", "--table", "payment", "--json"))
    assert cells[0]["records"] == cells[0]["synthetic"]
    assert "no record was rejected" in told("explain", str(run), "--rejected")
    assert json.loads(told("validate", str(run), "--json"))["success"]
    (run / "report.html").unlink()
    assert told("report", str(run)).strip() == str(run / "report.html")
    assert "</html>" in (run / "report.html").read_text()

    exported = json.loads(told("export", str(run), "--to", str(tmp_path / "csv"), "--json"))
    assert exported["files"][0]["records"] == 60_000
    assert (tmp_path / "csv" / "DATACARD.md").is_file()
    reference = tmp_path / "reference.csv"
    record.drop_columns(["batch_id", "plan_row_id"]).to_pandas().to_csv(reference, index=False)
    given = (
        "--reference",
        f"transaction={reference}",
        "--only",
        "marginals",
        "--resamples",
        "2",
        "--max-records",
        "500",
    )
    assert json.loads(told("evaluate", str(run), *given, "--json"))
    assert {path.name for path in run.iterdir()} >= {"evaluation.json"}
    assert not Path("s3:").exists()
