"""Vermont with and without its prior, against joints of real families that no run has seen.

    python benchmarks/vermont_heldout.py DATA [--random-seed 0]

DATA holds acs2018_12states_households (ACS 2018 1-year micro-data, families of 2-5 members; ST 50 is Vermont). Each
joint is compared with its margins removed: the synthetic table is raked to the real one's margins, so that what is
left is the dependence, and the total variation distance is taken. The noise is that of the micro-data: the same
distance of 200 bootstrap samples of its households, mean and 95th percentile.
Bars: age x worker status <= 0.04 with the prior, age x sex and age x race within the noise (95th percentile).
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
from measuring import measure, synthor

SCENARIO = Path(__file__).parent.parent / "scenarios" / "vermont"
VERMONT = 50
BOOTSTRAPS = 200
AGES = (0, 5, 18, 25, 35, 45, 55, 65, 75, 100)
WORKING_AGES = (16, 18, 25, 35, 45, 55, 62, 65, 75, 100)
RACES = {"White": "white", "Black": "black", "Asian": "asian or pacific islander"}
WORKS = {
    "full time": "works",
    "part time": "works",
    "not working": "does not",
    "Employed": "works",
    "Military": "works",
}
JOINTS = {"age x worker status": ("worker", WORKING_AGES), "age x sex": ("sex", AGES), "age x race": ("race", AGES)}
BAR = 0.04


def real_persons(folder: Path) -> pd.DataFrame:
    """Members of Vermont's families, with the survey's weights."""
    persons = pd.read_parquet(folder / "persons.parquet").query("ST == @VERMONT")
    return pd.DataFrame(
        {
            "household": persons["SERIALNO"].to_numpy(),
            "weight": persons["PWGTP"].to_numpy(float),
            "age": persons["AGEP"].to_numpy(),
            "sex": persons["sex"].str.lower().to_numpy(),
            "race": persons["race"].map(RACES).fillna("other or several").to_numpy(),
            "worker": persons["employment"].map(WORKS).fillna("does not").to_numpy(),
        }
    )


def synthetic_persons(run: Path) -> pd.DataFrame:
    """Members of households of 2-5, from the published files alone."""
    households = ds.dataset(run / "dataset" / "household", partitioning="hive").to_table().to_pandas()
    persons = ds.dataset(run / "dataset" / "person", partitioning="hive").to_table().to_pandas()
    inside = households.loc[households["household_size"].between(2, 5), "household_id"]
    persons = persons[persons["household_id"].isin(inside)]
    worker = persons["work"].astype(str).map(WORKS).fillna("does not")
    return pd.DataFrame(
        {
            "household": persons["household_id"].to_numpy(),
            "weight": 1.0,
            "age": persons["age"].to_numpy(),
            "sex": persons["sex"].astype(str).to_numpy(),
            "race": persons["race"].astype(str).to_numpy(),
            "worker": worker.to_numpy(),
        }
    )


def joint(persons: pd.DataFrame, other: str, edges: tuple[int, ...], labels: list[str]) -> np.ndarray:
    """Shares of age class x category."""
    inside = persons[persons["age"] >= edges[0]]
    rows = np.searchsorted(edges, inside["age"], side="right") - 1
    columns = np.searchsorted(labels, inside[other])
    table = np.zeros((len(edges) - 1, len(labels)))
    np.add.at(table, (rows, columns), inside["weight"])
    return table / table.sum()


def conditional_tvd(table: np.ndarray, reference: np.ndarray) -> float:
    """Distance from the reference once the table has the reference's margins."""
    fitted = np.maximum(table, 1e-9)
    for _ in range(500):
        fitted *= (reference.sum(axis=1) / fitted.sum(axis=1))[:, None]
        fitted *= reference.sum(axis=0) / fitted.sum(axis=0)
    return float(0.5 * np.abs(fitted - reference).sum())


def noise(persons: pd.DataFrame, other: str, edges: tuple[int, ...], labels: list[str]) -> tuple[float, float]:
    """Mean and 95th percentile of the distance of bootstrap samples of households."""
    rng = np.random.default_rng(0)
    reference = joint(persons, other, edges, labels)
    codes = pd.factorize(persons["household"])[0]
    distances = []
    for _ in range(BOOTSTRAPS):
        times = np.bincount(rng.integers(0, codes.max() + 1, codes.max() + 1), minlength=codes.max() + 1)
        sample = persons.assign(weight=persons["weight"] * times[codes])
        distances.append(conditional_tvd(joint(sample, other, edges, labels), reference))
    return float(np.mean(distances)), float(np.quantile(distances, 0.95))


def main() -> None:
    """Print one JSON object; exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--random-seed", type=int, default=0)
    given = parser.parse_args()
    real = real_persons(given.data / "acs2018_12states_households")
    found: dict[str, dict[str, float]] = {name: {} for name in JOINTS}
    with tempfile.TemporaryDirectory() as scratch:
        for label, options in (("without", ["--no-prior"]), ("with", [])):
            run = Path(scratch) / label
            seed = ["--random-seed", str(given.random_seed)]
            measure(synthor("run", SCENARIO, "--out", run, "--quiet", *seed, *options))
            synthetic = synthetic_persons(run)
            for name, (other, edges) in JOINTS.items():
                labels = sorted({*real[other]} | {*synthetic[other]})
                reference = joint(real, other, edges, labels)
                found[name][label] = conditional_tvd(joint(synthetic, other, edges, labels), reference)
    for name, (other, edges) in JOINTS.items():
        mean, high = noise(real, other, edges, sorted({*real[other]}))
        found[name] |= {"noise mean": mean, "noise 95 %": high, "bar": BAR if other == "worker" else high}
    is_met = all(row["with"] <= row["bar"] for row in found.values())
    rounded = {name: {key: round(value, 4) for key, value in row.items()} for name, row in found.items()}
    size = {"families": int(real["household"].nunique()), "persons": len(real)}
    print(json.dumps({"real": size, "joints": rounded, "bars met": is_met}, indent=2))
    raise SystemExit(0 if is_met else 1)


if __name__ == "__main__":
    main()
