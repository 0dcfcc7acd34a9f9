"""The whole path through the real flow: Prefect server, Dask worker processes, parquet files, Great Expectations."""

import json
import re
import shutil
import threading
import time
from pathlib import Path

import pandas as pd
import psutil
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter
from prefect.client.schemas.objects import StateType

from adapters.dataset import read_commits
from adapters.publications import publish_to, read_current
from adapters.run_folder import RunFolder
from flows.states import state_name
from flows.synthesize import synthesize
from schemas.errors import AuditError, BatchError, CorruptionError, UserError
from schemas.settings import RunSettings
from tasks.validate import validate_run
from tests.conftest import ECOMMERCE, VERMONT
from tests.flows.running import MANY_BATCHES, dask_workers, digests, run_flow, start_command, wait_for

pytestmark = pytest.mark.usefixtures("prefect_api")

NARROW = """
name: narrow
size: 1000
entities:
  pair:
    variables:
      low: {type: number, range: [0, 10]}
      high: {type: number, range: [0, 10]}
targets:
  low: {entity: pair, variables: [low], measure: share, file: low.csv}
rules:
  - {name: tiny, entity: pair, then: low + high < 0.5}
"""


def test_published_dataset_meets_every_cell_of_every_table(ecommerce: Path) -> None:
    records = ds.dataset(ecommerce / "dataset" / "transaction").to_table().to_pandas()
    assert len(records) == 2000
    table = pd.read_csv(ECOMMERCE / "targets" / "location_payment.csv")
    wanted = table.set_index(["location_tier", "payment"])["count"]
    found = records.groupby(["location_tier", "payment"], observed=True).size()
    assert (found - wanted).abs().max() == 0
    aggregates = pd.read_parquet(ecommerce / "aggregates.parquet")
    assert aggregates["within"].all()
    assert (aggregates["discrepancy"] == 0).all()


def test_run_json_accounts_for_every_record(ecommerce: Path) -> None:
    run = json.loads((ecommerce / "run.json").read_text())
    assert run["status"] == "published"
    assert run["drawn"] == run["accepted"] + run["rejected"]
    assert run["accepted"] == run["entities"]["transaction"]["records"] == run["size"] == 2000
    assert sum(part["records"] for part in run["rounds"]) == 2000
    assert run["validation"]["success"]
    assert run["durations"]["orchestration_seconds"] >= 0
    names = {path.name for path in ecommerce.iterdir()}
    assert names >= {"report.html", "plan.parquet", "proposals.jsonl", "log.jsonl", "validation.json", "expectations"}
    assert not (ecommerce / "staging").exists()


def test_lineage_leads_from_record_to_proposal(ecommerce: Path) -> None:
    records = ds.dataset(ecommerce / "dataset" / "transaction").to_table().to_pandas()
    plan = pq.read_table(ecommerce / "plan.parquet").to_pandas().set_index("plan_row_id")
    proposals = [json.loads(line) for line in (ecommerce / "proposals.jsonl").read_text().splitlines()]
    drawn = records.groupby("plan_row_id").size()
    assert drawn.sort_index().equals(plan.loc[drawn.index, "records"].sort_index().rename(None))
    named = {proposal["proposal_id"] for proposal in proposals}
    assert set(plan["proposal_id"]) == named
    row = plan.loc[records["plan_row_id"].iloc[0]]
    assert row["gender"] == records["gender"].iloc[0]


def test_merged_aggregates_equal_a_full_recount(many_batches: Path) -> None:
    assert json.loads((many_batches / "run.json").read_text())["batches"]["committed"] > 5
    assert validate_run(many_batches, full=True)["success"]
    commits = read_commits(many_batches / "dataset", RunFolder(many_batches).read_scenario())
    assert sum(commit["records"] for commit in commits) == 60_000


def test_recount_notices_records_that_the_aggregates_do_not_know(many_batches: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(many_batches, run)
    extra = next((run / "dataset" / "transaction").glob("b000002.parquet"))
    shutil.copy(extra, extra.with_name("b000999.parquet"))
    with pytest.raises(CorruptionError, match="committed batches, expected"):
        validate_run(run, full=True)


def test_two_local_workers_write_the_same_bytes_as_one_elsewhere(many_batches: Path, tmp_path: Path) -> None:
    run_flow(ECOMMERCE, tmp_path / "run", workers=2, **MANY_BATCHES)
    assert digests(tmp_path / "run" / "dataset") == digests(many_batches / "dataset")


def test_a_scheduler_that_does_not_answer_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"tcp://127\.0\.0\.1:9: no Dask scheduler answers there"):
        run_flow(ECOMMERCE, tmp_path / "run", dask_address="tcp://127.0.0.1:9")


def test_a_batch_that_always_takes_too_long_fails_the_run_by_name(tmp_path: Path) -> None:
    out = tmp_path / "run"
    one_long_batch = {"batch_seconds": 100, "max_rounds": 1}  # fourteen counties, each solved on its own
    settings = RunSettings(workers=1, **one_long_batch, batch_timeout_seconds=1, batch_retries=0)
    state = synthesize(str(VERMONT), str(out), settings, return_state=True)
    assert (state.type, state.name) == (StateType.FAILED, "BatchFailed")
    assert str(state.message).startswith("batch 1 of round 1 failed: KilledWorker")
    with pytest.raises(BatchError, match="batch 1 of round 1"):
        state.result()
    assert json.loads((out / "run.json").read_text())["status"] == "failed"
    assert not (out / "dataset").exists()


def test_another_random_seed_gives_other_records(ecommerce: Path, scheduler: str, tmp_path: Path) -> None:
    run_flow(ECOMMERCE, tmp_path / "run", random_seed=1, dask_address=scheduler)
    assert digests(tmp_path / "run" / "dataset") != digests(ecommerce / "dataset")


def test_a_killed_worker_changes_nothing(prefect_api: str, many_batches: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--size", "60000", "--set", "batch_seconds=0.006", "--workers", "2", "--quiet"]
    process = start_command(prefect_api, "run", str(ECOMMERCE), "--out", str(out), *options)
    log = out / "log.jsonl"
    wait_for(lambda: log.exists() and log.read_text().count("batch_committed") >= 2)
    workers = dask_workers(process.pid)
    workers[0].kill()
    assert not (out / "dataset").exists(), "the worker was killed too late to matter"
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    assert json.loads((out / "run.json").read_text())["status"] == "published"
    assert digests(out / "dataset") == digests(many_batches / "dataset")


def test_a_batch_that_fails_is_retried_and_counted(scheduler: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    blocker = out / "staging" / "proposals"  # a file where the batch needs a folder: its first attempts fail

    def block_for_a_while() -> None:
        wait_for(lambda: (out / "run.json").exists())
        blocker.parent.mkdir(exist_ok=True)
        blocker.write_text("")
        log = out / "log.jsonl"
        wait_for(lambda: log.exists() and "round_started" in log.read_text())
        time.sleep(5)
        blocker.unlink()

    thread = threading.Thread(target=block_for_a_while)
    thread.start()
    run = run_flow(ECOMMERCE, out, dask_address=scheduler, batch_retries=10, retry_backoff_seconds=0.5)
    thread.join()
    assert run["status"] == "published"
    assert run["batches"]["retried"] == 1


def test_beyond_a_million_records_summaries_are_judged(ecommerce: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.validate.RECORDS_READ", 100)
    verdict = validate_run(ecommerce, full=False)
    assert (verdict["judged"], verdict["success"]) == ("summaries", True)
    assert validate_run(ecommerce, full=True)["judged"] == "records"


def test_a_killed_flow_is_finished_by_running_it_again(prefect_api: str, many_batches: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    options = ["--size", "60000", "--set", "batch_seconds=0.006", "--workers", "1", "--quiet"]
    process = start_command(prefect_api, "run", str(ECOMMERCE), "--out", str(out), *options)
    log = out / "log.jsonl"
    wait_for(lambda: log.exists() and log.read_text().count("batch_committed") >= 2)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    psutil.wait_procs(children, timeout=60)
    assert not (out / "dataset").exists()
    run = run_flow(ECOMMERCE, out, **MANY_BATCHES)
    assert run["batches"]["reused"] >= 2
    assert digests(out / "dataset") == digests(many_batches / "dataset")


def test_running_a_published_run_again_changes_nothing(ecommerce: Path) -> None:
    before = digests(ecommerce)
    assert run_flow(ECOMMERCE, ecommerce)["status"] == "published"
    assert digests(ecommerce) == before


def test_a_published_run_without_its_report_is_closed_when_taken_up(ecommerce: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(ecommerce, run)
    (run / "report.html").unlink()
    (run / "staging").mkdir()
    assert run_flow(ECOMMERCE, run)["status"] == "published"
    assert (run / "report.html").is_file()
    assert not (run / "staging").exists()
    assert digests(run / "dataset") == digests(ecommerce / "dataset")


def test_a_published_run_becomes_the_current_publication(ecommerce: Path, tmp_path: Path) -> None:
    for _ in range(2):
        run_flow(ECOMMERCE, ecommerce, publish_to=str(tmp_path / "root"))
    current = json.loads((tmp_path / "root" / "current.json").read_text())
    assert (current["publication"], current["run"]) == (1, str(ecommerce))
    assert ds.dataset(Path(current["dataset"]) / "transaction").count_rows() == current["records"]["transaction"]


def test_a_run_that_falls_short_of_its_size_is_not_published(scheduler: str, tmp_path: Path) -> None:
    scenario = tmp_path / "narrow"
    scenario.mkdir()
    (scenario / "scenario.yaml").write_text(NARROW)
    (scenario / "low.csv").write_text('low,share\n"[0, 10)",1\n')
    with pytest.raises(AuditError, match="pair: 1 zones hold another number of records than aimed at"):
        run_flow(scenario, tmp_path / "run", dask_address=scheduler, max_redraws=1)
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert run["shortfall"] == 1000 - run["entities"]["pair"]["records"] > 0


def test_shares_of_a_universe_that_nobody_is_in_are_missed(scheduler: str, tmp_path: Path) -> None:
    scenario = tmp_path / "nobody"
    scenario.mkdir()
    table = "low: {entity: pair, variables: [low], universe: low > 5 and low < 3, measure: share, file: low.csv}"
    text = NARROW.split("targets:")[0] + f"targets:\n  {table}\n"
    (scenario / "scenario.yaml").write_text(text)
    (scenario / "low.csv").write_text('low,share\n"[0, 10)",1\n')
    with pytest.raises(AuditError, match="low"):
        run_flow(scenario, tmp_path / "run", dask_address=scheduler)


def test_a_folder_of_another_run_is_refused_and_left_alone(ecommerce: Path, tmp_path: Path) -> None:
    before = digests(ecommerce)
    with pytest.raises(UserError, match="holds a run with random_seed=0, got 7: expected a new folder"):
        run_flow(ECOMMERCE, ecommerce, random_seed=7)
    with pytest.raises(UserError, match="holds a run of another scenario"):
        run_flow(VERMONT, ecommerce)
    assert digests(ecommerce) == before
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match="exists and is no run folder"):
        run_flow(ECOMMERCE, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_failed_audit_is_not_published_and_names_the_cells(ecommerce: Path, scheduler: str, tmp_path: Path) -> None:
    scenario, root = tmp_path / "scenario", tmp_path / "root"
    before = publish_to(RunFolder(ecommerce), root)
    shutil.copytree(ECOMMERCE, scenario)
    table = scenario / "targets" / "payment.csv"
    table.write_text("payment,count\nOnline Payment,2000\nCash on Delivery,0\n")
    out = tmp_path / "run"
    settings = RunSettings(dask_address=scheduler, publish_to=str(root))
    state = synthesize(str(scenario), str(out), settings, return_state=True)
    assert (state.type, state.name) == (StateType.FAILED, "AuditFailed")
    with get_client(sync_client=True) as client:
        shown = client.read_artifacts(flow_run_filter=FlowRunFilter(id={"any_": [state.state_details.flow_run_id]}))
    told = {artifact.key: artifact.data for artifact in shown}
    assert set(told) == {"ecommerce-progress", "ecommerce-summary", "ecommerce-worst-cells"}
    assert str(out / "report.html") in told["ecommerce-summary"]
    assert json.loads(told["ecommerce-worst-cells"])[0]["within"] == "no"
    assert re.fullmatch(r"validation failed \(\d+ expectations?\): (.*: aimed .*, synthetic .*; ){2}.*", state.message)
    with pytest.raises(AuditError, match=r"validation failed .*payment.*aimed"):
        state.result()
    run = json.loads((out / "run.json").read_text())
    assert run["status"] == "failed"
    assert not (out / "dataset").exists()
    assert (out / "staging" / "dataset" / "transaction").is_dir()
    verdict = json.loads((out / "validation.json").read_text())
    assert verdict["missed_cells"][0]["discrepancy"] != 0
    assert verdict["drift"]["previous"]["publication"] == 1
    assert "Where their records come from" in (out / "report.html").read_text()
    assert read_current(root) == before
    assert ds.dataset(Path(before["dataset"]) / "transaction").count_rows() == 2000


def test_a_run_says_how_it_differs_from_the_publication_before(ecommerce: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(ecommerce, run)
    record = json.loads((run / "run.json").read_text())
    settings = record["settings"] | {"publish_to": str(tmp_path / "root"), "max_drift": 0.0, "on_drift": "fail"}
    (run / "run.json").write_text(json.dumps(record | {"settings": settings}))
    assert validate_run(run, full=False)["drift"]["said"].endswith("root: no previous publication")

    publish_to(RunFolder(ecommerce), tmp_path / "root")
    verdict = validate_run(run, full=False)
    assert (verdict["success"], verdict["drift"]["said"]) == (True, "compared with publication 1")
    aggregates = pd.read_parquet(ecommerce / "aggregates.parquet")
    kept = (ecommerce / "aggregates.parquet").read_bytes()
    moved = aggregates["synthetic"].where(aggregates["cell"] != "payment=Online Payment", 0)
    aggregates.assign(synthetic=moved).to_parquet(ecommerce / "aggregates.parquet")
    verdict = validate_run(run, full=False)
    (ecommerce / "aggregates.parquet").write_bytes(b"")
    unreadable = validate_run(run, full=False)
    (ecommerce / "aggregates.parquet").write_bytes(kept)
    assert not verdict["success"]
    assert {failure["suite"] for failure in verdict["failures"]} == {"drift"}
    assert "aggregates.parquet: not readable" in unreadable["failures"][0]["message"]


def test_states_tell_what_failed(prefect_api: str, tmp_path: Path) -> None:
    missing = synthesize(str(tmp_path / "nowhere"), str(tmp_path / "run"), return_state=True)
    assert (missing.name, missing.type) == ("Refused", StateType.FAILED)
    assert "nowhere" in str(missing.message)
    names = [state_name(error("x")) for error in (BatchError, AuditError, UserError, CorruptionError)]
    assert names == ["BatchFailed", "AuditFailed", "Refused", "Failed"]


def test_every_parameter_is_described_where_a_form_is_made_of_it() -> None:
    schema = synthesize.parameters.model_dump()
    settings = schema["definitions"]["RunSettings"]["properties"]
    missing = [name for name, one in {**schema["properties"], **settings}.items() if not one.get("description")]
    assert missing == []


def test_a_flipped_byte_in_a_published_file_is_found(many_batches: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(many_batches, run)
    path = run / "dataset" / "transaction" / "b000001.parquet"
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CorruptionError, match="not readable as parquet"):
        validate_run(run, full=False)
