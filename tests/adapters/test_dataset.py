"""A dataset read back holds what was committed, and nothing else."""

import shutil

import pytest

from adapters.dataset import partition_frames, read_commits
from schemas.errors import CorruptionError
from tests.adapters.conftest import write_ids


def test_commits_come_in_batch_order_with_their_file(commit_batch, village):
    batches = {batch_id: commit_batch(batch_id) for batch_id in (12, 3, 7)}
    commits = read_commits(batches[3].dataset, village)
    assert [commit["batch_id"] for commit in commits] == [3, 7, 12]
    assert commits[0] == batches[3].commit | {"file": batches[3].files.commit}


def test_empty_dataset_has_no_commits(tmp_path, village):
    assert read_commits(tmp_path, village) == []


@pytest.mark.parametrize(
    "name",
    ["person/county=01/b000002.parquet", "household/county=02/b000002.parquet", "household/county=03/b000001.parquet"],
)
def test_file_that_no_commit_names_is_refused(commit_batch, village, name):
    dataset = commit_batch(1).dataset
    write_ids(dataset / name, 1)
    with pytest.raises(CorruptionError, match=f"{name}: belongs to no committed batch"):
        read_commits(dataset, village)


def test_unfinished_files_are_not_part_of_it(commit_batch, village):
    batch = commit_batch(1)
    shutil.copy(batch.last, batch.last.with_name(".b000002.parquet.99.tmp"))
    assert len(read_commits(batch.dataset, village)) == 1


def test_files_of_a_batch_whose_commit_is_gone_are_refused(commit_batch, village):
    commit_batch(1)
    batch = commit_batch(2)
    batch.last.unlink()
    with pytest.raises(CorruptionError, match="belongs to no committed batch"):
        read_commits(batch.dataset, village)


def test_missing_file_is_refused(commit_batch, village):
    batch = commit_batch(1)
    (batch.dataset / batch.files.others[0]).unlink()
    with pytest.raises(CorruptionError, match="missing, although batch 1 is committed"):
        read_commits(batch.dataset, village)


def test_altered_file_is_refused(commit_batch, village):
    batch = commit_batch(1)
    write_ids(batch.dataset / batch.files.others[0], 5)
    with pytest.raises(CorruptionError, match="its content is not what batch 1 committed"):
        read_commits(batch.dataset, village)


@pytest.mark.parametrize("content", [b"", b"not parquet at all", b"PAR1" + bytes(100) + b"PAR1"])
def test_root_file_that_is_no_parquet_is_refused(commit_batch, village, content):
    batch = commit_batch(1)
    batch.last.write_bytes(content)
    with pytest.raises(CorruptionError, match="not readable as parquet"):
        read_commits(batch.dataset, village)


def test_frames_come_partition_by_partition_with_the_zone_in_their_name(commit_batch, village):
    commit_batch(1)
    frames = list(partition_frames(commit_batch(2).dataset, village))
    zones = ["county=01/b000001", "county=01/b000002", "county=02/b000001", "county=02/b000002"]
    assert [frame.name for frame in frames] == zones
    assert frames[1].root["id"].tolist() == frames[1].members["id"].tolist() == [2, 3, 4]
    assert list(frames[0].root.columns) == ["id"], "the zone is in the name only"
