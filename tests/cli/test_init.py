"""The starter scenario is complete, and is never written over anything."""

import json

from adapters.scenario_files import read_scenario
from cli.main import main
from synthesis.aims import build_aims


def test_the_starter_is_a_scenario_that_can_be_read(tmp_path, capsys):
    assert main(["init", str(tmp_path / "town")]) == 0
    assert f"synthor run {tmp_path / 'town'} --out run" in capsys.readouterr().out
    scenario = read_scenario(tmp_path / "town")
    assert [entity.name for entity in scenario.entities] == ["household", "person"]
    assert build_aims(scenario, None).reconciliations == ()
    assert main(["check", str(tmp_path / "town")]) == 0


def test_the_files_are_told_as_json(tmp_path, capsys):
    assert main(["init", str(tmp_path), "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert str(tmp_path / "scenario.yaml") in files
    assert len(files) == 6


def test_what_is_there_is_left_alone(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"synthor: {tmp_path}: exists already, expected a new or empty folder\n"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
