"""The importer on real control totals: what it reports, and whether it finds the defects that are known of.

    python benchmarks/import_acceptance.py FOLDER_OF_ACS_CONTROLS FOLDER_OF_CALM

Imports block-group totals of the American Community Survey (whole, and one state) and PopulationSim's CALM example,
checks each scenario, and compares every imported count with the file it came from. Exits 1 if a known defect is
not reported, a count differs or a scenario cannot be checked.
"""

import argparse
import csv
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from measuring import synthor

FIELDS = re.compile(r"fields (.+?)[.](?: |$)")
KNOWN_DEFECTS = {
    "acs": [
        ("repaired", "h_income_100_150", "a typo, read as 100,001 to 150,000"),
        ("repaired", "h_no_veh", "read as exclusive"),
        ("repaired", "h_no_veh", "short by up to"),
        ("doubtful", "p_race_white", "add up to"),
        ("noted", "p_race_white", "RAC1P and HISP are two questions, and their classes overlap"),
        ("doubtful", "p_university", "add up to"),
        ("doubtful", "p_full_time", "are asked of persons of 16 or more"),
        ("doubtful", "p_mode_transit", "every count of P_MODE_TRANSIT is even"),
        ("left out", "p_mode_auto_other", "not usable as counts of persons"),
        ("left out", "BG", "zones have no totals"),
        ("noted", "BG", "repeated rows of the crosswalk"),
    ],
    "calm": [("assumed", "TRACT", "its column TRACTCE holds the same units")],
}

FOUND_BY_CHECK = {
    "acs": [
        ("reach", "sex", "group quarters"),
        ("contradiction", "veh_np_adults", "than np counts with np=2 or 3 or 4+"),
        ("total", "rac1p", "is a class counted twice in it?"),
        ("total", "schg", "does it count everybody?"),
    ],
    "calm": [],
}
"""What only comparing the tables shows: kind of finding, a table of it, and what it says."""


def main() -> int:
    """Exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("acs", type=Path)
    parser.add_argument("calm", type=Path)
    given = parser.parse_args()
    cases = [
        ("five states", given.acs, [], "acs"),
        ("Vermont", given.acs, ["--where", "STATE=50"], "acs"),
        ("CALM", given.calm, [], "calm"),
    ]
    return max([judge(*case) for case in cases])


def judge(title: str, folder: Path, flags: list[str], defects: str) -> int:
    """Import, check, compare and print one case; 0 if all is as it should be."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "scenario"
        began = time.monotonic()
        found = told("import", "populationsim", str(folder), "--out", str(out), *flags)
        seconds = time.monotonic() - began
        checked = told("check", str(out))
        compared, wrong = compare(folder, out)
    print(f"\n{title}: imported in {seconds:.1f} s; {checked['size']:,} households, zones {found['zones']}")
    for name, cells in found["tables"].items():
        print(f"  {name}: {cells:,} cells")
    for finding in found["findings"]:
        print(f"  {finding['kind']}: {finding['subject']}: {finding['text']}")
    missing = [defect for defect in KNOWN_DEFECTS[defects] if not reported(defect, found["findings"])]
    missing += [defect for defect in FOUND_BY_CHECK[defects] if not shown(defect, checked["findings"])]
    known = len(KNOWN_DEFECTS[defects]) + len(FOUND_BY_CHECK[defects])
    print(f"  known defects reported: {known - len(missing)} of {known}")
    print(f"  zones of tables compared with the files: {compared:,}, different: {wrong}")
    for defect in missing:
        print(f"  NOT REPORTED: {defect}")
    return int(bool(missing) or wrong > 0)


def told(*arguments: str) -> Any:
    """What a command prints with --json; it has to succeed."""
    done = subprocess.run([*synthor(), *arguments, "--json"], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not done.stdout:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def reported(defect: tuple[str, str, str], findings: list[dict[str, str]]) -> bool:
    """Whether a finding is of this kind, subject and text."""
    kind, subject, text = defect
    return any(f["kind"] == kind and f["subject"].startswith(subject) and text in f["text"] for f in findings)


def shown(defect: tuple[str, str, str], findings: list[dict[str, Any]]) -> bool:
    """Whether `synthor check` has a finding of this kind and text on a table."""
    kind, table, text = defect
    return any(f["kind"] == kind and table in f["tables"] and text in f["what"] for f in findings)


def compare(folder: Path, out: Path) -> tuple[int, int]:
    """Zones of tables whose published fields were looked for among the table's counts, and those that lack one."""
    fields: dict[str, dict[str, dict[str, float]]] = {}
    for path in [*folder.glob("control_totals*.csv"), *folder.glob("scaled_control_totals*.csv")]:
        add_fields(path, fields)
    targets = yaml.safe_load((out / "scenario.yaml").read_text(encoding="utf-8"))["targets"]
    found = [
        misses(out / target["file"], fields[target["zone"].upper()], FIELDS.search(target["note"])[1].split(", "))
        for target in targets.values()
    ]
    return sum(zones for zones, _ in found), sum(wrong for _, wrong in found)


def add_fields(path: Path, fields: dict[str, dict[str, dict[str, float]]]) -> None:
    """Add a file's columns: by geography, unit and field."""
    geography = "REGION" if path.stem.endswith("meta") else path.stem.removeprefix("control_totals_").upper()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            held = {name: float(value) for name, value in row.items() if re.fullmatch(r"-?\d+(\.\d+)?", value or "")}
            fields.setdefault(geography, {})[row[geography]] = held


def misses(path: Path, published: dict[str, dict[str, float]], names: list[str]) -> tuple[int, int]:
    """Zones of a table, and those in which a published field is not among the table's counts."""
    counts: dict[str, list[float]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in list(csv.reader(file))[1:]:
            counts.setdefault(row[0], []).append(float(row[-1]))
    wrong = sum(not {published[unit][name] for name in names} <= set(held) for unit, held in counts.items())
    return len(counts), wrong


if __name__ == "__main__":
    sys.exit(main())
