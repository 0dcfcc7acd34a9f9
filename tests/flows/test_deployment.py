"""prefect.yaml and automations.yaml as an operator uses them, with Prefect's own server, worker and `deploy`."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
import yaml
from prefect import get_client
from prefect.automations import Automation
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Scheduled

from tests.conftest import ROOT
from tests.flows.running import MANY_BATCHES, wait_for

PATIENCE_SECONDS = 300
DUE = datetime(2026, 10, 1, 6, 30, tzinfo=UTC)
"""The run is one to fill a gap with: scheduled for a time gone by, it starts at once."""


def environment(home: Path, api: str) -> dict[str, str]:
    """Variables of an operator's shell."""
    quiet = {"PREFECT_LOGGING_LEVEL": "INFO", "PREFECT_WORKER_QUERY_SECONDS": "2"}
    return {**os.environ, **quiet, "PREFECT_API_URL": api, "PREFECT_HOME": str(home)}


@contextmanager
def running(home: Path, api: str, *arguments: str) -> Iterator[psutil.Process]:
    """A `prefect` command that goes on until it is ended, with all that it started."""
    command = [sys.executable, "-m", "prefect", *arguments]
    with (home / f"{arguments[0]}.log").open("a") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(home, api), stdout=log, stderr=log)
    watched = psutil.Process(process.pid)
    try:
        yield watched
    finally:
        kill(watched, signal.SIGTERM)
        process.wait(timeout=60)


def kill(process: psutil.Process, number: signal.Signals = signal.SIGKILL) -> None:
    """End a process and all below it, as a machine that goes down does."""
    with suppress(psutil.NoSuchProcess):
        children = process.children(recursive=True)
        for one in [process, *children] if number == signal.SIGKILL else [process]:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(number)
        psutil.wait_procs(children, timeout=60)


def prefect(api: str, home: Path, *arguments: str) -> str:
    """The output of a `prefect` command."""
    command = [sys.executable, "-m", "prefect", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(home, api), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def set_up(client: SyncPrefectClient, api: str, home: Path) -> None:
    """Work pool, deployments and automations; a lost run is noticed sooner than in earnest."""
    client.create_work_pool(WorkPoolCreate(name="synthor", type="process"))
    prefect(api, home, "--no-prompt", "deploy", "--all")
    for automation in yaml.safe_load((ROOT / "automations.yaml").read_text())["automations"]:
        if automation["trigger"]["posture"] == "Proactive":
            automation["trigger"]["within"] = 45
        Automation.model_validate(automation).create()


@pytest.mark.timeout(900)
def test_a_scheduled_run_is_completed_after_its_worker_was_killed(scheduler: str, tmp_path: Path) -> None:
    home, root = tmp_path / "home", tmp_path / "published"
    home.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    api = f"http://127.0.0.1:{port}/api"
    worker = ("worker", "start", "--pool", "synthor", "--limit", "1")
    settings = {**MANY_BATCHES, "dask_address": scheduler, "publish_to": str(root)}
    given = {"out": str(tmp_path / "runs" / "{date}-{run}"), "settings": settings}
    with (
        running(home, api, "server", "start", "--host", "127.0.0.1", "--port", port, "--no-ui"),
        temporary_settings({PREFECT_API_URL: api}),
        get_client(sync_client=True) as client,
    ):
        wait_for(lambda: client.api_healthcheck() is None)
        set_up(client, api, home)

        def flow_run() -> FlowRun:
            (found,) = client.read_flow_runs()
            return found

        with running(home, api, *worker) as first:
            deployment = client.read_deployment_by_name("synthesize/ecommerce")
            assert (deployment.global_concurrency_limit.limit, deployment.schedules[0].active) == (1, False)
            due = Scheduled(scheduled_time=DUE)
            client.create_flow_run_from_deployment(deployment.id, parameters=given, state=due)
            wait_for(lambda: committed(tmp_path) >= 2, PATIENCE_SECONDS)
            kill(first)
        assert flow_run().state_name == "Running"
        assert not (root / "current.json").exists()
        with running(home, api, *worker):
            wait_for(lambda: flow_run().state_name == "Completed", PATIENCE_SECONDS)
        check(tmp_path, root, flow_run(), {artifact.key for artifact in client.read_artifacts()})


def committed(tmp_path: Path) -> int:
    """Batches that the run's log tells of."""
    return sum(log.read_text().count("batch_committed") for log in tmp_path.glob("runs/*/log.jsonl"))


def check(tmp_path: Path, root: Path, flow_run: FlowRun, artifacts: set[str]) -> None:
    """One folder, one publication, and what the user interface shows."""
    (out,) = (tmp_path / "runs").iterdir()
    assert out.name == f"2026-10-01-{str(flow_run.id)[:8]}"
    run = json.loads((out / "run.json").read_text())
    assert (run["status"], run["entities"]["transaction"]["records"]) == ("published", 60_000)
    assert run["batches"]["reused"] >= 2
    assert json.loads((root / "current.json").read_text())["run"] == str(out)
    assert (flow_run.name, flow_run.run_count) == ("ecommerce-n60000", 2)
    assert {"synthor", "synthesis", "example"} <= set(flow_run.tags)
    assert artifacts >= {"ecommerce-progress", "ecommerce-summary"}
