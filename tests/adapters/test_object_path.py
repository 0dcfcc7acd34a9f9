"""Paths on an object store answer as local ones do; one owner at a time."""

import os
import pickle
from hashlib import sha256
from pathlib import Path

import pytest

from adapters import object_lock
from adapters.object_path import ObjectPath, location
from adapters.run_folder import RunFolder
from adapters.run_lock import LOCK_FILE, locked
from adapters.storage import replacing, replacing_files, sha256_of, write_json
from schemas.errors import UserError


@pytest.fixture
def folder(store: str, request: pytest.FixtureRequest) -> ObjectPath:
    """A prefix of this test alone."""
    return ObjectPath(f"{store}/{request.node.name}")


def write(path: ObjectPath, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


def test_an_object_appears_whole_or_not_at_all(folder: ObjectPath) -> None:
    path = folder / "a" / "b.txt"
    with pytest.raises(UnicodeEncodeError), replacing(path) as temporary:
        temporary.write_text("half \ud800")
    assert not path.exists()
    write(path, "whole")
    assert (path.read_text(), path.stat().st_size, sha256_of(path)) == ("whole", 5, sha256(b"whole").hexdigest())


def test_files_folders_and_what_is_missing_are_told_apart(folder: ObjectPath) -> None:
    write(folder / "a" / "b.txt", "")
    path = folder / "a"
    assert (path.exists(), path.is_dir(), path.is_file()) == (True, True, False)
    path = folder / "a" / "b.txt"
    assert (path.exists(), path.is_dir(), path.is_file()) == (True, False, True)
    assert not (folder / "a" / "b").exists()
    with pytest.raises(FileNotFoundError):
        (folder / "c").stat()
    with pytest.raises(FileNotFoundError):
        (folder / "c").read_bytes()


def test_objects_are_listed_by_pattern(folder: ObjectPath) -> None:
    for name in ("b.txt", "a.json", "deep/c.txt"):
        write(folder / name, name)
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.txt")) == ["b.txt", "deep/c.txt"]
    assert [path.name for path in folder.glob("*.txt")] == ["b.txt"]
    assert sorted(path.name for path in folder.iterdir()) == ["a.json", "b.txt", "deep"]
    assert list((folder / "nothing").rglob("*")) == []


def test_objects_are_removed(folder: ObjectPath) -> None:
    for name in ("a/1", "a/2", "b"):
        write(folder / name, name)
    (folder / "b").unlink()
    (folder / "b").unlink(missing_ok=True)
    (folder / "a").remove_tree()
    (folder / "a").remove_tree()
    assert not (folder / "a").exists()
    assert list(folder.rglob("*")) == []


def test_a_folder_of_files_is_uploaded(folder: ObjectPath) -> None:
    with replacing_files(folder) as local:
        (local / "a.json").write_text("{}")
    assert (folder / "a.json").read_text() == "{}"


def test_a_path_survives_the_way_to_a_worker(folder: ObjectPath) -> None:
    assert pickle.loads(pickle.dumps(folder / "a")) == folder / "a"


@pytest.mark.parametrize("text", ["s3://", "s3:///key", "s3://key:secret@bucket/a", "s3://Bucket/a"])
def test_only_a_bucket_and_a_prefix_make_a_location(text: str) -> None:
    with pytest.raises(UserError, match="expected a bucket and a prefix") as told:
        location(text)
    assert "secret" not in str(told.value)


def test_what_is_no_address_of_a_store_is_a_local_path() -> None:
    assert location("runs/s3") == Path("runs/s3")


def test_the_log_grows_and_goes_on_after_an_interruption(folder: ObjectPath) -> None:
    RunFolder(folder).log("run_started")
    run = RunFolder(folder)
    for event in ("batch_committed", "batch_committed", "published"):
        run.log(event)
    lines = (folder / "log.jsonl").read_text().splitlines()
    assert [line.split('"event": ')[1].strip('"}') for line in lines] == [
        "run_started",
        "batch_committed",
        "batch_committed",
        "published",
    ]


def test_a_publication_is_visible_by_its_manifest(folder: ObjectPath) -> None:
    run = RunFolder(folder)
    write(run.staged_dataset / "order" / "b000001.parquet", "")  # type: ignore[arg-type, operator]
    assert not run.has_publication()
    write_json(run.manifest, {})
    assert run.has_publication()


def test_one_owner_at_a_time(folder: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    with locked(folder):
        told = rf"{folder}: in use by process {os.getpid()} on .+ for \d+ s"
        with pytest.raises(UserError, match=told), locked(folder):
            pass
        monkeypatch.setattr(object_lock, "DEAD_SECONDS", 0.0)  # as if its owner had been silent for long
        with locked(folder):
            pass
    assert not (folder / LOCK_FILE).exists()
