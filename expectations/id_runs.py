"""Ids as runs without gaps, so that a hundred million of them are judged in the memory of a few."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from schemas.model import IntArray


@dataclass(slots=True)
class IdRuns:
    """Runs [first, last] of all ids so far; an id that recurs lies in several."""

    count: int = 0
    runs: list[IntArray] = field(default_factory=list)

    def add(self, ids: "pd.Series[Any]") -> None:
        """Count a frame's ids in; what is no number is not judged here."""
        values = pd.to_numeric(ids, errors="coerce").dropna().to_numpy().astype(np.int64)
        self.count += len(values)
        if len(values) == 0:
            return
        if not (np.diff(values) > 0).all():
            values = np.sort(values)
        ends = np.flatnonzero(np.diff(values) != 1)  # a repeated id ends a run, and begins the next
        self.runs.append(np.stack([values[np.append(0, ends + 1)], values[np.append(ends, -1)]], axis=1))

    def repeated(self, examples: int) -> tuple[int, list[int]]:
        """How many records have an id that others have too, and some of those ids."""
        if not self.runs:
            return 0, []
        runs = np.concatenate(self.runs)
        places, steps = _changes(runs)
        depth = np.cumsum(steps)[:-1]
        lengths, starts = np.diff(places), places[:-1]
        is_shared = depth > 1
        found = [
            int(first) + i
            for first, length in zip(starts[is_shared], lengths[is_shared], strict=True)
            for i in range(min(int(length), examples))
        ]
        return int((depth * lengths)[is_shared].sum()), found[:examples]


def _changes(runs: IntArray) -> tuple[IntArray, IntArray]:
    """Where the number of runs over an id changes, ascending, and by how much."""
    edges = np.concatenate([runs[:, 0], runs[:, 1] + 1])
    steps = np.repeat([1, -1], len(runs))
    places, at = np.unique(edges, return_inverse=True)
    return places, np.bincount(at, weights=steps).astype(np.int64)
