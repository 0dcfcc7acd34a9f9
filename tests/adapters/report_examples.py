"""Run folders as the report's tests look at them, built cell by cell."""

import itertools
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.report import write_report
from adapters.report_tables import read_grids

AGES, SEXES = ("0-17", "18-64", "65+"), ("male", "female")


def cells_of(**variables):
    assignments = [[f"{name}={part}" for part in parts] for name, parts in variables.items()]
    return [", ".join(cell) for cell in itertools.product(*assignments)]


def table(name, cells, target, *, synthetic=None, zone=None, kind="records", tolerance=0.0, **columns):
    """Rows of one table in one zone (or the whole), as aggregates.parquet holds them."""
    aimed = np.asarray(columns.pop("reconciled", target), dtype=float)
    drawn = np.rint(aimed if synthetic is None else np.asarray(synthetic, dtype=float)).astype("int64")
    gap = np.abs(aimed / max(aimed.sum(), 1) - drawn / max(drawn.sum(), 1)).sum() / 2
    within = np.abs(aimed - drawn) <= tolerance + 0.5 if kind == "records" else gap <= tolerance
    frame = {
        "table": name,
        "entity": "person",
        "zone_level": None if zone is None else "county",
        "zone": zone,
        "cell": cells,
        "universe": None,
        "target": np.asarray(target, dtype=float),
        "measure": "count",
        "binds": "count",
        "reconciled": aimed,
        "synthetic": drawn,
        "discrepancy": aimed - drawn,
        "target_share": aimed / max(aimed.sum(), 1),
        "synthetic_share": drawn / max(drawn.sum(), 1),
        "moe": np.nan,
        "tolerance": tolerance,
        "tolerance_kind": kind,
        "within": within,
    }
    return pd.DataFrame(frame | columns)


def zoned(name, cells, zones, rng, **columns):
    frames = [table(name, cells, rng.integers(5, 900, len(cells)), zone=zone, **columns) for zone in zones]
    return pd.concat(frames, ignore_index=True)


def run_record(**changes):
    record = {
        "synthor_version": "0.1.0",
        "status": "published",
        "scenario": {"name": "vt", "title": "Vermont", "fingerprint": "sha256:ab12", "path": "scenarios/vt"},
        "out": "runs/vermont",
        "settings": {"proposer": "offline", "max_usd": None, "workers": 2},
        "random_seed": 7,
        "versions": {"python": "3.11.2"},
        "size": 600,
        "entities": {"household": {"records": 600}, "person": {"records": 1456}},
        "rounds": [
            {"round": 1, "batches": 2, "records": 60, "mean_tvd": 0.02, "max_tvd": 0.1, "seconds": 1.0},
            {"round": 2, "records": 600, "mean_tvd": 0.0, "max_tvd": 0.0004, "cells_within": 5, "cells": 6,
             "worst_cell": {"table": "age", "cell": "age=65+", "discrepancy": -3.0}},
        ],
        "batches": {"committed": 4, "reused": 1, "retried": 0},
        "drawn": 700,
        "accepted": 600,
        "rejected": 100,
        "rejections": {"household_has_adult": 100},
        "proposed_rows": 50,
        "proposal_rejections": {"work_from_16": 3},
        "shortfall": 0,
        "reconciliations": [{"table": "race", "what": "scaled to persons", "magnitude": 10302.0}],
        "llm": {"calls": 0, "tokens": 0, "usd": 0.0},
        "durations": {
            "total_seconds": 20.0, "start_seconds": 8.0, "rounds_seconds": 9.0, "work_seconds": 14.0,
            "orchestration_seconds": 2.0, "validation_seconds": 2.5, "publish_seconds": 0.5,
        },
        "validation": {"success": True, "suites": {"aggregates": {"evaluated": 6, "failed": 0}}},
        "failure": None,
    }  # fmt: skip
    return record | changes


def write_run(folder, *frames, **changes):
    (folder / "run.json").write_text(json.dumps(run_record(**changes)))
    if frames:
        pd.concat(frames, ignore_index=True).to_parquet(folder / "aggregates.parquet")
    return folder


def page_of(run):
    return write_report(run).read_text(encoding="utf-8")


def grids_of(*frames):
    return read_grids(pd.concat(frames, ignore_index=True))


def write_quarantine(run, *, rule, record, count=5):
    (run / "quarantine").mkdir()
    rows = [{"entity": "household", "rule": rule, "record": record, "stage": "drawn"}] * count
    pq.write_table(pa.Table.from_pylist(rows), run / "quarantine" / "b000001.parquet")


def write_zoned_run(folder):
    """A run with a table by zone, one in a single zone and a joint of the whole."""
    rng = np.random.default_rng(1)
    zones = ["50001", "50007", "50009"]
    return write_run(
        folder,
        zoned("household_size", cells_of(household_size=["1", "2", "3-7"]), zones, rng, moe=12.0),
        table("age", cells_of(age=AGES), [100.5, 300.25, 80.25], synthetic=[99, 300, 82], zone="50007"),
        table("age_sex", cells_of(age=AGES, sex=SEXES), [50, 50, 150, 150, 40, 41]),
    )


def write_many_zones(folder, zones=2692):
    """A run of eleven tables by zone, half of them with a few records off in every cell."""
    rng = np.random.default_rng(2)
    names, frames = [f"{50_000_000_000 + place}" for place in range(zones)], []
    for place in range(11):
        one = table(f"table_{place}", cells_of(age=["0-9", "10-19", "20-29", "30-39", "40-99"]), np.ones(5))
        many = one.loc[np.tile(one.index, zones)].reset_index(drop=True)
        aimed = rng.integers(0, 900, len(many)) + (0.37 if place > 4 else 0.0)
        drawn = np.rint(aimed + (rng.normal(0, 2, len(many)) if place > 4 else 0)).astype("int64")
        frames.append(many.assign(zone=np.repeat(names, 5), zone_level="block group", target=np.floor(aimed),
                                  reconciled=aimed, synthetic=drawn, discrepancy=aimed - drawn))  # fmt: skip
    return write_run(folder, *frames)
