"""Derives the figures of `scenarios/vermont` from published tables; run once, kept to be checked.

    python benchmarks/derive_vermont.py DATA [--out SCENARIO]

DATA is a folder that is not shipped with the project. It must hold

- `acs_controls_5states/control_totals_BG.csv` and `control_totals_TRACT.csv`: American Community Survey
  2015-2019 5-year counts of households and persons for five states, in PopulationSim's input format. The rows
  of Vermont (STATE 50) are summed by COUNTY: block groups for income, children and persons, tracts for
  household size and vehicles per adult. Nothing is scaled, rounded or corrected.
- `acs_tables_moe/acs_tables_long.parquet`: table B08301 (means of transportation to work), 2012-2016 5-year,
  by county. Its leaf rows are grouped into seven classes and divided by the county's total.

Both are works of the U.S. Census Bureau in the public domain. `targets/household_size_4plus.csv` is an
assumption and not derived from anything, so it is not written here.
"""

import argparse
from pathlib import Path

import pandas as pd

VERMONT = 50
COUNTY_PREFIX = "0500000US"
SHARE_DECIMALS = 6

# table and variable -> published field -> category
COUNT_TABLES = {
    "household_size": {"H_SIZE_1": "1", "H_SIZE_2": "2", "H_SIZE_3": "3", "H_SIZE_4PLUS": "4+"},
    "vehicles_per_adult": {
        "H_NO_VEH": "no vehicle",
        "H_FEWER_VEHPP": "fewer than one per adult",
        "H_1ORMORE_VEHPP": "one or more per adult",
    },
    "children_present": {"H_CHILDREN": "with children", "H_NO_CHILDREN": "without children"},
    "income": {
        "H_INCOME_0_25": "0-24999",
        "H_INCOME_25_50": "25000-49999",
        "H_INCOME_50_75": "50000-74999",
        "H_INCOME_75_100": "75000-99999",
        "H_INCOME_100_150": "100000-149999",
        "H_INCOME_150PLUS": "150000+",
    },
    "sex": {"P_FEMALE": "female", "P_MALE": "male"},
    "age": {
        "P_AGE_0_4": "0-4",
        "P_AGE_5_17": "5-17",
        "P_AGE_18_34": "18-34",
        "P_AGE_35_49": "35-49",
        "P_AGE_50_64": "50-64",
        "P_AGE_65PLUS": "65+",
    },
    "race": {
        "P_RACE_WHITE": "white",
        "P_RACE_BLACK": "black",
        "P_RACE_AAPI": "asian or pacific islander",
        "P_RACE_OTHER": "other or several",
    },
    "hispanic": {"P_HISPANIC": "hispanic", "P_NON_HISPANIC": "not hispanic"},
    "university": {"P_UNIVERSITY": "enrolled", "P_NON_UNIVERSITY": "not enrolled"},
    "work": {"P_FULL_TIME": "full time", "P_PART_TIME": "part time", "P_NON_WORKER": "not working"},
}

# class -> leaf rows of B08301; 001 is the total, 002 and 005-009, 011-015 repeat what these hold
COMMUTE_ROWS = {
    "drove alone": ("003",),
    "carpooled": ("004",),
    "public transportation": ("010",),
    "walked": ("019",),
    "bicycle": ("018",),
    "taxi motorcycle or other": ("016", "017", "020"),
    "worked from home": ("021",),
}


def read_county_counts(folder: Path) -> pd.DataFrame:
    """Published fields by county; households agree between the block-group and the tract file."""
    sums = []
    for name in ("control_totals_BG.csv", "control_totals_TRACT.csv"):
        rows = pd.read_csv(folder / name).query(f"STATE == {VERMONT}")
        sums.append(rows.groupby("COUNTY").sum(numeric_only=True).filter(regex="^[HP]_"))
    counts = pd.concat(sums, axis=1, verify_integrity=True)
    for table in ("household_size", "vehicles_per_adult", "children_present", "income"):
        if not counts[list(COUNT_TABLES[table])].sum(axis=1).equals(counts["H_TOTAL"]):
            raise ValueError(f"{table!r} does not add up to H_TOTAL in every county")
    return counts


def read_zones(folder: Path) -> pd.DataFrame:
    """Vermont's counties; NAME reads 'Block Group 2, Census Tract 9554, Washington County, Vermont'."""
    rows = pd.read_csv(folder / "control_totals_BG.csv").query(f"STATE == {VERMONT}")
    names = rows["NAME"].str.split(", ", expand=True)
    zones = pd.DataFrame({"county": rows["COUNTY"], "county_name": names[2], "state": names[3]})
    return zones.drop_duplicates().sort_values("county")


def read_commute_shares(path: Path) -> pd.DataFrame:
    """Share of each commute class among a county's workers; the classes add up to the published total."""
    cells_long = pd.read_parquet(path)
    in_vermont = cells_long["geo_id"].str.startswith(f"{COUNTY_PREFIX}{VERMONT}")
    rows = cells_long[in_vermont & (cells_long["table"] == "B08301")]
    cells = rows.pivot(index="geo_id", columns="cell", values="estimate")
    cells.index = cells.index.str.removeprefix(COUNTY_PREFIX)
    classes = {label: cells[[f"B08301_{row}" for row in leaves]].sum(axis=1) for label, leaves in COMMUTE_ROWS.items()}
    workers = pd.DataFrame(classes)
    if not workers.sum(axis=1).equals(cells["B08301_001"]):
        raise ValueError("the commute classes do not add up to B08301_001 in every county")
    return workers.div(cells["B08301_001"], axis=0).round(SHARE_DECIMALS)


def lengthen(wide: pd.DataFrame, variable: str, measure: str) -> pd.DataFrame:
    """One row per county and category, counties in the order of their codes."""
    return wide.rename_axis(index="county", columns=variable).stack().reset_index(name=measure)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n")


def main() -> None:
    """Write zones.csv and the derived target tables."""
    parser = argparse.ArgumentParser(description="Derive the figures of scenarios/vermont.")
    parser.add_argument("data", type=Path, help="folder with acs_controls_5states and acs_tables_moe")
    scenario = Path(__file__).resolve().parents[1] / "scenarios" / "vermont"
    parser.add_argument("--out", type=Path, default=scenario, help="scenario folder")
    arguments = parser.parse_args()
    controls, targets = arguments.data / "acs_controls_5states", arguments.out / "targets"
    targets.mkdir(parents=True, exist_ok=True)
    write_csv(read_zones(controls), arguments.out / "zones.csv")
    counts = read_county_counts(controls)
    for variable, labels in COUNT_TABLES.items():
        categories = counts[list(labels)].rename(columns=labels)
        write_csv(lengthen(categories, variable, "count"), targets / f"{variable}.csv")
    shares = read_commute_shares(arguments.data / "acs_tables_moe" / "acs_tables_long.parquet")
    write_csv(lengthen(shares, "commute", "share"), targets / "commute.csv")


if __name__ == "__main__":
    main()
