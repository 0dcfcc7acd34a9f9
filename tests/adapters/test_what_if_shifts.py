"""What a context has shifted, from two runs' records."""

import json

import numpy as np
import pandas as pd
import pytest

from adapters.run_folder import RunFolder
from adapters.scenario_files import read_scenario
from adapters.what_if_shifts import check_without, find_shifts
from schemas.errors import UserError
from tests.conftest import ECOMMERCE


def write_run(root, scenario, women):
    """A published run of 4,000 purchases of which a share is by women; older customers are men."""
    rng, count = np.random.default_rng(int(women * 100)), 4000
    columns = {
        v.name: rng.choice(list(v.categories), count) if v.kind == "category" else rng.uniform(v.low, v.high, count)
        for v in scenario.root.variables
    }
    columns["gender"] = np.where(rng.random(count) < women, "Female", "Male")
    folder = root / "dataset" / "transaction"
    folder.mkdir(parents=True)
    pd.DataFrame(columns).to_parquet(folder / "b000001.parquet")
    (root / "run.json").write_text(json.dumps({"scenario": {"name": scenario.name}}))
    return RunFolder(root)


def test_shifts_beyond_the_noise_come_first_with_what_pins_them(tmp_path):
    scenario = read_scenario(ECOMMERCE)
    ours, other = write_run(tmp_path / "a", scenario, 0.7), write_run(tmp_path / "b", scenario, 0.5)
    found = find_shifts(ours, other.root, scenario, frozenset({"gender"}))
    single = next(one for one in found if one["variables"] == ["gender"])
    assert single["tvd"] == pytest.approx(0.2, abs=0.03)
    assert "gender" not in single["pinned_by"]
    assert {one["value"] for one in single["largest"]} == {"Male", "Female"}
    assert found[0]["tvd"] > 5 * found[0]["noise"]
    assert "gender" in found[0]["variables"]
    rest = [one for one in found if "gender" not in one["variables"]]
    assert all(one["tvd"] < 3 * one["noise"] for one in rest)
    location = next(one for one in found if one["variables"] == ["location_tier"])
    assert "location_tier" in location["pinned_by"]


def test_only_a_published_run_of_the_same_scenario_is_compared_with(tmp_path):
    scenario = read_scenario(ECOMMERCE)
    run = write_run(tmp_path / "a", scenario, 0.5)
    check_without(run.root, scenario)
    (run.root / "run.json").write_text(json.dumps({"scenario": {"name": "other"}}))
    with pytest.raises(UserError, match="expected a published run of ecommerce"):
        check_without(run.root, scenario)
