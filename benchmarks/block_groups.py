"""Block groups of the American Community Survey: Vermont's 522, then those of five states (2,692).

    python benchmarks/block_groups.py DATA [--states 50 | all] [--command]

DATA is a folder that is not shipped; it holds `acs_controls_5states`, control totals in PopulationSim's input format,
which `synthor import populationsim` reads. The engine is timed in this process, on one core; with `--command` the
whole `synthor run` is timed as well, and its published files are recounted with DuckDB against DATA itself, without any
of synthor's code.
Bars: Vermont >= 99 % of household cells exact and every miss with its cause, persons' TVD mean <= 0.006, engine
<= 45 s on one core; five states <= 5 min on one core and <= 2 GB, end to end <= 8 min on 2 cores.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import duckdb
import pandas as pd
from engine import plan_scenario
from measuring import measure, synthor

VERMONT = "50"
# published field -> condition on a household of the published dataset; the zone is the file's own
HOUSEHOLD_FIELDS = {
    "BG": {
        "H_TOTAL": "true",
        "H_CHILDREN": "hupac = 'children'",
        "H_NO_CHILDREN": "hupac = 'no children'",
        "H_INCOME_0_25": "hincp <= 25000",
        "H_INCOME_25_50": "hincp > 25000 AND hincp <= 50000",
        "H_INCOME_50_75": "hincp > 50000 AND hincp <= 75000",
        "H_INCOME_75_100": "hincp > 75000 AND hincp <= 100000",
        "H_INCOME_100_150": "hincp > 100000 AND hincp <= 150000",
        "H_INCOME_150PLUS": "hincp > 150000",
    },
    "TRACT": {
        "H_SIZE_1": "np = 1",
        "H_SIZE_2": "np = 2",
        "H_SIZE_3": "np = 3",
        "H_SIZE_4PLUS": "np >= 4",
        "H_NO_VEH": "veh = 0",
        "H_1ORMORE_VEHPP": "veh > 0 AND np_adults <= veh",
        "H_FEWER_VEHPP": "veh > 0 AND np_adults > veh",
    },
}


def import_scenario(data: Path, states: str, out: Path) -> Path:
    """The scenario of one state, or of all five."""
    where = [] if states == "all" else ["--where", f"STATE={states}"]
    measure(synthor("import", "populationsim", data / "acs_controls_5states", *where, "--out", out))
    return out


def recount(data: Path, states: str, run: Path) -> dict[str, float]:
    """Household cells of a published run against the published control totals, by SQL over its files."""
    database = duckdb.connect()
    files = run / "dataset" / "household" / "**" / "*.parquet"
    database.execute(f"CREATE VIEW household AS SELECT * FROM read_parquet('{files}', hive_partitioning = true)")
    missed = cells = 0
    for level, fields in HOUSEHOLD_FIELDS.items():
        wanted = pd.read_csv(data / "acs_controls_5states" / f"control_totals_{level}.csv", dtype={level: str})
        wanted = (wanted if states == "all" else wanted[wanted["STATE"] == int(states)]).set_index(level)[list(fields)]
        # A block group's code begins with its tract's eleven digits (the leading zero of a state is not written).
        zone = "CAST(bg AS VARCHAR)" + ("" if level == "BG" else "[:-2]")
        sums = ", ".join(f"count(*) FILTER ({where}) AS {field}" for field, where in fields.items())
        found = database.execute(f"SELECT {zone} AS zone, {sums} FROM household GROUP BY 1").df().set_index("zone")
        gap = wanted.sub(found.reindex(wanted.index, fill_value=0))
        missed, cells = missed + int((gap != 0).to_numpy().sum()), cells + gap.size
    return {"household cells": cells, "household cells missed": missed}


def run_command(data: Path, states: str, scenario: Path, out: Path) -> None:
    """The whole command, timed; what it published, recounted."""
    command = synthor("run", scenario, "--out", out, "--quiet", "--set", "publish_anyway=true")
    measured = measure(command)
    record = json.loads((out / "run.json").read_text())
    aggregates = pd.read_parquet(out / "aggregates.parquet")
    unnamed = int((~aggregates["within"] & aggregates["cause"].isna()).sum())
    files = list((out / "dataset").rglob("*.parquet"))
    folders = {path.parent for path in files}
    print(
        f"  command on {os.cpu_count()} cores: {measured.seconds:.1f} s wall, {measured.cpu_seconds:.1f} CPU s, "
        f"largest process {measured.peak_process_bytes / 1e6:.0f} MB, {record['batches']['committed']} batches, "
        f"{len(files)} files in "
        f"{len(folders)} partitions, {sum(path.stat().st_size for path in files) / 1e6:.0f} MB; "
        f"{recount(data, states, out)}, misses without a cause {unnamed}; {record['durations']}"
    )


def main() -> None:
    """Import, plan, and if wanted run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with acs_controls_5states")
    parser.add_argument("--states", nargs="+", default=[VERMONT, "all"], help="STATE codes, or all")
    parser.add_argument("--command", action="store_true", help="run the whole command as well")
    arguments = parser.parse_args()
    for states in arguments.states:
        with tempfile.TemporaryDirectory() as folder:
            scenario = import_scenario(arguments.data, states, Path(folder) / "scenario")
            print(f"states {states}: {plan_scenario(scenario).told()}", flush=True)
            if arguments.command:
                run_command(arguments.data, states, scenario, Path(folder) / "run")


if __name__ == "__main__":
    main()
