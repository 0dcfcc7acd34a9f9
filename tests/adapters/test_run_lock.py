"""A folder has one owner at a time; a dead owner has let go."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from adapters.run_lock import LOCK_FILE, locked
from schemas.errors import UserError

HOLD = """
import sys, time
from pathlib import Path
from adapters.run_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def held_by_another_process(folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_second_is_told_who_holds_the_folder_and_for_how_long(tmp_path):
    with held_by_another_process(tmp_path) as owner:
        told = rf"{tmp_path}: in use by process {owner.pid} on .+ for \d+ s"
        with pytest.raises(UserError, match=told), locked(tmp_path):
            pass
        assert (tmp_path / LOCK_FILE).is_file(), "the refused one took the owner's lock away"


def test_the_lock_of_a_killed_owner_is_free(tmp_path):
    with held_by_another_process(tmp_path) as owner:
        owner.kill()
        owner.wait()
        assert (tmp_path / LOCK_FILE).is_file()
        with locked(tmp_path):
            assert str(os.getpid()) in (tmp_path / LOCK_FILE).read_text()


def test_one_process_cannot_hold_a_folder_twice(tmp_path):
    with locked(tmp_path), pytest.raises(UserError, match="in use by process"), locked(tmp_path):
        pass


def test_a_folder_can_be_held_again(tmp_path):
    for _ in range(3):
        with locked(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_folders_made_for_nothing_are_removed(tmp_path):
    with locked(tmp_path / "a" / "b"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_folders_that_hold_something_stay(tmp_path):
    with locked(tmp_path / "a" / "b"):
        (tmp_path / "a" / "kept").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["kept"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="is a file, expected a folder"), locked(tmp_path / "file"):
        pass
