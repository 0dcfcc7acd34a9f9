"""The crash campaign in short: the flow's own steps, killed and damaged, in a process that may fork."""

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT


def test_what_is_killed_and_damaged_ends_byte_identical(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    command = [sys.executable, "-m", "benchmarks.chaos", "--kinds", "bare", "--campaigns", "3", "--log", str(log)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(log.read_text().splitlines()[-1])
    assert told["campaigns"] == 3
    assert told["faults_injected"] >= 3
    assert told["lost"] == told["doubled"] == told["wrong"] == told["hung"] == told["published_with_work_missing"] == 0
