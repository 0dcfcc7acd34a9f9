"""The Oregon scenario: rule-consistent targets counted from real families, in three sets of growing size.

What is counted is what statistical offices publish; each table names one that is like it. The micro-data themselves
serve as the truth that the answers are compared with, and no run sees them.
"""

import shutil
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

PRIOR = Path(__file__).parent / "oregon_prior.yaml"
AGE = (0, 5, 10, 15, 18, 25, 35, 45, 55, 65, 75, 85, 100)
HOUSEHOLD_INCOME_GROUPS = (0, 15_000, 25_000, 50_000, 75_000, 100_000, 5_000_001)
HOUSEHOLD_INCOME = (0, 10_000, 15_000, 25_000, 35_000, 50_000, 75_000, 100_000, 150_000, 200_000, 5_000_001)
INCOME = (0, 1, 10_000, 15_000, 25_000, 35_000, 50_000, 75_000, 100_000, 150_000, 200_000, 300_000, 1_000_001)
AGE_GROUPS = (0, 18, 35, 65, 100)
INCOME_GROUPS = (0, 1, 15_000, 25_000, 50_000, 75_000, 100_000, 1_000_001)
CLASSES = {"age": AGE, "income": INCOME, "household_income": HOUSEHOLD_INCOME}
GROUPED = {
    "age groups": ("age", AGE_GROUPS),
    "income groups": ("income", INCOME_GROUPS),
    "household income groups": ("household_income", HOUSEHOLD_INCOME_GROUPS),
}
CATEGORIES = {
    "tenure": ("Owned", "Rented"),
    "householder_type": ("Couple", "Single Male", "Single Female"),
    "race": ("White", "Black", "Indian", "Asian", "Combined"),
    "education": ("Preschool", "Elementary", "High School", "Bachelor", "Master", "Doctorate"),
    "employment": ("Under 16", "Employed", "Unemployed", "Military"),
    "children_present": ("with children", "without children"),
    "elderly_present": ("with elderly", "without elderly"),
}
NUMBERS = {
    "num_persons": range(2, 6),
    "num_vehicles": range(7),
    "children": range(6),
    "elderly": range(6),
    "workers": range(6),
}
MARGINALS = [
    ("household", ("num_persons",), "B11016"),
    ("household", ("tenure",), "B25003"),
    ("household", ("householder_type",), "B11001"),
    ("household", ("num_vehicles",), "B08201"),
    ("person", ("age",), "B01001"),
    ("person", ("race",), "B02001"),
    ("person", ("education",), "B15003"),
    ("person", ("employment",), "B23025"),
    ("person", ("income",), "B06010"),
]
JOINTS = [
    ("household", ("num_persons", "tenure"), "B25009"),
    ("household", ("householder_type", "tenure"), "B25115"),
    ("household", ("tenure", "num_vehicles"), "B25044"),
    ("household", ("num_persons", "num_vehicles"), "B08201"),
    ("person", ("age", "employment"), "B23001"),
    ("person", ("age", "education"), "B15001"),
    ("person", ("age groups", "race"), "B01001A-G"),
    ("person", ("age groups", "income groups"), "PINC-01"),
    ("person", ("employment", "education"), "B23006"),
    ("person", ("employment", "income groups"), "B20005"),
]
MEMBER_BY_HOUSEHOLD = [
    ("person", ("age groups", "num_persons"), "B25116"),
    ("person", ("age groups", "tenure"), "B25007"),
    ("person", ("age groups", "householder_type"), "B09002"),
    ("person", ("age groups", "num_vehicles"), "B25045"),
    ("person", ("employment", "householder_type"), "B23001 within family types"),
    ("person", ("income groups", "tenure"), "B25121"),
    ("person", ("race", "tenure"), "B25003A-G"),
    ("household", ("children", "householder_type"), "B11003"),
    ("household", ("elderly", "num_persons"), "B11007"),
    ("household", ("children_present", "elderly_present"), "B11005 within B11007"),
    ("household", ("workers", "num_persons"), "B08202"),
    ("household", ("workers", "num_vehicles"), "B08203"),
    ("household", ("workers", "householder_type"), "B23009"),
    ("household", ("household_income", "tenure"), "B25118"),
    ("household", ("household income groups", "householder_type"), "B19131"),
    ("household", ("household income groups", "elderly_present"), "B19037"),
]
SETS = {
    "marginals": MARGINALS,
    "joints": MARGINALS + JOINTS,
    "member by household": MARGINALS + JOINTS + MEMBER_BY_HOUSEHOLD,
}
RULES = [
    ("child_is_in_preschool", "person", "age < 5", 'education == "Preschool"', "under 5"),
    (
        "minor_has_no_degree",
        "person",
        "age < 18",
        'education in ("Preschool", "Elementary", "High School")',
        "under 18",
    ),
    ("too_young_to_work", "person", "age < 16", 'employment == "Under 16"', "employment is asked from 16"),
    ("old_enough_to_work", "person", "age >= 16", 'employment != "Under 16"', "employment is asked from 16"),
    ("couple_is_two_adults", "household", 'householder_type == "Couple"', "count(person.age >= 18) >= 2", "a couple"),
]
"""The paper's realism rules; ranges, categories and the number of members are checked by every run anyway."""


@dataclass(frozen=True)
class Population:
    """Households and persons, one row each, columns as the scenario calls them, linked by `household`."""

    households: pd.DataFrame
    persons: pd.DataFrame

    def column(self, entity: str, name: str) -> pd.Series:
        """A variable as seen from an entity."""
        if entity == "household":
            return self.households[name]
        if name in self.persons:
            return self.persons[name]
        return self.households.set_index("household")[name].loc[self.persons["household"]].reset_index(drop=True)


def real_population(folder: Path) -> Population:
    """The families of the micro-data."""
    households = pd.read_parquet(folder / "households.parquet")
    persons = pd.read_parquet(folder / "persons.parquet")
    renamed = {"SERIALNO": "household", "NP": "num_persons", "householder": "householder_type", "VEH": "num_vehicles"}
    households = households.rename(columns=renamed)[[*renamed.values(), "tenure"]].reset_index(drop=True)
    persons = persons.rename(columns={"SERIALNO": "household", "AGEP": "age"})
    # Rule-consistent: the survey has some of 3 and 4 at elementary school.
    persons.loc[persons["age"] < 5, "education"] = "Preschool"
    names = ["household", "age", "race", "education", "employment", "income"]
    return with_derived(Population(households, persons[names].reset_index(drop=True).astype({"income": int})))


def with_derived(population: Population) -> Population:
    """The population with what the scenario derives for households, counted here by other means."""
    persons, households = population.persons, population.households.set_index("household")
    parent = persons["household"]
    households["children"] = (persons["age"] < 18).groupby(parent).sum()
    households["elderly"] = (persons["age"] >= 65).groupby(parent).sum()
    households["workers"] = (persons["employment"] == "Employed").groupby(parent).sum()
    households["household_income"] = persons["income"].groupby(parent).sum()
    for name, (some, none) in (
        ("children", CATEGORIES["children_present"]),
        ("elderly", CATEGORIES["elderly_present"]),
    ):
        households[f"{name}_present"] = np.where(households[name] > 0, some, none)
    return Population(households.reset_index(), persons)


def write_scenario(folder: Path, population: Population, targets: str, with_prior: bool) -> None:
    """The scenario folder of one set of targets, with the prior or without."""
    (folder / "targets").mkdir(parents=True)
    named = {"_by_".join(names).replace(" ", "_"): (entity, names, source) for entity, names, source in SETS[targets]}
    if with_prior:
        (folder / "prior").mkdir()
        shutil.copyfile(PRIOR, folder / "prior" / "prior.yaml")
    specs = {}
    for table, (entity, names, source) in named.items():
        counted = count(population, entity, names)
        counted.to_csv(folder / "targets" / f"{table}.csv", index=False)
        specs[table] = {
            "entity": entity,
            "variables": [GROUPED.get(name, (name,))[0] for name in names],
            "file": f"targets/{table}.csv",
            "measure": "count",
            "binds": "count",
            "tolerance": {"records": 3},
            "note": f"like table {source} of the American Community Survey",
        }
    document = {
        "name": "oregon",
        "title": f"Families of 2-5 in a part of Oregon, {targets}",
        "size": len(population.households),
        "entities": _entities(),
        "targets": specs,
        "rules": [
            {"name": name, "entity": entity, "then": then, "reason": reason} | ({"when": when} if when else {})
            for name, entity, when, then, reason in RULES
        ],
    }
    (folder / "scenario.yaml").write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def count(population: Population, entity: str, names: tuple[str, ...]) -> pd.DataFrame:
    """Records per cell, every cell listed."""
    columns = {}
    for name in names:
        variable, edges = GROUPED.get(name, (name, CLASSES.get(name)))
        columns[variable] = _labels(variable, population.column(entity, variable), edges)
    return pd.DataFrame(columns).groupby(list(columns), observed=False).size().rename("count").reset_index()


def _labels(name: str, values: pd.Series, edges: tuple[int, ...] | None) -> pd.Categorical:
    if name in CATEGORIES:
        return pd.Categorical(values, CATEGORIES[name])
    if edges is None:
        return pd.Categorical(values.astype(str), [str(level) for level in NUMBERS[name]])
    labels = [f"{low}-{high - 1}" for low, high in pairwise(edges)]
    return pd.Categorical.from_codes(np.searchsorted(edges, values, side="right") - 1, labels)


def _entities() -> dict[str, object]:
    def category(name: str) -> dict[str, object]:
        return {"type": "category", "categories": list(CATEGORIES[name])}

    household = {
        "num_persons": {"type": "integer", "range": [2, 5]},
        "tenure": category("tenure"),
        "householder_type": category("householder_type"),
        "num_vehicles": {"type": "integer", "range": [0, 6]},
    }
    person = {
        "age": {"type": "integer", "range": [0, 99], "unit": "years"},
        "race": category("race"),
        "education": category("education"),
        "employment": category("employment"),
        "income": {"type": "integer", "range": [0, 1_000_000], "unit": "USD per year"},
    }

    def counted(where: str) -> dict[str, object]:
        return {"type": "integer", "range": [0, 5], "value": f"count({where})"}

    def present(where: str, name: str) -> dict[str, object]:
        some, none = CATEGORIES[name]
        return {"type": "category", "cases": [{"when": f"any({where})", "value": some}, {"otherwise": none}]}

    derived = {
        "children": counted("person.age < 18"),
        "elderly": counted("person.age >= 65"),
        "workers": counted('person.employment == "Employed"'),
        "children_present": present("person.age < 18", "children_present"),
        "elderly_present": present("person.age >= 65", "elderly_present"),
        "household_income": {"type": "integer", "range": [0, 5_000_000], "value": "sum(person.income)"},
    }
    return {
        "household": {"variables": household, "derived": derived},
        "person": {"parent": "household", "count": "num_persons", "variables": person},
    }
