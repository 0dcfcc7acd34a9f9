"""`synthor import` as a user meets it: what it prints, what it refuses, and that the documentation's commands work."""

import json
import re
import shlex
from pathlib import Path

import pytest

from cli.main import main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
PAGE = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines() if line]
GROUP = ["populationsim", "census-table", "table"]


def refuse(capsys, *arguments):
    """What the command says while it refuses with exit code 2."""
    assert main(["import", *map(str, arguments)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


@pytest.mark.parametrize("command", GROUP)
def test_help_has_an_example(capsys, command):
    assert main(["import", command, "--help"]) == 0
    assert f"Example: synthor import {command}" in " ".join(capsys.readouterr().out.split())


def test_commands_of_the_page_do_what_it_says(capsys, tmp_path, monkeypatch):
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    codes = [main(shlex.split(command)[1:]) for command in COMMANDS]
    assert len(codes) == 9
    printed = capsys.readouterr()
    # one command is there to fail
    assert [COMMANDS[i] for i, code in enumerate(codes) if code != 0] == [
        command for command in COMMANDS if "tenure.csv --out counties" in command
    ]
    assert "the cell was already given on line" in printed.err
    shown = re.findall(r"^(?:left out|repaired): .*$", PAGE, re.MULTILINE)
    assert shown
    assert all(line in printed.out for line in shown)


def test_json_holds_the_findings(capsys, tmp_path):
    assert (
        main(["import", "populationsim", str(EXAMPLES / "populationsim"), "--out", str(tmp_path / "t"), "--json"]) == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["zones"] == {"taz": 4, "tract": 2, "region": 1}
    assert {finding["kind"] for finding in told["findings"]} == {"left out", "repaired", "assumed", "noted"}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--where", "TRACT"], "--where 'TRACT': expected NAME=VALUE"),
        (["--range", "NP=1:9"], "expected households.COLUMN=… or persons.COLUMN=…"),
        (["--range", "households.NP=9:1"], "expected NAME=LOW:HIGH"),
        (["--members", "weights"], "--members weights: expected share or count"),
        (["--define", "households.NP_ADULTS=count(person.age >= 18)"], "unknown variable 'age' of person"),
    ],
)
def test_flags_are_explained_and_nothing_is_written(capsys, tmp_path, flags, message):
    out = tmp_path / "town"
    assert message in refuse(capsys, "populationsim", EXAMPLES / "populationsim", "--out", out, *flags)
    assert list(tmp_path.iterdir()) == []


def test_occupied_folder_is_refused(capsys, tmp_path):
    (tmp_path / "kept").write_text("mine", encoding="utf-8")
    for arguments in (["populationsim", EXAMPLES / "populationsim"], ["census-table", EXAMPLES / "B19001.csv"]):
        assert "exists and is not empty" in refuse(capsys, *arguments, "--out", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_missing_file_is_one_line(capsys, tmp_path):
    told = refuse(capsys, "census-table", tmp_path / "none.csv", "--out", tmp_path / "town")
    assert told.startswith(f"synthor: {tmp_path / 'none.csv'}: cannot read the file")


@pytest.mark.parametrize("flags", [("--member-tolerance", "2"), ("--member-tolerance", "0.1", "--members", "count")])
def test_a_tolerance_that_cannot_be_is_refused(capsys, tmp_path, flags):
    said = refuse(capsys, "populationsim", EXAMPLES / "populationsim", "--out", tmp_path / "town", *flags)
    assert said.count("\n") == 1
    assert "--member-tolerance" in said
    assert not (tmp_path / "town").exists()
