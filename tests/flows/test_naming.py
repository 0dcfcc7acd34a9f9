"""Folders of scheduled runs, keys of artifacts."""

from datetime import datetime

import pytest

from flows.naming import filled, folder_of_run, refuse_another_start
from schemas.errors import RunError, UserError
from schemas.settings import RunSettings
from tasks.artifacts import artifact_key

DUE = datetime.fromisoformat("2026-11-01T03:30:00+01:00")
RUN_ID = "6b76617b-8737-4603-a6bd-3717c72bd6ed"


def test_a_folder_is_named_by_what_does_not_change_when_a_run_is_tried_again() -> None:
    assert filled("runs/{date}", DUE, RUN_ID) == "runs/2026-11-01"
    assert filled("s3://b/{time}/{run}", DUE, RUN_ID) == "s3://b/2026-11-01T023000Z/6b76617b"


@pytest.mark.parametrize("out", ["runs/{day}", "runs/{}"])
def test_an_unknown_field_is_refused(out: str) -> None:
    with pytest.raises(UserError, match=r"out: no such field '\{.*\}', expected \{date\}, \{time\} or \{run\}"):
        filled(out, DUE, RUN_ID)


def test_a_folder_of_that_name_is_meant_without_a_deployment() -> None:
    assert folder_of_run("runs/{date}") == "runs/{date}"


@pytest.mark.parametrize(("name", "key"), [("Vermont_2023", "vermont-2023"), ("é", "scenario"), ("a--b", "a-b")])
def test_keys_of_artifacts_are_those_that_prefect_takes(name: str, key: str) -> None:
    assert artifact_key(name) == key


def test_a_run_is_not_taken_up_for_ever() -> None:
    refuse_another_start(10, RunSettings())
    with pytest.raises(RunError, match=r"started 11 times \(max_starts 10\)"):
        refuse_another_start(11, RunSettings())
