"""Automations and parameters of deployments, as Prefect itself reads them."""

import re
from typing import Any

import pytest
import yaml
from prefect.automations import Automation

from flows.states import STATE_NAMES
from flows.synthesize import synthesize
from flows.update import update
from schemas.settings import RunSettings
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text()


def automations(text: str) -> list[Automation]:
    return [Automation.model_validate(one) for one in yaml.safe_load(text)["automations"]]


def deployments() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    return found


def test_every_way_to_fail_is_told() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tell,) = automations(block)

    expected = {f"prefect.flow-run.{name}" for name in (*STATE_NAMES.values(), "Failed", "Crashed")}
    assert tell.trigger.expect == expected  # type: ignore[union-attr]


def test_a_run_is_lost_after_three_heartbeats_missed() -> None:
    lost, resume = automations((ROOT / "automations.yaml").read_text())

    beats = {d["work_pool"]["job_variables"]["env"]["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"] for d in deployments()}
    assert lost.trigger.within.total_seconds() > 3 * max(map(int, beats))  # type: ignore[union-attr]
    assert (lost.actions[0].state.value, resume.actions[0].state.value) == ("CRASHED", "SCHEDULED")  # type: ignore[union-attr]


@pytest.mark.parametrize("deployment", deployments(), ids=lambda one: one["entrypoint"] + one["name"])
def test_deployments_start_runs_in_folders_of_their_own(deployment: dict[str, Any]) -> None:
    parameters = deployment["parameters"]
    flow = {"update": update, "synthesize": synthesize}[deployment["entrypoint"].rpartition(".")[2]]
    flow.validate_parameters(parameters)

    assert "{" in parameters["out"]
    # An update of a folder of publications becomes its next one by itself.
    assert parameters.get("run") or RunSettings.model_validate(parameters["settings"]).publish_to
    assert (ROOT / parameters["scenario"] / "scenario.yaml").is_file()
    assert deployment["concurrency_limit"]["limit"] == 1
    assert all(schedule["timezone"] for schedule in deployment["schedules"])
