"""prefect.yaml as an operator uses it: work pool, deploy, worker and a run, with Prefect's own commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT
from tests.flows.running import wait_for


def prefect(api: str, home: Path, *arguments: str) -> str:
    """The output of a `prefect` command."""
    command = [sys.executable, "-m", "prefect", *arguments]
    environment = {**os.environ, "PREFECT_API_URL": api, "PREFECT_HOME": str(home)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_deployment_runs_on_a_worker_of_its_pool(prefect_api: str, tmp_path: Path) -> None:
    home, out = tmp_path / "home", tmp_path / "run"
    prefect(prefect_api, home, "work-pool", "create", "synthor", "--type", "process")
    prefect(prefect_api, home, "--no-prompt", "deploy", "--all")
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "synthor", "--limit", "1"]
    environment = {**os.environ, "PREFECT_API_URL": prefect_api, "PREFECT_HOME": str(home)}
    with (tmp_path / "worker.log").open("w") as log:
        worker = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            prefect(prefect_api, home, "deployment", "run", "synthesize/ecommerce", "--param", f"out={out}")
            wait_for(lambda: (out / "report.html").exists(), seconds=150)
        finally:
            worker.terminate()
            worker.wait(timeout=60)
    run = json.loads((out / "run.json").read_text())
    assert (run["status"], run["entities"]["transaction"]["records"]) == ("published", 2000)
