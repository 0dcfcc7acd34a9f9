"""What a run aims at in one unit, as an elastic linear program over patterns, and its smallest contradicting sets.

Records per pattern of every component are the unknowns. Components of an entity count the same records; members of
each type are as many as the root records list. A table asks for counts or for shares of its universe, as it binds; the
least slack that makes all tables possible is the size of the contradiction. A set of tables contradicts irreducibly if
each of them is needed for that (deletion filter: Chinneck and Dravnieks 1991).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from schemas.errors import MetricError
from schemas.model import FloatArray, IntArray
from synthesis.spaces import Space, Spaces

NOTICEABLE_RECORDS = 0.5
SOLVED_TOGETHER = 5_000
"""Entries of a program, about: a few units' are solved in one."""
MAX_SETS = 4
"""Contradicting sets of one unit, at most."""


_Entries = tuple[IntArray, IntArray, FloatArray]
"""Rows, columns and figures of a sparse matrix."""


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
        self._inside: dict[str, tuple[IntArray, IntArray]] = {}
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
        return float(self.slacks([demands])[0])

    def slacks(self, units: Sequence[Sequence[Demand]]) -> FloatArray:
        """The slack of each of several units, solved together: much faster than one by one."""
        found, waiting, entries = np.zeros(len(units)), list[int](), 0
        for index, demands in enumerate(units):
            waiting += [index] if demands else []
            entries += self.entries(demands)
            if waiting and (entries > SOLVED_TOGETHER or index == len(units) - 1):
                found[waiting] = self._slacks([units[i] for i in waiting])
                waiting, entries = [], 0
        return found

    def entries(self, demands: Sequence[Demand]) -> int:
        """Entries of the program that some demands make: what solving it costs."""
        return sum(len(self._cells(d.table)[0]) * (1 + len(d.values) * d.is_share) for d in demands)

    def _slacks(self, units: Sequence[Sequence[Demand]]) -> FloatArray:
        """As `slacks`, as one program whose unknowns are, unit after unit, records per pattern, then both slacks."""
        patterns = int(self._starts[-1])
        asked = [np.concatenate([np.zeros(len(d.values)) if d.is_share else d.values for d in unit]) for unit in units]
        # Each unit is scaled to 1, so that large ones do not hide what small ones miss.
        scales = [max(float(wanted.max(initial=0.0)), 1.0) for wanted in asked]
        parts, row, column = [], 0, 0
        for unit, wanted in zip(units, asked, strict=True):
            for rows, columns, figures in (*self._entries_of(unit), *_slack_entries(len(wanted), patterns)):
                parts.append((row + rows, column + columns, figures))
            links = self._links.tocoo()
            parts.append((row + len(wanted) + links.row, column + links.col, links.data))
            row, column = row + len(wanted) + links.shape[0], column + patterns + 2 * len(wanted)
        rows, columns, figures = (np.concatenate([part[side] for part in parts]) for side in range(3))
        none = np.zeros(self._links.shape[0])
        right = np.concatenate([np.append(wanted / scale, none) for wanted, scale in zip(asked, scales, strict=True)])
        costs = np.concatenate([np.repeat([0.0, 1.0], [patterns, 2 * len(wanted)]) for wanted in asked])
        equalities = sparse.coo_matrix((figures, (rows, columns)), (row, column)).tocsc()
        solved = linprog(costs, A_eq=equalities, b_eq=right, bounds=(0, None), method="highs")
        if solved.status != 0:
            raise MetricError(f"the contradictions of a unit cannot be computed: {solved.message}")
        starts = np.cumsum([0] + [patterns + 2 * len(wanted) for wanted in asked])[:-1]
        missed: FloatArray = np.add.reduceat(costs * solved.x, starts) * np.array(scales)
        return missed

    def _entries_of(self, demands: Sequence[Demand]) -> Iterator[_Entries]:
        """What patterns add to the cells that are asked for, the demands' cells one after another."""
        first = 0
        for demand in demands:
            cells, columns = self._cells(demand.table)
            yield first + cells, columns, np.ones(len(cells))
            if demand.is_share:
                # Everybody of the universe, times each cell's share.
                size, width = len(demand.values), len(columns)
                rows = first + np.repeat(np.arange(size), width)
                yield rows, np.tile(columns, size), -np.repeat(demand.values, width)
            first += len(demand.values)

    def _cells(self, table: str) -> tuple[IntArray, IntArray]:
        """The cell of every pattern inside a table, and the pattern's column."""
        if table not in self._inside:
            index = self._space_of[table]
            cells = self._spaces[index].of(table)
            inside = np.flatnonzero(cells >= 0)
            self._inside[table] = cells[inside], int(self._starts[index]) + inside
        return self._inside[table]

    def _filtered(self, demands: Sequence[Demand]) -> list[Demand]:
        """An irreducible set: a demand without which the others still contradict each other is not part of it."""
        kept = list(demands)
        for demand in reversed(demands):
            others = [other for other in kept if other is not demand]
            if self.slack(others) > NOTICEABLE_RECORDS:
                kept = others
        return kept


def _slack_entries(cells: int, first: int) -> tuple[_Entries, _Entries]:
    """What a unit's slacks add to its cells: what is short, then what is over."""
    every = np.arange(cells)
    return (every, first + every, np.ones(cells)), (every, first + cells + every, -np.ones(cells))


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
