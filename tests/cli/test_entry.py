"""The command as a process: what signals do to it, at its first moments and when its way out is blocked."""

import os
import subprocess
import sys
import textwrap

import pytest

from tests.conftest import ROOT

DEAF = """
    import time
    import cli.interruption
    from cli.interruption import Interruption
    cli.interruption.PATIENCE_SECONDS, cli.interruption.LAST_SECONDS = 0.1, 0.3
    with Interruption(lambda: "so much is left").watched():
        print("ready", flush=True)
        while True:
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                pass
"""


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, text=True, stdout=-1, stderr=-1)


@pytest.mark.parametrize(("number", "code", "told"), [(2, 130, "interrupted"), (15, 143, "terminated")])
def test_a_signal_while_modules_are_imported_is_one_line(number: int, code: int, told: str) -> None:
    # Reading its scenario from a pipe, check waits for ever: no moment is missed.
    process = start("-X", "importtime", "-m", "cli.entry", "check", "/dev/stdin")
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    assert any("cli.interruption" in line for line in lines)
    assert any("typing" in line or "typer" in line for line in lines)
    process.send_signal(number)
    _, rest = process.communicate(timeout=60)
    errors = [line for line in rest.splitlines() if not line.startswith("import time:")]
    assert (process.returncode, errors) == (code, [f"synthor: {told}"])


def test_a_process_that_heeds_no_interruption_is_ended() -> None:
    process = start("-c", textwrap.dedent(DEAF))
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (143, "synthor: terminated; so much is left\n")


def test_codes_of_commands_are_those_of_the_process() -> None:
    process = start("-m", "cli.entry", "check", os.devnull)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith("synthor: ")
