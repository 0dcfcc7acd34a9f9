"""The whole of Vermont, end to end, as a user runs it; then judged from the published files alone.

    python benchmarks/vermont.py [--runs 3]

Times `synthor run scenarios/vermont` as a whole process (Prefect's start and validation included), watches the memory
of every process, and recounts the published parquet files with DuckDB, without any of synthor's code.
Bars: <= 75 s on 2 cores, <= 2 GB per process, all 210 county household cells exact, persons' share TVD per table and
county <= 0.0005 on average and <= 0.005 at worst, no record breaks a rule.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from measuring import measure, synthor

SCENARIO = Path(__file__).parent.parent / "scenarios" / "vermont"
HOUSEHOLD_TABLES = {
    "household_size": "CASE WHEN household_size >= 4 THEN '4+' ELSE household_size::VARCHAR END",
    "vehicles_per_adult": "vehicles_per_adult",
    "children_present": "children_present",
    "income": """CASE WHEN income < 25000 THEN '0-24999' WHEN income < 50000 THEN '25000-49999'
        WHEN income < 75000 THEN '50000-74999' WHEN income < 100000 THEN '75000-99999'
        WHEN income < 150000 THEN '100000-149999' ELSE '150000+' END""",
}
AGE_CLASS = """CASE WHEN age < 5 THEN '0-4' WHEN age < 18 THEN '5-17' WHEN age < 35 THEN '18-34'
    WHEN age < 50 THEN '35-49' WHEN age < 65 THEN '50-64' ELSE '65+' END"""
PERSON_TABLES = {
    "sex": ("sex", "true"),
    "age": (AGE_CLASS, "true"),
    "race": ("race", "true"),
    "hispanic": ("hispanic", "true"),
    "university": ("university", "age >= 3"),
    "work": ("work", "age >= 16"),
    "commute": ("commute", "work IN ('full time', 'part time')"),
}
BROKEN_RULES = {
    "no adult": """SELECT count(*) FROM household WHERE household_id NOT IN
        (SELECT household_id FROM person WHERE age >= 18)""",
    "listed members differ": """SELECT count(*) FROM household h LEFT JOIN
        (SELECT household_id, count(*) AS listed FROM person GROUP BY 1) p USING (household_id)
        WHERE h.household_size IS DISTINCT FROM p.listed""",
    "orphan": "SELECT count(*) FROM person WHERE household_id NOT IN (SELECT household_id FROM household)",
    "work before 16": "SELECT count(*) FROM person WHERE (age < 16) <> (work = 'under 16')",
    "commute without work": """SELECT count(*) FROM person
        WHERE (work IN ('full time', 'part time')) <> (commute <> 'not a commuter')""",
    "university before 17": "SELECT count(*) FROM person WHERE university = 'enrolled' AND age < 17",
    "repeated id": "SELECT count(*) - count(DISTINCT person_id) FROM person",
}


def counted(database: duckdb.DuckDBPyConnection, table: str, label: str, entity: str, where: str) -> pd.Series:
    """Synthetic records per county and label."""
    query = f"SELECT county, {label} AS label, count(*) AS n FROM {entity} WHERE {where} GROUP BY ALL"
    frame = database.execute(query).df().astype({"county": str, "label": str})
    return frame.set_index(["county", "label"])["n"]


def published(table: str) -> pd.Series:
    """The published figures per county and label."""
    frame = pd.read_csv(SCENARIO / "targets" / f"{table}.csv", dtype=str)
    value = "count" if "count" in frame else "share"
    label = next(name for name in frame.columns if name not in ("county", value, "moe"))
    frame = frame.rename(columns={label: "label"}).set_index(["county", "label"])
    return frame[value].astype(float)


def judge(run: Path) -> dict[str, float]:
    """Cells and rules of a published run, by SQL over its files."""
    database = duckdb.connect()
    for entity in ("household", "person"):
        files = run / "dataset" / entity / "**" / "*.parquet"
        database.execute(f"CREATE VIEW {entity} AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)")
    missed, cells = 0, 0
    for table, label in HOUSEHOLD_TABLES.items():
        gap = counted(database, table, label, "household", "true").sub(published(table), fill_value=0)
        missed, cells = missed + int((gap != 0).sum()), cells + len(gap)
    distances = []
    for table, (label, where) in PERSON_TABLES.items():
        shares = [
            series / series.groupby("county").transform("sum")
            for series in (counted(database, table, label, "person", where), published(table))
        ]
        distances += (0.5 * shares[0].sub(shares[1], fill_value=0).abs().groupby("county").sum()).tolist()
    broken = {name: database.execute(query).fetchone() for name, query in BROKEN_RULES.items()}
    return {
        "household cells": cells,
        "household cells missed": missed,
        "person TVD mean": float(np.mean(distances)),
        "person TVD worst": float(np.max(distances)),
        "records that break a rule": sum(int(row[0]) for row in broken.values() if row),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    measured = []
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            measured.append(measure(synthor("run", SCENARIO, "--out", out, "--random-seed", str(seed), "--quiet")))
            found = judge(out)
            durations = json.loads((out / "run.json").read_text())["durations"]
        figures = ", ".join(f"{name} {value:g}" for name, value in found.items())
        print(f"random seed {seed}: {measured[-1].seconds:.1f} s; {figures}; {durations}")
    seconds = [each.seconds for each in measured]
    peak = max(each.peak_process_bytes for each in measured)
    cores, median = os.cpu_count(), np.median(seconds)
    print(f"Vermont, {cores} cores: median {median:.1f} s of {runs}, largest process {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
