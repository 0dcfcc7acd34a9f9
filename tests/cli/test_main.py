"""Commands as a user meets them: help, and one line for each mistake."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import main
from schemas.errors import ReplayError

ROOT = Path(__file__).resolve().parents[2]
ECOMMERCE = str(ROOT / "scenarios" / "ecommerce")
COMMANDS = ["check", "run", "resume", "validate", "report", "derive", "evaluate", "schema"]
HEAVY = ["prefect", "pandas", "great_expectations", "pyarrow", "dask", "numpy", "pydantic"]


def refuse(capsys, *arguments):
    """What the command says while it refuses with exit code 2."""
    assert main([str(argument) for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err


def test_help_imports_nothing_heavy():
    code = (
        "import sys; from cli.main import main; code = main(['--help']); "
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert all(command in done.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example(capsys, command):
    assert main([command, "--help"]) == 0
    assert f"Example: synthor {command}" in capsys.readouterr().out


def test_no_command_prints_the_help(capsys):
    assert main([]) == 0
    assert "Usage: synthor" in capsys.readouterr().out


def test_version_is_the_installed_one(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("synthor 0.")


def test_unknown_scenario_folder_is_one_line(capsys, tmp_path):
    for command in (["check", tmp_path / "none"], ["run", tmp_path / "none", "--out", tmp_path / "run"]):
        assert refuse(capsys, *command) == f"synthor: {tmp_path / 'none'}: no such scenario folder\n"


def test_what_is_quoted_cannot_steer_the_terminal(capsys, tmp_path):
    told = refuse(capsys, "check", tmp_path / "no\x1b[31msuch\x17")
    assert told.startswith("synthor: ")
    assert "\\x1b[31msuch\\x17" in told
    assert told[:-1].isprintable()


def test_unknown_setting_names_the_nearest(capsys, tmp_path):
    told = refuse(capsys, "run", ECOMMERCE, "--out", tmp_path / "run", "--set", "max_ronds=3")
    assert told == "synthor: --set max_ronds: no such setting, did you mean 'max_rounds'?\n"


def test_size_zero_is_refused_before_anything_is_written(capsys, tmp_path):
    told = refuse(capsys, "run", ECOMMERCE, "--out", tmp_path / "run", "--size", "0")
    assert told == "synthor: --size: expected at least 1, got '0'\n"
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage_is_one_line(capsys):
    assert refuse(capsys, "run", ECOMMERCE) == "synthor: Missing option '--out'.\n"
    assert refuse(capsys, "chek").startswith("synthor: No such command 'chek'. Did you mean 'check'")


def test_folder_that_is_no_run_is_refused(capsys, tmp_path):
    folder = tmp_path / "mine"  # in a folder of its own: no other run nearby is suggested instead
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    told = refuse(capsys, "run", ECOMMERCE, "--out", folder)
    where = f"synthor: --out {folder}: exists and is not a run folder"
    assert told == f"{where}, expected a new folder or a run of 'ecommerce'\n"
    for command in ("resume", "validate", "report"):
        assert refuse(capsys, command, folder) == f"synthor: {folder}: no run here (expected a folder with run.json)\n"


def test_other_stores_are_not_known(capsys):
    told = refuse(capsys, "run", ECOMMERCE, "--out", "gs://bucket/run")
    assert told.endswith("no such kind of store, expected a local folder or s3://bucket/prefix\n")


def test_credentials_do_not_belong_into_a_path(capsys):
    told = refuse(capsys, "run", ECOMMERCE, "--out", "s3://AKIA:secret@bucket/run")
    assert "secret" not in told
    assert told.endswith("expected a bucket and a prefix, and credentials in the environment alone\n")


def test_check_tells_the_scenario_as_json(capsys):
    assert main(["check", ECOMMERCE, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["size"], found["zones"]) == ("ecommerce", 2000, None)
    payment = next(table for table in found["tables"] if table["name"] == "payment")
    assert (payment["cells"], payment["total"], payment["tolerance"]) == (2, 2000.0, {"records": 0.0})


def test_check_shows_every_table_rule_and_zone_level(capsys):
    assert main(["check", str(ROOT / "scenarios" / "vermont")]) == 0
    shown = capsys.readouterr().out
    for text in (
        "260,029 household records",
        "14 × county",
        "vehicles_per_adult",
        "age >= 16",
        "household_has_adult",
        "prior: 18 archetypes",
    ):
        assert text in shown


def test_committed_schema_is_current(capsys):
    assert main(["schema"]) == 0
    committed = (ROOT / "docs" / "scenario.schema.json").read_text(encoding="utf-8")
    assert json.loads(capsys.readouterr().out) == json.loads(committed), "make schema"


def test_committed_schema_of_priors_is_current(capsys):
    assert main(["schema", "--prior"]) == 0
    committed = (ROOT / "docs" / "prior.schema.json").read_text(encoding="utf-8")
    assert json.loads(capsys.readouterr().out) == json.loads(committed), "make schema"


def test_a_replay_that_cannot_be_shows_the_difference(monkeypatch, capsys):
    def refuse(folder):
        raise ReplayError("the prompt has changed", "-before\n+after")

    monkeypatch.setattr("adapters.scenario_files.read_scenario", refuse)
    assert main(["check", str(ECOMMERCE)]) == 1
    assert capsys.readouterr().err == "synthor: the prompt has changed\n-before\n+after\n"


def test_check_estimates_what_asking_will_cost(monkeypatch, capsys):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    assert main(["check", str(ECOMMERCE), "--proposer", "anthropic", "--set", "max_calls=3", "--json"]) == 0
    asking = json.loads(capsys.readouterr().out)["asking"]
    assert (asking["calls"], asking["most_calls"], asking["is_counted"]) == (3, 3, False)  # the groups, then two rounds
    assert 0 < asking["usd"] < asking["most_usd"]
    assert main(["check", str(ECOMMERCE), "--proposer", "anthropic", "--set", "model=mine"]) == 0
    assert "cost unknown: no price for this model" in " ".join(capsys.readouterr().out.split())
