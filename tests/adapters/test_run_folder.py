"""A run folder keeps what a run writes, whole, and says clearly what it does not hold."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.run_folder import RunFolder, write_table
from adapters.storage import write_json
from schemas.errors import RunError, UserError
from synthesis.aggregates import no_counts
from tests.adapters.examples import VILLAGE


def write_part(run, plan_id, rows):
    """The files of one plan."""
    write_table(run.plan_file(plan_id), pa.table({"plan_row_id": rows}))
    write_json(
        run.proposals_file(plan_id), {"proposals": [{"proposal_id": f"p{plan_id}-{number}"} for number in range(2)]}
    )


def test_run_record_round_trip(run):
    run.write_run({"status": "running", "text": "Grüße"})
    assert run.read_run() == {"status": "running", "text": "Grüße"}


def test_folder_without_a_run_is_told(run):
    with pytest.raises(UserError) as caught:
        run.read_run()
    assert str(caught.value) == f"{run.root}: no run here (expected a folder with run.json)"


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"a": 1'])
def test_broken_run_record_is_told_in_one_line(run, content):
    run.root.mkdir()
    (run.root / "run.json").write_bytes(content)
    with pytest.raises(UserError, match=r"run\.json: not readable as JSON") as caught:
        run.read_run()
    assert str(caught.value).isprintable()


def test_run_record_that_is_a_folder_is_told(run):
    (run.root / "run.json").mkdir(parents=True)
    with pytest.raises(UserError, match=r"run\.json: not readable as JSON"):
        run.read_run()


def test_run_record_with_what_json_cannot_hold_leaves_the_old_one(run):
    run.write_run({"status": "running"})
    with pytest.raises(ValueError, match="JSON"):
        run.write_run({"seconds": float("nan")})
    assert run.read_run() == {"status": "running"}


def test_log_is_one_line_of_json_per_event(run):
    run.root.mkdir()
    run.log("round_started", round=1, note="two\nlines, Grüße")
    run.log("published")
    first, second = [json.loads(line) for line in (run.root / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (first["event"], first["round"], first["note"]) == ("round_started", 1, "two\nlines, Grüße")
    assert first["time"] <= second["time"]
    assert first["time"].endswith("+00:00")


def test_copy_of_the_scenario_is_the_same_scenario(run, village, village_folder):
    (village_folder / "notes.txt").write_text("not an input", encoding="utf-8")
    run.copy_scenario(village_folder)
    assert run.read_scenario().fingerprint == village.fingerprint
    copied = {path.relative_to(run.scenario).as_posix() for path in run.scenario.rglob("*") if path.is_file()}
    assert copied == set(VILLAGE)


def test_copy_does_not_follow_later_changes(run, village, village_folder):
    run.copy_scenario(village_folder)
    (village_folder / "scenario.yaml").write_text("broken", encoding="utf-8")
    assert run.read_scenario().fingerprint == village.fingerprint


def test_counts_round_trip(run, village):
    counts = no_counts(village)
    counts["size"][:] = np.arange(6) + 2**40
    run.write_counts(2, counts)
    found = run.read_counts(2)
    assert set(found) == set(counts)
    for name, array in found.items():
        np.testing.assert_array_equal(array, counts[name])
        assert array.dtype == np.int64


def test_records_are_the_staged_ones_until_they_are_published(run):
    run.staged_dataset.mkdir(parents=True)
    (run.staged_dataset / "a.parquet").touch()
    assert run.records == run.staged_dataset
    run.publish()
    assert run.records == run.dataset
    assert [path.name for path in run.dataset.iterdir()] == ["a.parquet"]
    assert not run.staged_dataset.exists()


def test_publishing_again_changes_nothing(run):
    run.staged_dataset.mkdir(parents=True)
    run.publish()
    run.publish()
    assert run.dataset.is_dir()


def test_published_dataset_is_never_replaced(run):
    run.dataset.mkdir(parents=True)
    run.staged_dataset.mkdir(parents=True)
    with pytest.raises(RunError, match="exists beside a staged dataset"):
        run.publish()


def test_staging_can_be_cleared_whatever_it_holds(run):
    write_part(run, 0, [1])
    run.write_run({"status": "published"})
    run.clear_staging()
    run.clear_staging()
    assert [path.name for path in run.root.iterdir()] == ["run.json"]


def test_plans_are_merged_in_order(run):
    for plan_id, rows in ((0, [1, 2]), (4, [3])):
        write_part(run, plan_id, rows)
    run.merge_plans([4, 0])
    assert pq.read_table(run.plan)["plan_row_id"].to_pylist() == [3, 1, 2]
    proposals = run.proposals.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["proposal_id"] for line in proposals] == ["p4-0", "p4-1", "p0-0", "p0-1"]


def test_merging_plans_again_changes_nothing(run):
    write_part(run, 0, [1])
    run.merge_plans([0])
    run.plan_file(0).unlink()
    run.merge_plans([0])
    assert pq.read_table(run.plan)["plan_row_id"].to_pylist() == [1]


def test_plans_that_cannot_be_merged_leave_nothing_half(run):
    write_part(run, 0, [1])
    write_table(run.plan_file(1), pa.table({"another": [2]}))
    with pytest.raises((ValueError, OSError)):
        run.merge_plans([0, 1])
    assert not run.plan.exists()
    assert [path for path in run.root.iterdir() if path.suffix == ".tmp"] == []


def test_what_a_killed_worker_left_half_written_is_not_published(run):
    staged = run.staged_dataset / "household" / "county=01"
    staged.mkdir(parents=True)
    (staged / "b000001.parquet").write_bytes(b"whole")
    (staged / ".b000001.parquet.77.tmp").write_bytes(b"half")
    run.quarantine.mkdir()
    (run.quarantine / ".p000001.parquet.77.tmp").write_bytes(b"half")
    run.publish()
    files = [path.relative_to(run.root) for path in run.root.rglob("*") if path.is_file()]
    assert sorted(map(str, files)) == ["dataset/household/county=01/b000001.parquet"]


def test_table_is_written_whole(tmp_path):
    write_table(tmp_path / "new" / "a.parquet", pa.table({"a": [1]}))
    assert pq.read_table(tmp_path / "new" / "a.parquet")["a"].to_pylist() == [1]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.parquet"]


def test_paths_lie_in_the_folder(tmp_path):
    run = RunFolder(tmp_path)
    paths = [run.plan_file(1), run.proposals_file(1), run.counts_file(1), run.staged_dataset, run.report]
    assert all(path.is_relative_to(tmp_path) for path in paths)
