"""Opening a run: what is known of its scenario stands in run.json, and what no policy reconciles refuses it."""

import json
from pathlib import Path

import pytest

from adapters.report import render_report
from schemas.errors import UserError
from schemas.settings import RunSettings
from tasks.prepare import open_run
from tests.adapters.defects import write_defects


def test_findings_and_evidence_stand_in_run_json_and_in_the_report(tmp_path: Path) -> None:
    folder, out = write_defects(tmp_path / "defects"), tmp_path / "run"
    open_run(folder, out, RunSettings(hold_out=("race",)))
    record = json.loads((out / "run.json").read_text(encoding="utf-8"))

    kinds = {finding["kind"] for finding in record["findings"]}
    assert {"total", "universe", "reach", "overlap", "multiples"} <= kinds
    assert not any("race" in finding["tables"] for finding in record["findings"]), "it is held out"
    pairs = {(pair["one"], pair["other"]): pair["evidence"] for pair in record["evidence"]["pairs"]}
    assert pairs["household.bg", "person.age"] == "controlled"
    assert pairs["person.age", "person.work"] == "implied"
    assert pairs["person.sex", "person.race"] == "prior only"
    page = render_report(out)
    assert 'id="findings"' in page
    assert 'class="n implied"><abbr title="work and age: implied by work' in page
    assert "0 pairs implied" not in page


def test_a_refused_finding_refuses_the_run_and_nothing_is_written(tmp_path: Path) -> None:
    folder = write_defects(tmp_path / "defects")
    with (folder / "scenario.yaml").open("a", encoding="utf-8") as file:
        file.write("reconcile: {contradictions: refuse}\n")
    with pytest.raises(UserError, match="`synthor check` tells where"):
        open_run(folder, tmp_path / "run", RunSettings())
    assert not (tmp_path / "run").exists()


def test_an_unknown_table_cannot_be_held_out(tmp_path: Path) -> None:
    folder = write_defects(tmp_path / "defects")
    with pytest.raises(UserError, match=r"--hold-out rase: no such table \(did you mean 'race'\?\)"):
        open_run(folder, tmp_path / "run", RunSettings(hold_out=("rase",)))
    open_run(folder, tmp_path / "run", RunSettings())
    with pytest.raises(UserError, match="hold_out"):
        open_run(folder, tmp_path / "run", RunSettings(hold_out=("race",)))
