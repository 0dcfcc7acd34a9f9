"""A small town for tests of updates: households with persons in four districts of two sides."""

import csv
from collections.abc import Mapping
from pathlib import Path

DISTRICTS = ("d1", "d2", "d3", "d4")
SIDE = {"d1": "east", "d2": "east", "d3": "west", "d4": "west"}
SIZES = {"1": 90, "2": 110, "3": 60, "4": 40}
AGES = {"0-17": 130, "18-39": 220, "40-64": 200, "65-99": 100}
TENURE = {"owned": 180, "rented": 120}
SCENARIO = """
name: town
entities:
  household:
    variables:
      size: {type: integer, range: [1, 4]}
      tenure: {type: category, categories: [owned, rented]}
      rent: {type: number, range: [0, 2000]}
  person:
    parent: household
    count: size
    variables:
      age: {type: integer, range: [0, 99]}
zones: {variable: district, crosswalk: zones.csv, partition_by: district}
targets:
  size: {entity: household, variables: [size], zone: district, file: size.csv, measure: count, tolerance: {records: 0}}
  tenure: {entity: household, variables: [tenure], zone: district, file: tenure.csv, measure: count,
           tolerance: {records: 0}}
  age: {entity: person, variables: [age], zone: district, file: age.csv, measure: count, binds: share,
        tolerance: {share_tvd: 0.005}}
rules:
  - {name: has_adult, entity: household, then: any(person.age >= 18)}
"""
Figures = Mapping[str, Mapping[str, int]]


def write_town(folder: Path, changes: Mapping[str, Figures] | None = None, text: str = SCENARIO) -> Path:
    """The scenario; `changes`: per table and district, figures that differ."""
    folder.mkdir(parents=True)
    (folder / "scenario.yaml").write_text(text)
    _write(folder / "zones.csv", [("district", "side"), *SIDE.items()])
    for name, base in (("size", SIZES), ("tenure", TENURE), ("age", AGES)):
        rows = [
            (district, label, str((changes or {}).get(name, {}).get(district, {}).get(label, count)))
            for district in DISTRICTS
            for label, count in base.items()
        ]
        _write(folder / f"{name}.csv", [("district", name, "count"), *rows])
    return folder


def _write(path: Path, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
