"""Files that are larger, or stand for more, than a table may hold are refused before memory is."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters import bounded_files
from adapters.bounded_files import bounded_lines, bounded_parquet, check_size
from schemas.errors import ScenarioError


def test_lines_come_as_they_are():
    assert list(bounded_lines(io.StringIO("a\r\nb\nc", newline=""), "f")) == ["a\r\n", "b\n", "c"]


def test_too_long_a_line_and_too_many_are_refused(monkeypatch):
    monkeypatch.setattr(bounded_files, "MAX_LINE", 5)
    monkeypatch.setattr(bounded_files, "MAX_ROWS", 2)
    with pytest.raises(ScenarioError, match="f:2: a line of 5 characters or more"):
        list(bounded_lines(io.StringIO("abc\nabcdef\n"), "f"))
    with pytest.raises(ScenarioError, match="f: more than 2 lines"):
        list(bounded_lines(io.StringIO("a\nb\nc\n"), "f"))


def test_too_large_a_file_is_refused(tmp_path):
    (tmp_path / "f").write_bytes(b"abc")
    check_size(tmp_path / "f", "f", 3)
    with pytest.raises(ScenarioError, match="the file has 3 bytes, expected at most 2"):
        check_size(tmp_path / "f", "f", 2)


def test_parquet_is_read_as_text(tmp_path):
    pq.write_table(pa.table({"zone": ["a ", None, "a "], "count": [1.5, 2, None]}), tmp_path / "f")
    assert bounded_parquet(tmp_path / "f", "f") == {"zone": ["a", "", "a"], "count": ["1.5", "2.0", ""]}


def test_parquet_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    pq.write_table(pa.table({"zone": ["x" * 50] * 100}), tmp_path / "f")
    monkeypatch.setattr(bounded_files, "MAX_TEXT", 49)
    with pytest.raises(ScenarioError, match="texts too long"):
        bounded_parquet(tmp_path / "f", "f")
    monkeypatch.setattr(bounded_files, "MAX_ROWS", 99)
    with pytest.raises(ScenarioError, match=r"100 rows of .* expected at most 99"):
        bounded_parquet(tmp_path / "f", "f")
