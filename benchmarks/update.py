"""New figures for one county of Vermont: what an update rewrites and retires, judged from the published files alone.

    python benchmarks/update.py [--base RUN] [--everywhere]

Makes (or takes) a run of scenarios/vermont, shifts 1 % of the persons of one county from one age class to another,
updates, and compares the two datasets file by file and id by id, without any of synthor's code. `--everywhere` also
solves the same shift, and two harder ones, in each of the 14 counties, without writing anything.
Bars: only that county's files differ, all targets hold, at most 2 % of its households are retired.
"""

import argparse
import csv
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np

SCENARIO = Path(__file__).parent.parent / "scenarios" / "vermont"
COUNTY, SHARE = "50021", 0.01
SHIFTS = {"18-34 to 65+": (2, 5), "50-64 to 35-49": (4, 3), "0-4 to 35-49": (0, 3)}
"""Age classes by position; in Vermont some 4 % are under 5, so that the last one takes a quarter of its class."""
MOST_RETIRED = 0.02


def shift_ages(folder: Path, county: str, share: float) -> Path:
    """A copy of the scenario in which `share` of a county's persons moved from 18-34 to 65 and more."""
    shutil.copytree(SCENARIO, folder)
    path = folder / "targets" / "age.csv"
    with path.open(newline="") as file:
        header, *rows = list(csv.reader(file))
    own = [row for row in rows if row[0] == county]
    moved = round(share * sum(float(row[2]) for row in own))
    own[2][2], own[5][2] = str(int(own[2][2]) - moved), str(int(own[5][2]) + moved)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return folder


def digests(run: Path) -> dict[str, str]:
    """SHA-256 of every file of a run's dataset."""
    root = run / "dataset"
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def churn(base: Path, updated: Path) -> "duckdb.DuckDBPyRelation":
    """Households and persons by county: kept, added and retired, from the ids in the files."""
    parts = []
    for entity in ("household", "person"):
        before, after = (f"read_parquet('{run}/dataset/{entity}/*/*.parquet')" for run in (base, updated))
        key = f"{entity}_id"
        parts.append(
            f"SELECT '{entity}' AS entity, coalesce(a.county, b.county)::VARCHAR AS county, "
            f"count(*) FILTER (a.{key} IS NOT NULL AND b.{key} IS NOT NULL) AS kept, "
            f"count(*) FILTER (a.{key} IS NULL) AS added, count(*) FILTER (b.{key} IS NULL) AS retired "
            f"FROM {before} a FULL JOIN {after} b USING ({key}) GROUP BY ALL"
        )
    return duckdb.sql(" UNION ALL ".join(parts) + " ORDER BY entity, county")


def judge(base: Path, updated: Path) -> bool:
    """Print the churn and say whether the bars are met."""
    before, after = digests(base), digests(updated)
    changed = sorted(name for name in after if before.get(name) != after[name])
    is_local = bool(changed) and all(f"county={COUNTY}/" in name for name in changed) and set(before) <= set(after)
    rows = churn(base, updated).fetchall()
    print(f"{'entity':<10} {'county':<7} {'kept':>8} {'added':>7} {'retired':>8} {'share':>8}")
    for entity, county, kept, added, retired in rows:
        print(f"{entity:<10} {county:<7} {kept:>8,} {added:>7,} {retired:>8,} {retired / (kept + retired):>8.2%}")
    (own,) = [row for row in rows if row[:2] == ("household", COUNTY)]
    share = own[4] / (own[2] + own[4])
    record = json.loads((updated / "run.json").read_text())
    told = {name: record["update"][name] for name in ("kept", "added", "retired")}
    cells = duckdb.sql(f"SELECT count(*), count(*) FILTER (within) FROM '{updated}/aggregates.parquet'")
    (aggregates,) = cells.fetchall()
    print(f"files: {len(changed)} new or changed, {len(after) - len(changed)} as before; {COUNTY} alone: {is_local}")
    print(f"run.json: {told}; cells within tolerance: {aggregates[1]} of {aggregates[0]}")
    print(f"households of {COUNTY} retired: {share:.2%} (bar: {MOST_RETIRED:.0%})")
    return is_local and share <= MOST_RETIRED and aggregates[0] == aggregates[1]


def solve_everywhere(base: Path) -> None:
    """Share of households and persons retired by each shift in each county, as planned; nothing is written."""
    from functools import reduce

    from adapters.dataset import read_commits
    from adapters.run_folder import RunFolder
    from adapters.update_lineage import read_present
    from schemas.settings import RunSettings
    from synthesis.aggregates import dense_counts, merge_counts, no_counts
    from synthesis.aims import build_aims
    from synthesis.update_aims import moved_targets, retained_aims
    from synthesis.update_plan import change_unit
    from tasks.context import load_context

    run = RunFolder(base.absolute())
    stored = run.read_run()
    settings = RunSettings.model_validate(stored["settings"])
    context = load_context(str(run.root), stored["scenario"]["fingerprint"], settings)
    scenario, grids = context.scenario, context.coder.grids
    commits = (dense_counts(scenario, commit["counts"]) for commit in read_commits(run.records, scenario))
    counts = reduce(merge_counts, commits, no_counts(scenario))
    print(f"{'retired':<8} " + " ".join(f"{name + ' (households, persons)':>38}" for name in SHIFTS) + "   CPU s")
    for unit in context.units:
        present, cells, began = read_present(run, scenario, grids, unit.zone_array), [], time.process_time()
        for giver, taker in SHIFTS.values():
            (age,) = (table for table in scenario.tables if table.name == "age")
            target = age.target.copy()
            step = SHARE * target[unit.index].sum()
            target[unit.index, giver] -= step
            target[unit.index, taker] += step
            tables = tuple(replace(t, target=target) if t.name == "age" else t for t in scenario.tables)
            after = replace(scenario, tables=tables)
            aims = build_aims(after, settings.size)
            missed = moved_targets(scenario, after, context.aims, aims, counts)
            aims, coder = retained_aims(after, aims, counts, missed), replace(context.coder, scenario=after)
            change = change_unit(coder, settings, aims, unit, present.plan, present.counts, 3)
            members = present.plan.atoms.members_per_root()
            households = change.retired.sum() / present.counts.sum()
            persons = (members * change.retired).sum() / (members * present.counts).sum()
            cells.append(f"{households:.2%}, {persons:.2%}")
        name = scenario.zones.names["county"][unit.index]
        spent = (time.process_time() - began) / len(SHIFTS)
        print(f"{name:<8} " + " ".join(f"{cell:>38}" for cell in cells) + f" {spent:>7.2f}", flush=True)


def synthor(*arguments: str | Path) -> float:
    """Run a command of synthor; its CPU seconds."""
    import resource

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "cli.main", *map(str, arguments)], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Exit code 0 if the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, help="a published run of scenarios/vermont")
    parser.add_argument("--everywhere", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        base = given.base or folder / "base"
        if given.base is None:
            synthor("run", SCENARIO, "--out", base, "--quiet")
        shifted = shift_ages(folder / "scenario", COUNTY, SHARE)
        began = time.monotonic()
        cpu = synthor("update", base, shifted, "--out", folder / "updated")
        print(f"update: {time.monotonic() - began:.1f} s wall, {cpu:.1f} s CPU (numpy {np.__version__})\n")
        is_met = judge(base, folder / "updated")
        if given.everywhere:
            print()
            solve_everywhere(base)
    return 0 if is_met else 1


if __name__ == "__main__":
    sys.exit(main())
