"""A batch's files appear whole, its commit last; a commit whose files are not what it says is refused."""

import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.partitions import FOOTER_KEY, PartitionWriter, batch_files, dataset_files, read_commit, verify_commit
from adapters.scenario_files import read_scenario
from adapters.storage import sha256_of
from schemas.errors import CorruptionError
from tests.adapters.conftest import write_ids
from tests.adapters.examples import SHOP, write_folder

IDS = pa.table({"id": pa.array([1, 2, 3], pa.int64())})


def everything_in(folder):
    return [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]


def test_file_appears_only_when_it_is_closed(tmp_path):
    path = tmp_path / "person" / "b000001.parquet"
    writer = PartitionWriter(path, IDS.schema)
    writer.write(IDS)
    digest = writer.finish()
    assert not path.exists()
    assert list(dataset_files(tmp_path, "person")) == []
    writer.reveal()
    assert sha256_of(path) == digest
    assert pq.read_table(path).equals(IDS)
    assert everything_in(tmp_path) == ["person/b000001.parquet"]


def test_row_groups_are_appended_in_order(tmp_path):
    writer = PartitionWriter(tmp_path / "a.parquet", IDS.schema)
    for _ in range(3):
        writer.write(IDS)
    writer.finish()
    writer.reveal()
    assert pq.read_table(tmp_path / "a.parquet")["id"].to_pylist() == [1, 2, 3] * 3
    assert pq.read_metadata(tmp_path / "a.parquet").num_row_groups == 3


def test_file_without_records_can_be_read(tmp_path):
    writer = PartitionWriter(tmp_path / "a.parquet", IDS.schema)
    writer.finish()
    writer.reveal()
    assert pq.read_table(tmp_path / "a.parquet").equals(IDS.slice(0, 0))


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), OSError("disk full")])
def test_discarded_writer_leaves_nothing(tmp_path, error):
    writer = PartitionWriter(tmp_path / "a.parquet", IDS.schema)
    writer.write(IDS)
    writer.discard(error)
    assert everything_in(tmp_path) == []


def test_discarding_a_closed_writer_keeps_its_file(tmp_path):
    writer = PartitionWriter(tmp_path / "a.parquet", IDS.schema)
    writer.write(IDS)
    writer.finish()
    writer.reveal()
    writer.discard(ValueError("of another writer"))
    assert pq.read_table(tmp_path / "a.parquet").equals(IDS)


def test_another_attempt_replaces_what_an_earlier_one_left(tmp_path):
    write_ids(tmp_path / "a.parquet", 1)
    write_ids(tmp_path / "a.parquet", 100)
    assert pq.read_table(tmp_path / "a.parquet")["id"].to_pylist() == [100, 101, 102]


def test_temporary_file_of_a_killed_attempt_is_not_part_of_the_dataset(tmp_path):
    write_ids(tmp_path / "person" / "b000001.parquet", 1)
    (tmp_path / "person" / ".b000002.parquet.77.tmp").write_bytes(b"half")
    (tmp_path / "person" / ".b000003.parquet").write_bytes(b"half")
    assert [path.name for path in dataset_files(tmp_path, "person")] == ["b000001.parquet"]


def test_footer_that_json_cannot_hold_makes_no_file(tmp_path):
    writer = PartitionWriter(tmp_path / "a.parquet", IDS.schema)
    with pytest.raises(ValueError, match="JSON") as caught:
        writer.finish({"share": float("nan")})
    writer.discard(caught.value)
    assert everything_in(tmp_path) == []


def test_members_are_written_before_the_root_and_the_commit_last(village):
    files = batch_files(village, 7, ("01", "02"))
    assert files.others == [
        "person/county=01/b000007.parquet",
        "household/county=01/b000007.parquet",
        "person/county=02/b000007.parquet",
    ]
    assert files.commit == "household/county=02/b000007.parquet"


def test_batch_without_zones_has_no_partition_folder(tmp_path):
    files = batch_files(read_scenario(write_folder(tmp_path, SHOP)), 7, ("",))
    assert (files.commit, files.others) == ("order/b000007.parquet", [])


@pytest.mark.parametrize(
    ("zone", "folder"), [("St. Ash", "St. Ash"), ("a=b", "a%3Db"), ("50%", "50%25"), ("é", "%C3%A9")]
)
def test_zone_names_are_quoted_in_folder_names(village, zone, folder):
    assert batch_files(village, 1, (zone,)).commit == f"household/county={folder}/b000001.parquet"


def test_commit_round_trip(commit_batch):
    batch = commit_batch(1)
    commit = read_commit(batch.dataset, batch.files)
    assert commit == batch.commit
    verify_commit(batch.dataset, batch.files, commit)


def test_commit_is_plain_json_in_the_footer(commit_batch):
    stored = pq.read_metadata(commit_batch(1).last).metadata[FOOTER_KEY]
    assert json.loads(stored)["text"] == "Grüße"


def test_batch_without_its_last_file_is_not_committed(commit_batch):
    batch = commit_batch(1)
    batch.last.unlink()
    assert read_commit(batch.dataset, batch.files) is None


def test_last_file_without_a_commit_is_refused(commit_batch):
    batch = commit_batch(1)
    write_ids(batch.last, 1)
    with pytest.raises(CorruptionError, match="the footer holds no commit"):
        read_commit(batch.dataset, batch.files)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all", b"PAR1" + bytes(100) + b"PAR1"])
def test_last_file_that_is_no_parquet_is_refused(commit_batch, content):
    batch = commit_batch(1)
    batch.last.write_bytes(content)
    with pytest.raises(CorruptionError, match="not readable as parquet") as caught:
        read_commit(batch.dataset, batch.files)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[1]", b'{"batch_id": 1}'])
def test_commit_that_cannot_be_told_is_refused(commit_batch, content):
    batch = commit_batch(1)
    pq.write_table(pa.table({"id": [1]}).replace_schema_metadata({FOOTER_KEY: content}), batch.last)
    with pytest.raises(CorruptionError, match="the commit in its footer is damaged"):
        read_commit(batch.dataset, batch.files)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_flipped_bit_is_found(commit_batch, position):
    batch = commit_batch(1)
    path = batch.dataset / batch.files.others[position]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptionError, match=f"{path}: its content is not what batch 1 committed"):
        verify_commit(batch.dataset, batch.files, batch.commit)


def test_truncated_file_is_found(commit_batch):
    batch = commit_batch(1)
    path = batch.dataset / batch.files.others[0]
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(CorruptionError, match="its content is not what batch 1 committed"):
        verify_commit(batch.dataset, batch.files, batch.commit)


def test_missing_file_is_found(commit_batch):
    batch = commit_batch(1)
    (batch.dataset / batch.files.others[2]).unlink()
    with pytest.raises(CorruptionError, match="missing, although batch 1 is committed"):
        verify_commit(batch.dataset, batch.files, batch.commit)


def test_file_that_the_commit_does_not_name_is_found(commit_batch):
    batch = commit_batch(1)
    with pytest.raises(CorruptionError, match="its content is not what batch 1 committed"):
        verify_commit(batch.dataset, batch.files, batch.commit | {"files": {}})
