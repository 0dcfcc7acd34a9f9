"""The fuzz campaign in short: damaged and hostile input ends in success or one line."""

from pathlib import Path

import pytest

from benchmarks.fuzz import MOST_BYTES, fault_of, fuzz
from benchmarks.fuzz_hostile import HOSTILE, most_bytes

CHEAP = ("traversal_in_file", "traversal_in_zone", "huge_integer", "infinite_count", "deep_yaml", "alias_bomb")
LARGE = ("gigabyte_line_in_csv", "gigabyte_census", "alias_bomb_in_settings", "zip_bomb_rows", "link_loop")


def test_damaged_input_is_told_in_one_line(tmp_path: Path) -> None:
    found = fuzz(range(64), tmp_path)
    assert found.faults == []
    assert sum(found.ended.values()) == 64
    assert {"check_scenario: refused", "read_reply: done"} <= found.ended.keys()


@pytest.mark.parametrize("name", [*CHEAP, *LARGE])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_hostile_input_is_refused_within_bounded_memory(tmp_path: Path, name: str) -> None:
    outcome, size = most_bytes(HOSTILE[name], tmp_path / "case")
    assert (fault_of(outcome), outcome.code) == ("", 2)
    assert size < MOST_BYTES
