"""Workers of an existing cluster that cannot do the batches are named before the first one."""

from pathlib import Path

import pytest
from distributed import Client

from flows.cluster_check import check_server, check_workers, judge_workers
from schemas.errors import UserError

VERSIONS = {"synthor": "0.1.0", "numpy": "2.4.6"}


def test_workers_of_this_environment_do(prefect_api: str, scheduler: str, tmp_path: Path) -> None:
    with Client(scheduler, set_as_default=False) as client:
        check_workers(client, str(tmp_path))
        check_workers(client, "s3://bucket/run")
        with pytest.raises(UserError, match=r"does not see .*/elsewhere"):
            check_workers(client, str(tmp_path / "elsewhere"))


@pytest.mark.parametrize(("there", "told"), [(None, "none"), ("2.4.5", "2.4.5")])
def test_another_version_is_named(there: str | None, told: str) -> None:
    answers = {"tcp://10.0.0.2:4001": {**VERSIONS, "sees_run": True, "numpy": there}}
    with pytest.raises(UserError, match=rf"worker tcp://10\.0\.0\.2:4001 has numpy {told}, the flow 2\.4\.6"):
        judge_workers(answers, "/runs/a", VERSIONS)


def test_a_server_on_loopback_serves_this_machine_alone() -> None:
    check_server("http://127.0.0.1:4200/api", ["tcp://127.0.0.1:4001"])
    check_server("http://prefect.example.org/api", ["tcp://192.0.2.7:4001"])
    with pytest.raises(UserError, match=r"workers on 192\.0\.2\.7 cannot reach .* set PREFECT_API_URL"):
        check_server("http://127.0.0.1:4200/api", ["tcp://127.0.0.1:4001", "tcp://192.0.2.7:4001"])
