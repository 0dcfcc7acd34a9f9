"""What a context has shifted: a run's records against those of a run without it, variable by variable and in pairs."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from adapters.object_path import Location
from adapters.partitions import dataset_files
from adapters.run_folder import RunFolder
from adapters.storage import read_parquet
from schemas.errors import UserError
from schemas.model import Entity, IntArray, Scenario, Variable

MAX_BINS = 8
MAX_CATEGORIES = 60
SHOWN_VALUES = 3
LARGE = 1e5
"""From here on numbers are told in full, not in powers of ten."""
SHOWN_PAIRS = 10


class Coded(NamedTuple):
    """A variable's bins in the run and in the other one, and their names."""

    ours: IntArray
    theirs: IntArray
    labels: list[str]


def find_shifts(run: RunFolder, without: Location, scenario: Scenario, relaxed: frozenset[str]) -> list[dict[str, Any]]:
    """Total variation distance from the run without the context, per variable and pair, the largest first.

    `pinned_by` names the tables that hold a variable or pair and were not relaxed; `noise` is what two samples of the
    same population of these sizes differ by.
    """
    other = RunFolder(without)
    found: list[dict[str, Any]] = []
    for entity in scenario.entities:
        ours, theirs = _read(run, entity), _read(other, entity)
        coded = {v.name: _coded(v, ours[v.name], theirs[v.name]) for v in _compared(scenario, entity)}
        singles = [_shift(scenario, entity, (name,), coded, relaxed) for name in coded]
        pairs = [_shift(scenario, entity, pair, coded, relaxed) for pair in itertools.combinations(coded, 2)]
        found += singles + sorted(pairs, key=lambda one: one["noise"] - one["tvd"])[:SHOWN_PAIRS]
    return sorted(found, key=lambda one: one["noise"] - one["tvd"])


def check_without(without: Location, scenario: Scenario) -> None:
    """Refuse a run to compare with that is of another scenario or has no dataset."""
    record = RunFolder(without).read_run()
    if record["scenario"]["name"] != scenario.name or not RunFolder(without).has_publication():
        raise UserError(f"--set without={without}: expected a published run of {scenario.name}")


def _compared(scenario: Scenario, entity: Entity) -> Iterator[Variable]:
    zone = scenario.zones.variable if scenario.zones else None
    for variable in entity.variables:
        if variable.name != zone and len(variable.categories) <= MAX_CATEGORIES:
            yield variable


def _read(run: RunFolder, entity: Entity) -> pd.DataFrame:
    names = [variable.name for variable in entity.variables]
    tables = [read_parquet(path) for path in dataset_files(run.records, entity.name)]
    return pd.concat(
        [t.select([n for n in names if n in t.column_names]).to_pandas() for t in tables], ignore_index=True
    )


def _coded(variable: Variable, ours: pd.Series, theirs: pd.Series) -> Coded:
    """Bins of both, and their names: categories, or parts of equal number in the run without the context."""
    if variable.kind == "category":
        labels = list(variable.categories)
        codes = [pd.Categorical(one.astype(str), categories=labels).codes.astype(np.int64) for one in (ours, theirs)]
        return Coded(codes[0], codes[1], labels)
    cuts = np.unique(np.quantile(theirs, np.arange(1, MAX_BINS) / MAX_BINS))
    told = [f"{cut:,.0f}" if abs(cut) >= LARGE else f"{cut:g}" for cut in cuts.tolist()]
    ends = [f"below {told[0]}", *(f"{low} to {high}" for low, high in itertools.pairwise(told)), f"{told[-1]} or more"]
    return Coded(np.searchsorted(cuts, ours, side="right"), np.searchsorted(cuts, theirs, side="right"), ends)


def _shift(
    scenario: Scenario,
    entity: Entity,
    names: Sequence[str],
    coded: Mapping[str, Coded],
    relaxed: frozenset[str],
) -> dict[str, Any]:
    labels = [", ".join(parts) for parts in itertools.product(*(coded[name].labels for name in names))]
    shares, sizes = [], []
    for side in ("ours", "theirs"):
        codes = [getattr(coded[name], side) for name in names]
        flat = np.ravel_multi_index(codes, [len(coded[name].labels) for name in names])
        counts = np.bincount(flat, minlength=len(labels))
        shares.append(counts / max(counts.sum(), 1))
        sizes.append(max(int(counts.sum()), 1))
    change = shares[0] - shares[1]
    error = np.sqrt(shares[1] * (1 - shares[1]) * (1 / sizes[0] + 1 / sizes[1]))
    largest = np.argsort(-np.abs(change), kind="stable")[:SHOWN_VALUES]
    return {
        "entity": entity.name,
        "variables": list(names),
        "tvd": round(0.5 * float(np.abs(change).sum()), 5),
        "noise": round(0.5 * float(np.sqrt(2 / np.pi) * error.sum()), 5),
        "pinned_by": [
            t.name
            for t in scenario.tables
            if t.entity == entity.name and set(names) <= {axis.variable for axis in t.axes} and t.name not in relaxed
        ],
        "largest": [
            {"value": labels[i], "with": round(float(shares[0][i]), 5), "without": round(float(shares[1][i]), 5)}
            for i in largest
        ],
    }
