"""`synthor run` and `resume` around a flow that is a stand-in: what is refused, told and returned."""

import contextlib
import json
import os
import signal
import sys
import time
import types
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.scenario_files import read_scenario
from cli.main import main
from schemas.errors import AuditError, UserError

ECOMMERCE = Path(__file__).resolve().parents[2] / "scenarios" / "ecommerce"
FINGERPRINT = read_scenario(ECOMMERCE).fingerprint


@pytest.fixture
def install_flow(monkeypatch):
    """Puts a stand-in for the flow in place of flows.synthesize; it notes its calls."""

    def install(behave):
        calls = []

        def synthesize(scenario, out, settings):
            calls.append((scenario, out, settings))
            return behave(Path(out))

        monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")  # no server of its own for a stand-in
        module = types.ModuleType("flows.synthesize")
        module.synthesize = synthesize
        monkeypatch.setitem(sys.modules, "flows.synthesize", module)
        return calls

    return install


def run(out, *options):
    return main(["run", str(ECOMMERCE), "--out", str(out), *options])


def test_json_is_all_that_reaches_stdout(tmp_path, write_run, install_flow, capfd):
    def noisy(out):
        print("a library says hello")
        os.system("echo so does a worker")
        return write_run(folder=out)

    calls = install_flow(noisy)
    assert run(tmp_path / "run", "--json", "--random-seed", "7") == 0
    printed = capfd.readouterr()
    assert json.loads(printed.out)["status"] == "published"
    assert "so does a worker" in printed.err
    assert calls[0][2].random_seed == 7


def test_refused_dataset_is_exit_one_with_a_summary(tmp_path, write_run, install_flow, capfd):
    def refuse(out):
        write_run(folder=out, status="failed")
        raise AuditError("validation refused the dataset:\n2 expectations failed")

    install_flow(refuse)
    assert run(tmp_path / "run") == 1
    printed = capfd.readouterr()
    assert printed.out.startswith("village: failed, nothing is published\n")
    assert printed.err == "synthor: validation refused the dataset: 2 expectations failed\n"


def test_users_mistake_found_by_the_flow_is_exit_two(tmp_path, install_flow, capfd):
    def refuse(out):
        raise UserError(f"{out}: no")

    install_flow(refuse)
    assert run(tmp_path / "run", "--quiet") == 2
    assert capfd.readouterr().err == f"synthor: {tmp_path / 'run'}: no\n"


def test_unreachable_servers_are_named(tmp_path, install_flow, capfd):
    def fail(out):
        raise RuntimeError("Failed to reach API at http://127.0.0.1:9/api/")

    calls = install_flow(fail)
    assert run(tmp_path / "run", "--dask", "tcp://127.0.0.1:9") == 2
    assert (
        capfd.readouterr().err == "synthor: --dask tcp://127.0.0.1:9: no scheduler answers there (Connection refused)\n"
    )
    assert run(tmp_path / "run", "--dask", "here") == 2
    assert "expected one such as tcp://127.0.0.1:8786" in capfd.readouterr().err
    assert calls == []
    assert run(tmp_path / "run") == 2
    assert capfd.readouterr().err.startswith("synthor: http://127.0.0.1:9/api/: no Prefect server answers there")


@pytest.mark.parametrize(("number", "code", "name"), [(2, 130, "interrupted"), (15, 143, "terminated")])
def test_interruption_says_how_to_go_on(tmp_path, write_run, install_flow, capfd, number, code, name):
    def interrupt(out):
        write_run(folder=out, status="running")
        os.kill(os.getpid(), number)
        time.sleep(60)

    install_flow(interrupt)
    assert run(tmp_path / "run") == code
    assert capfd.readouterr().err == f"synthor: {name}; `synthor resume {tmp_path / 'run'}` finishes this run\n"


def test_interruption_insists_while_the_way_out_is_blocked(tmp_path, install_flow, monkeypatch, capfd):
    monkeypatch.setattr("cli.interruption.PATIENCE_SECONDS", 0.05)

    def keep_trying(out):
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        with contextlib.suppress(KeyboardInterrupt):
            time.sleep(60)
        raise ConnectionError("the server has gone")

    install_flow(keep_trying)
    assert run(tmp_path / "run") == 130
    assert capfd.readouterr().err == "synthor: interrupted; nothing was written\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_published_run_is_told_again_without_the_flow(tmp_path, write_run, install_flow, capfd):
    calls = install_flow(None)
    write_run(FINGERPRINT)
    (tmp_path / "report.html").write_text("")
    pq.write_table(pa.table({"table": pa.array([], pa.string())}), tmp_path / "aggregates.parquet")
    (tmp_path / "manifest.json").write_text('{"format": 1, "commits": {}, "files": []}')
    for command in (["run", str(ECOMMERCE), "--out", str(tmp_path)], ["resume", str(tmp_path)]):
        assert main(command) == 0
        assert "village: published before, nothing is left to do" in capfd.readouterr().out
    assert calls == []


def test_run_of_another_scenario_is_not_continued(tmp_path, write_run, capfd):
    write_run()
    assert run(tmp_path) == 2
    told = capfd.readouterr().err
    assert told.endswith("holds a run of scenario 'village', expected a new folder or a run of 'ecommerce'\n")


def test_run_with_other_settings_is_not_continued(tmp_path, write_run, capfd):
    write_run(FINGERPRINT)
    assert run(tmp_path, "--size", "50") == 2
    assert f"--out {tmp_path}: holds a run with size None, not 50; give another --out" in capfd.readouterr().err


def test_resume_keeps_the_settings_and_the_copied_scenario(tmp_path, write_run, install_flow, capfd):
    write_run(FINGERPRINT, status="failed")
    (tmp_path / "scenario").symlink_to(ECOMMERCE)
    calls = install_flow(lambda out: json.loads((out / "run.json").read_text()))
    assert main(["resume", str(tmp_path), "--workers", "2", "--quiet"]) == 0
    scenario, out, settings = calls[0]
    assert (scenario, out) == (str(tmp_path / "scenario"), str(tmp_path))
    assert (settings.workers, settings.max_rounds) == (2, 2)
