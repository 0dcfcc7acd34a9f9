"""How well values inside published bins match micro-data that no table saw: Wasserstein-1, by way of spreading them.

    python benchmarks/inside_bins.py DATA [--splits 5]

DATA holds `acs2018_12states_households` and `acs_oregon_households` (American Community Survey micro-data, not shipped
with the project). Their households are split in two halves at random. One half is counted in bins as statistical
offices publish them; values are then drawn from these counts alone, and compared with the other half. `even` spreads
a bin's records evenly, `PCHIP` draws from SciPy's monotone cubic through the cumulative counts, `synthor` from the
densities of a run. `noise` is the distance of the two halves themselves.
"""

import argparse
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.interpolate import PchipInterpolator
from scipy.stats import wasserstein_distance

from schemas.model import Axis, Entity, Scenario, TargetTable, Tolerance, Variable
from synthesis.binning import build_grids
from synthesis.cells import build_coder
from synthesis.plan import draw_in_atoms, draw_in_cells

VERMONT_AGES = (0, 5, 18, 35, 50, 65, 100)
FIVE_YEARS = (*range(0, 90, 5), 100)
VERMONT_INCOMES = (0, 25_000, 50_000, 75_000, 100_000, 150_000, 500_001)
B19001_INCOMES = (0, *range(10_000, 55_000, 5_000), 60_000, 75_000, 100_000, 125_000, 150_000, 200_000, 500_001)
"""Edges of published classes; the last class is open and ends at the bound that a scenario would state."""


@dataclass(frozen=True)
class Case:
    """A variable of a file, the household of each value, and the bins it is published in."""

    name: str
    values: np.ndarray
    household: np.ndarray
    edges: tuple[int, ...]


def read_cases(folder: Path) -> list[Case]:
    """Ages and household incomes of both files; losses count as no income, incomes beyond the bound are left out."""
    found = []
    for source, shown in (("acs2018_12states_households", "12 states"), ("acs_oregon_households", "Oregon")):
        persons = pd.read_parquet(folder / source / "persons.parquet")
        incomes = persons.groupby("SERIALNO").income.sum().clip(lower=0)
        incomes = incomes[incomes < VERMONT_INCOMES[-1]]
        ages = persons.AGEP.to_numpy().astype(float), pd.factorize(persons.SERIALNO)[0]
        by_household = incomes.to_numpy().astype(float), np.arange(len(incomes))
        found += [
            Case(f"age, {shown}, 6 classes", *ages, VERMONT_AGES),
            Case(f"age, {shown}, 5-year classes", *ages, FIVE_YEARS),
            Case(f"income, {shown}, 6 classes", *by_household, VERMONT_INCOMES),
            Case(f"income, {shown}, 16 classes", *by_household, B19001_INCOMES),
        ]
    return found


def scenario_of(edges: np.ndarray, counts: np.ndarray) -> Scenario:
    """The smallest scenario with such a table."""
    labels = tuple(f"{low:g}-{high - 1:g}" for low, high in itertools.pairwise(edges[:-1]))
    axis = Axis("x", (*labels, f"{edges[-2]:g}+"), edges[:-1], edges[1:])
    table = TargetTable("x", "record", (axis,), counts[None], "count", "count", Tolerance("records", 0))
    variable = Variable("x", "integer", low=edges[0], high=edges[-1] - 1)
    return Scenario("inside bins", Entity("record", (variable,)), (table,), size=int(counts.sum()))


def draw_synthor(edges: np.ndarray, counts: np.ndarray, bins: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    scenario = scenario_of(edges, counts)
    return draw_in_cells(build_coder(scenario, build_grids(scenario)).grids, "record", "x", bins, rng)


def draw_even(edges: np.ndarray, counts: np.ndarray, bins: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return draw_in_atoms(edges, "integer", bins, rng)


def draw_pchip(edges: np.ndarray, counts: np.ndarray, bins: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    below = np.concatenate(([0.0], np.cumsum(counts)))
    points = np.unique(np.concatenate([np.linspace(*ends, 200) for ends in itertools.pairwise(edges)]))
    cumulative = PchipInterpolator(edges, below)(points)
    return np.floor(np.interp(below[bins] + rng.random(len(bins)) * counts[bins], cumulative, points))


WAYS: dict[str, Callable[..., np.ndarray]] = {"even": draw_even, "PCHIP": draw_pchip, "synthor": draw_synthor}


def measure(case: Case, random_seed: int) -> dict[str, float]:
    """Distances of each way from the half that was not counted."""
    rng = np.random.default_rng(random_seed)
    is_counted = rng.permutation(np.arange(case.household.max() + 1) % 2 == 0)[case.household]
    counted, held_out = case.values[is_counted], case.values[~is_counted]
    edges = np.array(case.edges, dtype=float)
    counts = np.histogram(counted, edges)[0].astype(float)
    bins = np.repeat(np.arange(len(counts)), counts.astype(int))
    found = {name: wasserstein_distance(draw(edges, counts, bins, rng), held_out) for name, draw in WAYS.items()}
    return found | {"noise": wasserstein_distance(counted, held_out)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Wasserstein-1 inside published bins, on held-out micro-data.")
    parser.add_argument("data", type=Path)
    parser.add_argument("--splits", type=int, default=5)
    arguments = parser.parse_args()
    cases = read_cases(arguments.data)
    width = max(len(case.name) for case in cases)
    print(f"Wasserstein-1 to the half not counted, medians of {arguments.splits} splits (years, USD)")
    print(f"{'':{width}}{'values':>9}" + "".join(f"{name:>10}" for name in (*WAYS, "noise")))
    for case in cases:
        found = [measure(case, seed) for seed in range(arguments.splits)]
        medians = (float(np.median([each[name] for each in found])) for name in found[0])
        shown = "".join(f"{value:10.3f}" if value < 100 else f"{value:10,.0f}" for value in medians)
        print(f"{case.name:{width}}{len(case.values):9,}{shown}")


if __name__ == "__main__":
    main()
