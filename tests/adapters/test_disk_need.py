"""The disk that a run needs is known before it begins, and a disk without room is refused in one line."""

import shutil
from pathlib import Path

import pytest

from adapters.disk_need import check_disk, mean_members, needed_bytes
from adapters.scenario_files import read_scenario
from cli.main import main
from schemas.errors import UserError
from tests.conftest import ECOMMERCE, VERMONT


@pytest.fixture
def room_for(monkeypatch):
    def so_much(free):
        usage = shutil.disk_usage("/")._replace(free=free)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    return so_much


def test_the_need_grows_with_the_records():
    scenario = read_scenario(ECOMMERCE)
    once, twice = (needed_bytes(scenario, records) - needed_bytes(scenario, 0) for records in (10**7, 2 * 10**7))
    assert twice == pytest.approx(2 * once, abs=1)
    assert 5 < once / 10**7 < 50


def test_members_are_reckoned_with():
    assert 2 < mean_members(read_scenario(VERMONT)) < 3


@pytest.mark.parametrize("out", ["run", "a/b/run"])
def test_a_disk_without_room_is_refused_and_nothing_is_written(tmp_path, room_for, capsys, out):
    room_for(200_000_000)
    assert main(["run", str(ECOMMERCE), "--size", "100000000", "--out", str(tmp_path / out)]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "need about" in told
    assert "200 MB are free" in told
    assert not list(tmp_path.iterdir())


def test_what_is_there_already_is_not_needed_again(tmp_path: Path, room_for):
    scenario = read_scenario(ECOMMERCE)
    room_for(needed_bytes(scenario, 10**6) - 1_000_000)
    with pytest.raises(UserError, match="need about"):
        check_disk(tmp_path, scenario, 10**6)
    (tmp_path / "part").write_bytes(bytes(1_000_001))
    check_disk(tmp_path, scenario, 10**6)
