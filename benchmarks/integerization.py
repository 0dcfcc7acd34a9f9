"""Whole records in random flat scenarios: how far any cell ends from its target.

    python -m benchmarks.integerization [--scenarios 1000] [--sizes 2000 1000000] [--random-seed 0]

Each scenario has 2-5 variables of all kinds, 1-9 tables over a population of 2,000 (counts, shares, universes, bins
that differ between tables) and up to two rules; it is solved at each size. Bars: n exact, every cell within 2 records
of its target, one-way categorical cells of whole universes exact. A miss is printed with its tables.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings

from schemas.model import IntArray, Scenario
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, no_counts
from synthesis.aims import build_aims
from synthesis.cells import CellCoder, cell_ids
from synthesis.discrepancy import TableDiscrepancy, discrepancies
from synthesis.plan import plan_values
from synthesis.unit_plan import UnitPlan, plan_unit
from synthesis.units import closed_units
from tests.strategies import Example, compiled, flat_scenarios

POPULATION, MOST_TABLES = 2000, 9
WITHIN, ROUNDING = 2.0, 1e-6


@dataclass(frozen=True)
class Solved:
    """How one scenario came out: the largest distance of any cell, of a one-way cell, and what it took."""

    records: int
    worst: float
    one_way: float
    unsupported: int
    cpu_seconds: float
    tables: tuple[str, ...]

    def misses(self, size: int) -> bool:
        """Whether a bar is missed."""
        return self.records != size or self.worst > WITHIN + ROUNDING or self.one_way >= 1 - ROUNDING


def solve(scenario: Scenario, size: int, random_seed: int) -> Solved:
    """The scenario's plan for `size` records."""
    started = time.process_time()
    coder, aims, nothing = compiled(scenario), build_aims(scenario, size), no_counts(scenario)
    unit = closed_units(scenario)[0]
    planned = plan_unit(coder, RunSettings(random_seed=random_seed), aims, unit, 1, 1.0, nothing)
    spent = time.process_time() - started
    found = discrepancies(scenario, aims, counted(coder, planned))
    missed = [float(np.abs(part.discrepancy).max()) for part in found]
    one_way = [miss for part, miss in zip(found, missed, strict=True) if is_one_way(part)]
    told = tuple(described(part, miss) for part, miss in zip(found, missed, strict=True))
    return Solved(int(planned.counts.sum()), max(missed), max(one_way, default=0.0), planned.unsupported, spent, told)


def counted(coder: CellCoder, planned: UnitPlan) -> dict[str, IntArray]:
    """The plan's aggregates, without drawing its records."""
    counts = no_counts(coder.scenario)
    ids = cell_ids(coder, plan_values(coder.scenario, coder.grids, planned.plan))
    for held in coder.scenario.tables:
        counts[held.name] = np.bincount(ids[held.name] + 1, planned.counts, held.cells + 1)[1:].astype(np.int64)
    return {**counts, ZONE_SIZES: np.array([planned.counts.sum()])}


def is_one_way(part: TableDiscrepancy) -> bool:
    """Whether it is of one categorical variable and everybody."""
    axes = part.table.axes
    return len(axes) == 1 and axes[0].lows is None and part.table.universe is None


def described(part: TableDiscrepancy, miss: float) -> str:
    """A table in a few words."""
    sizes = "x".join(str(len(axis)) for axis in part.table.axes)
    universe = " of a universe" if part.table.universe is not None else ""
    return f"{part.table.name}: {sizes} {part.table.binds}s{universe}, off by {miss:.4g}"


def scenarios(count: int, random_seed: int) -> Iterator[Scenario]:
    """Random scenarios; the same arguments give the same ones."""
    found: list[Scenario] = []

    @seed(random_seed)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(flat_scenarios(POPULATION, MOST_TABLES))
    def collect(example: Example) -> None:
        found.append(example.scenario)

    collect()
    yield from found


def main() -> None:
    """Print what misses, then one line per size; exit 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenarios", type=int, default=1000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2000, 1_000_000])
    parser.add_argument("--random-seed", type=int, default=0)
    arguments = parser.parse_args()
    solved: dict[int, list[Solved]] = {size: [] for size in arguments.sizes}
    for number, scenario in enumerate(scenarios(arguments.scenarios, arguments.random_seed)):
        for size in arguments.sizes:
            one = solve(scenario, size, arguments.random_seed)
            solved[size].append(one)
            if one.misses(size):
                print(f"scenario {number}, n = {size:,}: {'; '.join(one.tables)}", flush=True)
    missed = 0
    for size, every in solved.items():
        worst, seconds = (np.array([getattr(one, name) for one in every]) for name in ("worst", "cpu_seconds"))
        missing = sum(one.misses(size) for one in every)
        missed += missing
        print(
            f"n = {size:,}: {len(every)} scenarios, {missing} miss; worst cell {worst.max():.4g}, within 1 in "
            f"{(worst <= 1 + ROUNDING).mean():.1%}, one-way off by up to {max(one.one_way for one in every):.4g}, "
            f"unsupported {max(one.unsupported for one in every)}, "
            f"CPU mean {seconds.mean():.2f} s, max {seconds.max():.2f} s"
        )
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
