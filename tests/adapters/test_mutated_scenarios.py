"""However a scenario's files are damaged, reading them yields a scenario or one clear line, and soon."""

import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.scenario_files import read_scenario
from schemas.errors import UserError
from tests.adapters.examples import SHOP, VILLAGE, write_folder

LONGEST_SECONDS = 2
SNIPPETS = (
    *("\t", "\r\n", "\n", ": ", "- ", "? ", "[", "]", "{", "}", ",", "'", '"', "#", "|\n", ">\n", "%", "@", "=", "~"),
    *("&a ", "*a", "<<: ", "!!int ", "---\n", "...\n", "\\", "\\ud800", "\0", "\ufeff", "\u2028", "\xa0", "é"),
    *("-1", "0", "1e999", "nan", ".inf", "0x", "1:1", "9" * 30, "2020-01-01", "2020-99-99", "yes", "null", "+", "<"),
    *("../", "/", "count", "share", "moe", "age", "person.", "any(", "()", "size", "county", "otherwise", "when"),
)

snippets = st.one_of(
    st.sampled_from(SNIPPETS).map(str.encode),
    st.binary(max_size=3),
    st.builds(bytes.__mul__, st.just(b"["), st.just(99)),
)


@st.composite
def mutations(draw, files):
    """One of the files' names, and its content after one to four changes."""
    name = draw(st.sampled_from(sorted(files)))
    content = files[name].encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 12)))
        other = draw(st.integers(0, len(content)))
        put = draw(st.one_of(snippets, st.just(content[other : other + 40])))
        content = content[:start] + put + content[end:]
    return name, content


@st.composite
def line_mutations(draw, files):
    """One of the files' names, and its content with lines lost, repeated and moved."""
    name = draw(st.sampled_from(sorted(files)))
    lines = files[name].encode().splitlines(keepends=True)
    picks = draw(st.lists(st.sampled_from(range(len(lines))), max_size=5))
    for pick in picks:
        line = lines.pop(min(pick, len(lines) - 1)) if lines else b""
        lines[draw(st.integers(0, len(lines))) : 0] = [line] * draw(st.integers(0, 2))
    return name, b"".join(lines)


def complaint(folder):
    """What the reader of a folder complains of, if anything."""
    try:
        assert read_scenario(folder).tables
    except UserError as error:
        return str(error)
    return ""


def check_mutated(files, name, content):
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), files)
        (Path(folder) / name).write_bytes(content)
        started = time.monotonic()
        told = complaint(Path(folder))
        assert time.monotonic() - started < LONGEST_SECONDS
    assert told.isprintable()
    assert len(told) < 1000


@pytest.mark.parametrize("files", [SHOP, VILLAGE], ids=["shop", "village"])
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_mutated_bytes_are_read_or_refused(files, data):
    check_mutated(files, *data.draw(mutations(files)))


@pytest.mark.parametrize("files", [SHOP, VILLAGE], ids=["shop", "village"])
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_mutated_lines_are_read_or_refused(files, data):
    check_mutated(files, *data.draw(line_mutations(files)))
