"""A scenario folder with the defects that real control totals have, in small: 24 tracts of two block groups."""

from pathlib import Path

import numpy as np

from tests.adapters.examples import write_folder

SCENARIO = """\
name: defects
entities:
  household:
    variables:
      size: {type: integer, range: [1, 7]}
      vehicles: {type: integer, range: [0, 6]}
    derived:
      adults: {type: integer, range: [0, 7], value: count(person.age >= 18)}
  person:
    parent: household
    count: size
    variables:
      age: {type: integer, range: [0, 99]}
      sex: {type: category, categories: [female, male]}
      race: {type: category, categories: [one, several]}
      university: {type: category, categories: [enrolled, not enrolled]}
      work: {type: category, categories: [working, not working, under 16]}
      commute: {type: category, categories: [car, transit]}
zones: {variable: bg, crosswalk: zones.csv}
targets:
  size: {entity: household, variables: [size], zone: bg, measure: count, file: targets/size.csv}
  no_car: {entity: household, variables: [vehicles], zone: tract, measure: count, universe: vehicles == 0,
    file: targets/no_car.csv}
  fewer: {entity: household, variables: [vehicles], zone: tract, measure: count, universe: vehicles < adults,
    file: targets/fewer.csv}
  enough: {entity: household, variables: [vehicles], zone: tract, measure: count, universe: vehicles >= adults,
    file: targets/enough.csv}
  age: {entity: person, variables: [age], zone: bg, measure: count, file: targets/age.csv}
  sex: {entity: person, variables: [sex], zone: bg, measure: count, file: targets/sex.csv}
  race: {entity: person, variables: [race], zone: bg, measure: count, file: targets/race.csv}
  university: {entity: person, variables: [university], zone: bg, measure: count, file: targets/university.csv}
  work: {entity: person, variables: [work], zone: bg, measure: count, universe: age >= 16, file: targets/work.csv}
  commute: {entity: person, variables: [commute], zone: tract, measure: count, file: targets/commute.csv}
rules:
  - {name: young, entity: person, when: age < 16, then: work == "under 16"}
  - {name: old, entity: person, when: age >= 16, then: work != "under 16"}
"""
TRACTS, GROUPS = 24, 48
DORMITORY = 6000
"""Persons in group quarters of the first block group, who live in no household."""


def write_defects(folder: Path) -> Path:
    """The scenario folder; its crosswalk repeats a row."""
    rng = np.random.default_rng(8)
    groups = [f"{tract:02d}{part}" for tract in range(TRACTS) for part in (1, 2)]
    tracts = [f"{tract:02d}" for tract in range(TRACTS)]
    sizes = rng.integers(60, 140, (GROUPS, 4))
    ages = np.column_stack([sizes @ [0, 0, 1, 1] // 6, sizes @ [0, 0, 1, 2] // 2, sizes @ [1, 2, 2, 2]])
    ages[0, 2] += DORMITORY
    persons = ages.sum(axis=1)
    several = np.floor(persons * rng.uniform(0.01, 0.2, GROUPS)).astype(int)
    homes = sizes.reshape(TRACTS, 2, 4).sum(axis=(1, 2))
    no_car, fewer = homes // 10, homes // 3
    commuters = persons.reshape(TRACTS, 2).sum(axis=1)
    transit = 2 * rng.integers(1, 40, TRACTS)
    over_16 = (ages[:, 1] * 2 / 13 + ages[:, 2]).astype(int)
    cells = {
        "size": ("bg", "size", dict(zip(("1", "2", "3", "4+"), sizes.T, strict=True))),
        "no_car": ("tract", "vehicles", {"0-6": no_car}),
        "fewer": ("tract", "vehicles", {"0-6": fewer}),
        "enough": ("tract", "vehicles", {"0-6": homes - no_car - fewer}),
        "age": ("bg", "age", dict(zip(("0-4", "5-17", "18+"), ages.T, strict=True))),
        "sex": ("bg", "sex", {"female": persons // 2, "male": persons - persons // 2}),
        "race": ("bg", "race", {"one": persons - several, "several": 2 * several}),
        "university": ("bg", "university", {"enrolled": persons // 9, "not enrolled": persons * 0}),
        "work": (
            "bg",
            "work",
            {"working": over_16 * 7 // 10, "not working": over_16 * 5 // 10, "under 16": over_16 * 0},
        ),
        "commute": ("tract", "commute", {"car": commuters | 1, "transit": transit}),
    }
    over_3 = persons - ages[:, 0] * 3 // 5
    cells["university"][2]["not enrolled"] = over_3 - persons // 9
    files = {"scenario.yaml": SCENARIO, "zones.csv": _crosswalk(groups)}
    for name, (level, variable, columns) in cells.items():
        names = groups if level == "bg" else tracts
        rows = [f"{zone},{label},{counts[i]}" for i, zone in enumerate(names) for label, counts in columns.items()]
        files[f"targets/{name}.csv"] = "\n".join([f"{level},{variable},count", *rows]) + "\n"
    return write_folder(folder, files)


def _crosswalk(groups: list[str]) -> str:
    rows = [f"{group},{group[:2]}" for group in groups]
    return "\n".join(["bg,tract", *rows, rows[4]]) + "\n"
