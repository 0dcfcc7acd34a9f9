"""Small files appear whole or not at all."""

import hashlib
import json
from pathlib import Path

import pytest

from adapters.storage import make_folder, replacing, sha256_of, write_json
from schemas.errors import UserError


def write_half(path, error):
    with replacing(path) as temporary:
        temporary.write_text("half", encoding="utf-8")
        raise error


def test_file_appears_only_when_the_block_ends(tmp_path):
    path = tmp_path / "new" / "folder" / "file.txt"
    with replacing(path) as temporary:
        temporary.write_text("whole", encoding="utf-8")
        assert not path.exists()
        assert temporary.parent == path.parent
        assert temporary.name.startswith(".")
    assert path.read_text(encoding="utf-8") == "whole"
    assert list(path.parent.iterdir()) == [path]


def test_file_that_was_there_stays_until_it_is_replaced(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old", encoding="utf-8")
    with replacing(path) as temporary:
        temporary.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failing_block_leaves_nothing_new(tmp_path, error):
    path = tmp_path / "file.txt"
    path.write_text("old", encoding="utf-8")
    with pytest.raises(error):
        write_half(path, error)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text(encoding="utf-8") == "old"


def test_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "file.txt"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_json_round_trip(tmp_path):
    value = {"text": "Grüße\n", "number": 0.1, "none": None, "list": [1, {"a": True}]}
    write_json(tmp_path / "a.json", value)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == value
    assert "Grüße" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {"a": {1, 2}}])
def test_what_json_cannot_hold_replaces_nothing(tmp_path, value):
    write_json(tmp_path / "a.json", 1)
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "a.json", value)
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


def test_sha256_is_that_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 1000
    (tmp_path / "a").write_bytes(content)
    assert sha256_of(tmp_path / "a") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(("folder", "message"), [("/proc/none", "cannot write here"), ("s3://b/x", "a local folder")])
def test_a_folder_that_cannot_be_is_refused(folder, message):
    with pytest.raises(UserError, match=message):
        make_folder(Path(folder))
