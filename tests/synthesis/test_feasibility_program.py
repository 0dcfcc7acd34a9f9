"""The elastic program and the subset condition say the same of two tables; smallest sets are irreducible."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.model import IntArray
from synthesis.feasibility_pairs import _subsets
from synthesis.feasibility_program import Demand, Program
from synthesis.spaces import Space, Spaces

counts = st.lists(st.integers(0, 20), min_size=2, max_size=4)


def program(cells: IntArray) -> Program:
    """Patterns of root records in tables t0, t1, ..."""
    names = tuple(f"t{i}" for i in range(cells.shape[1]))
    return Program(Spaces((Space("home", names, cells, None, np.ones(len(cells))),), (), {}, {}))


def demand(name: str, values: object) -> Demand:
    return Demand(name, np.asarray(values, dtype=float), False)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(counts, counts, st.integers(0, 2**16 - 1))
def test_two_tables_fit_exactly_if_no_set_of_cells_outgrows_its_neighbours(
    left: list[int], right: list[int], allowed: int
) -> None:
    right[0] += max(sum(left) - sum(right), 0)
    left[0] += max(sum(right) - sum(left), 0)
    grid = np.array([allowed >> i & 1 for i in range(len(left) * len(right))]).reshape(len(left), len(right)) == 1
    grid[0, 0] = True
    excess = _largest_excess(grid, np.array(left), np.array(right))
    slack = program(np.argwhere(grid)).slack([demand("t0", left), demand("t1", right)])

    assert (excess > 0) == (slack > 1e-6)
    assert slack <= 2 * excess + 1e-6 or not grid.any(axis=1).all() or not grid.any(axis=0).all()


def _largest_excess(grid: np.ndarray, left: np.ndarray, right: np.ndarray) -> float:
    """Over all sets of left cells, including those without any neighbour."""
    every = np.array([[s >> i & 1 for i in range(len(left))] for s in range(2 ** len(left))], dtype=bool)
    return max(float(left[chosen].sum() - right[grid[chosen].any(axis=0)].sum()) for chosen in every)


def test_subsets_skip_sets_whose_neighbours_are_everything() -> None:
    together = np.array([[True, False, False], [True, True, False], [False, False, False]])
    assert [np.flatnonzero(s).tolist() for s in _subsets(together)] == [[0]]


def test_a_smallest_set_holds_no_table_that_is_not_needed() -> None:
    cells = np.array([[a, b, c, d] for a in (0, 1) for b in (0, 1) for c in (0, 1) for d in (0, 1) if a == b])
    found = program(cells).contradictions(
        [demand("t3", [5, 5]), demand("t0", [6, 4]), demand("t2", [1, 9]), demand("t1", [4, 6])]
    )
    assert [(one.tables, round(one.records, 6)) for one in found] == [(("t0", "t1"), 4)]


def test_demands_without_records_or_without_contradiction_find_nothing() -> None:
    cells = np.array([[0, 0], [1, 1]])
    assert program(cells).contradictions([demand("t0", [3, 4]), demand("t1", [3, 4])]) == []
    assert program(cells).contradictions([demand("t0", [0, 0])]) == []
    assert program(cells).slack([]) == 0


def test_shares_are_of_their_universe() -> None:
    cells = np.array([[0, -1], [1, 0], [1, 1]])
    asked = [demand("t0", [5, 10]), Demand("t1", np.array([0.3, 0.7]), True)]
    assert program(cells).slack(asked) < 1e-6
    assert program(cells[:2]).slack(asked) > 1
