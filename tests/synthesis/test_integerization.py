"""Integerization: whole numbers of records per plan row that sum to n and stay near the targets."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from schemas.model import FloatArray
from synthesis.allocation import allocate
from synthesis.integerization import integerize, round_within, systematic_rounding
from synthesis.system import Block, System
from tests.strategies import rngs


def random_system(rng: np.random.Generator, rows: int, weights: FloatArray | None = None) -> System:
    """Up to three blocks of root cells or member counts, and one of all rows.

    `weights` meet all of them; without, they contradict each other.
    """
    everyone = float(rows) if weights is None else weights.sum()
    blocks, parts, aims, start = [Block("", 0, 0, 1, False, True, True)], [np.ones((rows, 1))], [[everyone]], 1
    for number in range(rng.integers(1, 4)):
        cells, is_root = int(rng.integers(2, 7)), bool(rng.random() < 0.7)
        adds = np.eye(cells)[rng.integers(0, cells, rows)]
        adds = adds if is_root else adds + np.eye(cells)[rng.integers(0, cells, rows)]
        binds_share = bool(rng.random() < 0.3)
        achieved = rng.gamma(0.5, size=cells) * rows if weights is None else adds.T @ weights
        aims.append(achieved / achieved.sum() if binds_share else achieved)
        blocks.append(Block(f"t{number}", 0, start, start + cells, binds_share, is_root, is_root))
        parts, start = [*parts, adds], start + cells
    matrix = sparse.csr_matrix(np.concatenate(parts, axis=1))
    return System(matrix, tuple(blocks), np.concatenate(aims), np.zeros(start))


@settings(max_examples=60, derandomize=True, deadline=None)
@given(rngs, st.integers(1, 60), st.integers(1, 500), st.booleans(), st.booleans())
def test_n_is_met_exactly_with_records_only_where_there_is_weight(
    rng: np.random.Generator, rows: int, total: int, is_feasible: bool, is_thorough: bool
) -> None:
    weights = rng.gamma(0.5, size=rows) * (rng.random(rows) < 0.7)
    weights[rng.integers(rows)] += 1
    system = random_system(rng, rows, weights * total / weights.sum() if is_feasible else None)
    counts = integerize(system, weights, total, rng, is_thorough)

    assert counts.dtype == np.int64
    assert counts.sum() == total
    assert (counts >= 0).all()
    assert (counts[weights == 0] == 0).all()


@settings(max_examples=30, derandomize=True, deadline=None)
@given(rngs)
def test_whole_targets_that_can_be_met_are_met_by_whole_numbers(rng: np.random.Generator) -> None:
    rows, total = 400, 2000
    true = rng.multinomial(total, rng.dirichlet(np.full(rows, 0.5))).astype(float)
    system = random_system(rng, rows, true)
    weights = allocate(system, np.ones(rows), total).weights
    counts = integerize(system, weights, total, rng)
    achieved = system.matrix.T @ counts

    assert counts.sum() == total
    assert np.abs(achieved - system.wanted(system.matrix.T @ weights))[system.exact].max(initial=0) <= 2 + 1e-6


@settings(max_examples=150, derandomize=True, deadline=None)
@given(
    st.lists(st.just(0.0) | st.floats(1e-9, 1e6), min_size=1, max_size=30).filter(lambda w: sum(w) > 0),
    st.integers(1, 10**6),
    rngs,
)
def test_rounding_takes_every_weight_down_or_up(weights: list[float], total: int, rng: np.random.Generator) -> None:
    exact = np.array(weights) * (total / sum(weights))
    counts = systematic_rounding(np.array(weights), total, rng)

    assert counts.sum() == total
    assert (counts >= np.floor(exact - 1e-6)).all()
    assert (counts <= np.ceil(exact + 1e-6)).all()


class FirstDraw:
    """A generator at the very start of its range, where rounding errors show."""

    def random(self) -> float:
        return 0.0


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(st.floats(1e-3, 1), min_size=1, max_size=30), st.integers(1, 5000))
def test_rounding_errors_give_no_record_to_rows_without_weight(weights: list[float], total: int) -> None:
    counts = systematic_rounding(np.array([0, *weights, 0, 0]), total, FirstDraw())

    assert counts.sum() == total
    assert counts[[0, -2, -1]].tolist() == [0, 0, 0]


def test_rounding_is_right_on_average() -> None:
    weights, rng = np.array([0.25, 1.5, 0, 2.25]), np.random.default_rng(1)
    mean = np.mean([systematic_rounding(weights, 4, rng) for _ in range(4000)], axis=0)

    assert mean == pytest.approx(weights, abs=0.05)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(rngs, st.integers(1, 40), st.integers(1, 8))
def test_rounding_within_groups_keeps_every_groups_total(rng: np.random.Generator, rows: int, groups: int) -> None:
    group, weights = rng.integers(0, groups, rows), rng.gamma(0.5, size=rows)
    group[: min(rows, groups)] = np.arange(min(rows, groups))
    groups = int(group.max()) + 1
    sums = np.bincount(group, weights=weights)
    totals = np.where(sums > 0, rng.integers(0, 50, groups), 0)
    counts = round_within(weights, group, totals, rng)
    exact = weights * np.divide(totals, sums, out=np.zeros(groups), where=sums > 0)[group]

    assert np.bincount(group, weights=counts).tolist() == totals.tolist()
    assert (counts >= np.floor(exact - 1e-6)).all()
    assert (counts <= np.ceil(exact + 1e-6)).all()


@settings(max_examples=30, derandomize=True, deadline=None)
@given(rngs, st.integers(2, 60), st.integers(1, 300))
def test_what_members_want_moves_no_root_cell(rng: np.random.Generator, rows: int, total: int) -> None:
    weights = rng.gamma(0.5, size=rows) + 1e-3
    system = random_system(rng, rows, weights * total / weights.sum())
    root = np.flatnonzero(system.of_root)
    alone = System(
        system.matrix[:, root],
        tuple(renumbered([block for block in system.blocks if block.is_root])),
        system.aim[root],
        system.committed[root],
    )
    random_seed = int(rng.integers(2**32))
    both, roots = (integerize(s, weights, total, np.random.default_rng(random_seed)) for s in (system, alone))

    assert (alone.matrix.T @ both).tolist() == (alone.matrix.T @ roots).tolist()


def renumbered(blocks: list[Block]) -> Iterator[Block]:
    start = 0
    for block in blocks:
        stop = start + block.stop - block.start
        yield replace(block, start=start, stop=stop)
        start = stop


@settings(max_examples=20, derandomize=True, deadline=None)
@given(rngs, st.integers(2, 40), st.integers(1, 300))
def test_equal_plan_rows_share_what_one_of_them_would_get(rng: np.random.Generator, rows: int, total: int) -> None:
    weights = rng.gamma(0.5, size=rows) + 0.01
    system = random_system(rng, rows, weights * total / weights.sum())
    twice = replace(system, matrix=sparse.vstack([system.matrix, system.matrix]).tocsr())
    counts = integerize(twice, np.tile(weights / 2, 2), total, rng)

    assert np.abs(counts[:rows] - counts[rows:]).max() <= 1


def test_exact_cells_come_before_members_cells() -> None:
    blocks = (Block("root", 0, 0, 2, False, True, True), Block("member", 0, 2, 3, False, False, False))
    matrix = sparse.csr_matrix(np.array([[1.0, 0, 3], [0, 1, 0]]))
    system = System(matrix, blocks, np.array([5.0, 5, 30]), np.zeros(3))

    assert integerize(system, np.array([5.0, 5]), 10, np.random.default_rng(0)).tolist() == [5, 5]


@pytest.mark.parametrize(("weights", "total"), [([0.0, 0.0], 5), ([1.0, 1.0], 0)])
def test_without_weight_or_records_there_are_no_counts(weights: list[float], total: int) -> None:
    system = random_system(np.random.default_rng(3), 2)

    assert integerize(system, np.array(weights), total, np.random.default_rng(0)).tolist() == [0, 0]


def test_the_same_generator_gives_the_same_counts() -> None:
    rng = np.random.default_rng(4)
    weights = rng.gamma(0.5, size=200)
    system = random_system(rng, 200, weights)
    first, second = (integerize(system, weights, 100, np.random.default_rng(9)) for _ in range(2))

    assert first.tolist() == second.tolist()


def test_cells_in_records_are_met_where_root_records_are_all_of_different_kinds() -> None:
    rng = np.random.default_rng(0)
    rows, total, tables, ages = 800, 400, 11, 24
    codes = rng.integers(0, 4, (rows, tables))
    root = np.concatenate([np.eye(4)[codes[:, i]] for i in range(tables)], axis=1)
    members = rng.poisson(1, (rows, ages))
    matrix = sparse.csr_matrix(np.hstack([np.ones((rows, 1)), root, members]))
    weights = rng.gamma(0.3, size=rows)
    weights *= total / weights.sum()
    blocks = [Block("", 0, 0, 1, False, True, True)]
    blocks += [Block(f"t{i}", 0, 1 + 4 * i, 5 + 4 * i, False, True, True) for i in range(tables)]
    missed = []
    for in_records in (False, True):
        start = 1 + 4 * tables
        ages_block = Block("age", 0, start, start + ages, False, False, False, in_records=in_records)
        system = System(matrix, (*blocks, ages_block), matrix.T @ weights, np.zeros(start + ages))
        counts = integerize(system, weights, total, np.random.default_rng(1))
        missed.append(np.abs(matrix.T @ counts - system.aim))
        assert counts.sum() == total
    assert missed[0][-ages:].max() > 10
    assert missed[1].max() <= 3
