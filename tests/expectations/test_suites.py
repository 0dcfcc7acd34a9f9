"""Saved suites: the same bytes every time, and the same verdict in plain Great Expectations."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd

from expectations.checkpoint import judge_aggregates, judge_drift, judge_records
from expectations.drift import drift_frame
from expectations.frames import judged_frames
from expectations.suites import records_suite, save_suites
from schemas.model import Scenario
from schemas.settings import RunSettings

Partitions = list[tuple[str, pd.DataFrame, pd.DataFrame]]

PLAIN = """
import sys, json, pandas
import expectations.plugin
import great_expectations as gx
context = gx.get_context(mode="ephemeral")
asset = context.data_sources.add_pandas("p").add_dataframe_asset("a")
whole = asset.add_batch_definition_whole_dataframe("w")
verdicts = {}
for name in ("aggregates", "drift", "freshness", "records_household", "records_person"):
    suite = gx.ExpectationSuite(**json.load(open(f"{name}.json", encoding="utf-8")))
    result = whole.get_batch({"dataframe": pandas.read_parquet(f"{name}.parquet")}).validate(suite)
    failed = [r.expectation_config.meta["check"] for r in result.results if not r.success]
    verdicts[name] = [len(result.results), sorted(failed)]
    assert not any(r.exception_info.get("raised_exception", False) for r in result.results)
print(json.dumps(verdicts))
"""


def test_suites_survive_a_round_trip_through_plain_gx(
    village: Scenario, aggregates: pd.DataFrame, partitions: Partitions, tmp_path: Path
) -> None:
    aggregates.loc[0, "synthetic"] += 4
    partitions[0][2].loc[2, "work"] = "at work"
    before = aggregates.assign(measure="count", synthetic=[10746, 21, 7, 0, 453, 547])
    settings = RunSettings(max_age_hours=24)
    save_suites(village, tmp_path, settings)
    aggregates.to_parquet(tmp_path / "aggregates.parquet")
    drift_frame(aggregates.assign(measure="count"), before).to_parquet(tmp_path / "drift.parquet")
    pd.DataFrame({"age_hours": [25.0]}).to_parquet(tmp_path / "freshness.parquet")
    (frames,) = judged_frames(village, partitions)
    for entity, frame in frames.items():
        frame.to_parquet(tmp_path / f"records_{entity}.parquet")

    command = [sys.executable, "-W", "error", "-W", "ignore:module 'sre_:DeprecationWarning", "-c", PLAIN]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120)

    verdicts = json.loads(done.stdout.splitlines()[-1])
    assert verdicts["aggregates"] == [judge_aggregates(village, aggregates).evaluated, ["tenure: tolerance"]]
    assert (verdicts["drift"], verdicts["freshness"]) == ([2, ["age: drift"]], [2, ["age: within"]])
    drifted = judge_drift(village, settings, aggregates.assign(measure="count"), before).warnings
    assert [warning.table for warning in drifted] == ["age"]
    assert [verdicts["records_household"][1], verdicts["records_person"][1]] == [[], ["rule: child"]]
    evaluated = judge_records(village, partitions).evaluated
    assert verdicts["records_household"][0] + verdicts["records_person"][0] == evaluated


def test_suites_are_saved_the_same_every_time(village: Scenario, tmp_path: Path) -> None:
    save_suites(village, tmp_path / "one")
    save_suites(village, tmp_path / "two")

    suites = ("aggregates", "drift", "freshness", "records_household", "records_person", "summary", "volume")
    names = [f"{suite}.json" for suite in suites]
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == names
    for name in names:
        text = (tmp_path / "one" / name).read_text(encoding="utf-8")
        assert text == (tmp_path / "two" / name).read_text(encoding="utf-8")
        assert str(tmp_path) not in text
        assert '"id"' not in text


def test_suites_state_what_the_scenario_states(village: Scenario) -> None:
    held = {found.meta["check"]: found.kwargs for found in records_suite(village, "person").expectation_configurations}

    assert (held["age: range"]["min_value"], held["age: range"]["max_value"]) == (0, 99)
    assert held["work: categories"]["value_set"] == ["at work", "not at work"]
    assert "rule: child" in held
    assert "rule: has_adult" not in held


def test_checks_are_named_once_in_a_suite(village: Scenario) -> None:
    for entity in village.entities:
        checks = [found.meta["check"] for found in records_suite(village, entity.name).expectation_configurations]
        assert len(checks) == len(set(checks))


def test_great_expectations_is_not_imported_before_it_is_used() -> None:
    program = "import sys, expectations.checkpoint; print('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "False"
