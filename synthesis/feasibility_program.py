"""What a run aims at in one unit, as an elastic linear program over patterns, and its smallest contradicting sets.

Records per pattern of every component are the unknowns. Components of an entity count the same records; members of
each type are as many as the root records list. A table asks for counts or for shares of its universe, as it binds; the
least slack that makes all tables possible is the size of the contradiction. A set of tables contradicts irreducibly if
each of them is needed for that (deletion filter: Chinneck and Dravnieks 1991).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from schemas.errors import MetricError
from schemas.model import FloatArray
from synthesis.spaces import Space, Spaces

NOTICEABLE_RECORDS = 0.5
MAX_SETS = 4
"""Contradicting sets of one unit, at most."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What one table asks for in one unit: counts of its cells, or their shares."""

    table: str
    values: FloatArray
    is_share: bool


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A smallest set of tables that cannot be met together, and by how many records not."""

    tables: tuple[str, ...]
    records: float


class Program:
    """The patterns' bookkeeping, shared by all units."""

    def __init__(self, spaces: Spaces) -> None:
        self._spaces = [*spaces.root, *spaces.member]
        self._starts = np.cumsum([0] + [space.patterns for space in self._spaces])
        self._links = _links(self._spaces, len(spaces.root), self._starts)
        self._space_of = {name: i for i, space in enumerate(self._spaces) for name in space.tables}

    def contradictions(self, demands: Sequence[Demand]) -> list[Contradiction]:
        """Smallest sets of tables at odds, one after another: the last table of each is left out to find the next."""
        found: list[Contradiction] = []
        rest = [demand for demand in demands if demand.values.sum() > 0]
        while len(found) < MAX_SETS and self.slack(rest) > NOTICEABLE_RECORDS:
            needed = self._filtered(rest)
            found.append(Contradiction(tuple(d.table for d in needed), self.slack(needed)))
            rest = [demand for demand in rest if demand is not needed[-1]]
        return found

    def slack(self, demands: Sequence[Demand]) -> float:
        """The least records by which the demands have to be missed together; 0 where they can be met."""
        if not demands:
            return 0.0
        matrix = sparse.vstack([self._rows(demand) for demand in demands]).tocsr()
        wanted = np.concatenate([np.zeros(len(d.values)) if d.is_share else d.values for d in demands])
        cells, patterns = matrix.shape
        unit, none = sparse.identity(cells), sparse.csr_matrix((self._links.shape[0], 2 * cells))
        equalities = sparse.vstack([sparse.hstack([matrix, unit, -unit]), sparse.hstack([self._links, none])]).tocsc()
        right = np.concatenate([wanted, np.zeros(self._links.shape[0])])
        scale = max(float(wanted.max(initial=0.0)), 1.0)
        costs = np.concatenate([np.zeros(patterns), np.ones(2 * cells)])
        solved = linprog(costs, A_eq=equalities, b_eq=right / scale, bounds=(0, None), method="highs")
        if solved.status != 0:
            raise MetricError(f"the contradictions of a unit cannot be computed: {solved.message}")
        return float(solved.fun) * scale

    def _filtered(self, demands: Sequence[Demand]) -> list[Demand]:
        """An irreducible set: a demand without which the others still contradict each other is not part of it."""
        kept = list(demands)
        for demand in reversed(demands):
            others = [other for other in kept if other is not demand]
            if self.slack(others) > NOTICEABLE_RECORDS:
                kept = others
        return kept

    def _rows(self, demand: Demand) -> sparse.csr_matrix:
        index = self._space_of[demand.table]
        cells = self._spaces[index].of(demand.table)
        inside = np.flatnonzero(cells >= 0)
        columns = self._starts[index] + inside
        shape = (len(demand.values), int(self._starts[-1]))
        rows = sparse.csr_matrix((np.ones(len(inside)), (cells[inside], columns)), shape)
        if not demand.is_share:
            return rows
        everyone = sparse.csr_matrix((np.ones(len(inside)), (np.zeros(len(inside), int), columns)), (1, shape[1]))
        return rows - sparse.csr_matrix(demand.values[:, None]) @ everyone


def _links(spaces: list[Space], root_count: int, starts: FloatArray) -> sparse.csr_matrix:
    """Rows that are zero where components count the same records and root records list the members there are."""
    width = int(starts[-1])
    sums = [sparse.csr_matrix((np.ones(s.patterns), (np.zeros(s.patterns, int), starts[i] + np.arange(s.patterns))),
                              (1, width)) for i, s in enumerate(spaces)]  # fmt: skip
    rows = [sums[0] - one for one in sums[1:root_count]] + [sums[root_count] - one for one in sums[root_count + 1 :]]
    listing = next((i for i in range(root_count) if spaces[i].members is not None), None)
    typed = next((i for i in range(root_count, len(spaces)) if spaces[i].members is not None), None)
    if listing is not None and typed is not None:
        rows += list(_listed(spaces[listing], starts[listing], width) - _listed(spaces[typed], starts[typed], width))
    return sparse.vstack(rows).tocsr() if rows else sparse.csr_matrix((0, width))


def _listed(space: Space, start: int, width: int) -> sparse.csr_matrix:
    """Members of each type (rows) that each pattern (columns) stands for."""
    assert space.members is not None
    columns = start + np.tile(np.arange(space.patterns), space.members.shape[1])
    rows = np.repeat(np.arange(space.members.shape[1]), space.patterns)
    return sparse.csr_matrix((space.members.T.ravel().astype(float), (rows, columns)), (space.members.shape[1], width))
