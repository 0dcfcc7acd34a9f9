"""The environment given back after each test, and a run folder that no flow wrote."""

import json

import pandas as pd
import pytest

from cli.environment import DEFAULTS
from schemas.settings import RunSettings


@pytest.fixture(autouse=True)
def _environment_given_back(monkeypatch):
    """Commands set their environment for good."""
    for name, value in DEFAULTS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def write_run(tmp_path):
    """Writes a published run of two cells, one of them a record off; returns run.json's content."""

    def write(fingerprint="f", folder=tmp_path, **changes):
        record = {
            "status": "published",
            "scenario": {"name": "village", "title": "", "fingerprint": fingerprint, "path": "village"},
            "settings": RunSettings().model_dump(),
            "size": 100,
            "entities": {"household": {"records": 100}, "person": {"records": 240}},
            "rounds": [{"round": 1, "mean_tvd": 0.02}, {"round": 2, "mean_tvd": 0.01}],
            "drawn": 120,
            "accepted": 100,
            "rejected": 20,
            "durations": {
                "total_seconds": 9.0,
                "start_seconds": 4.0,
                "rounds_seconds": 4.0,
                "orchestration_seconds": 1.0,
            },
            "validation": {"success": True, "suites": {"aggregates": {"evaluated": 2, "failed": 0}}, "failures": []},
        } | changes
        (folder / "dataset").mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
        pd.DataFrame([cell("size=1", 40), cell("size=2", 60, off=1)]).to_parquet(folder / "aggregates.parquet")
        return record

    return write


def cell(text, aimed, off=0):
    """One row of aggregates.parquet."""
    shares = {"target_share": aimed / 100, "synthetic_share": (aimed - off) / 100}
    fit = {"reconciled": float(aimed), "synthetic": aimed - off, "discrepancy": float(off), "within": off == 0}
    where = {"table": "size", "entity": "household", "zone_level": "county", "zone": "50001", "cell": text}
    tolerance = {"tolerance": 0.0, "tolerance_kind": "records", "moe": None, "universe": None}
    return where | {"target": float(aimed), "measure": "count", "binds": "count"} | fit | shares | tolerance
