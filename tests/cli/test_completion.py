"""What a shell is offered on Tab, and that bash takes it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.completion import complete_run, complete_scenario


@pytest.fixture
def folders(tmp_path, monkeypatch):
    for place in ("scenarios/vermont/scenario.yaml", "scenarios/vermouth/scenario.yaml", "runs/a/run.json"):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).touch()
    (tmp_path / "runs" / "a" / "scenario" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_scenario_folders_are_offered_from_above_and_within(folders):
    assert complete_scenario("") == complete_scenario("scen") == ["scenarios/vermont", "scenarios/vermouth"]
    assert complete_scenario("scenarios/vermon") == ["scenarios/vermont"]
    assert complete_scenario(f"{folders}/scenarios/vermon") == [f"{folders}/scenarios/vermont"]


def test_run_folders_are_offered(folders):
    assert complete_run("r") == ["runs/a"]
    assert complete_run("none/") == complete_run("s3://bucket/r") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_and_folders(folders):
    """The script that `--show-completion` prints, sourced by a real bash and asked for three words."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    words = {"pre": "preview", "run --ran": "--random-seed", "preview scenarios/vermon": "scenarios/vermont"}
    script = ["source <(synthor --show-completion bash)"]
    for typed in words:
        script.append(f"COMP_WORDS=(synthor {typed}); COMP_CWORD={len(typed.split())}")
        script.append('_synthor_completion synthor; echo "${COMPREPLY[@]}"')
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], env=environment, capture_output=True, text=True, check=True
    )
    assert (done.stdout.splitlines(), done.stderr) == (list(words.values()), "")
