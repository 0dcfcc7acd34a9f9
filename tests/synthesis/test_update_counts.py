import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from synthesis.allocation import allocate
from synthesis.system import Block, System
from synthesis.update_counts import least_change, whole_change
from tests.strategies import rngs


def system_of(kinds: np.ndarray, aim: np.ndarray) -> System:
    """Rows of one cell each; every cell is exact."""
    matrix = sparse.csr_matrix((np.ones(len(kinds)), (np.arange(len(kinds)), kinds)), (len(kinds), len(aim)))
    block = Block("t", 0, 0, len(aim), False, True, True, ways=1)
    return System(matrix, (block,), aim.astype(float), np.zeros(len(aim)))


@settings(max_examples=30, deadline=None)
@given(rngs, st.integers(2, 5))
def test_the_change_is_as_small_as_the_targets_allow(rng: np.random.Generator, cells: int) -> None:
    kinds = np.arange(40) % cells
    present = rng.integers(1, 9, 40)
    held = np.bincount(kinds, weights=present, minlength=cells)
    aim = np.maximum(held + rng.integers(-5, 6, cells), 1)
    total, system = int(aim.sum()), system_of(kinds, aim)
    weights = least_change(system, present, allocate(system, present.astype(float), total).weights, total)
    change = whole_change(system, present, weights, total, rng)
    assert (np.bincount(kinds, weights=present - change.retired + change.added, minlength=cells) == aim).all()
    assert (change.retired <= present).all()
    assert change.retired.sum() == np.maximum(held - aim, 0).sum()


def test_records_that_move_targets_most_are_changed_first() -> None:
    # Rows add 0, 1 or 4 members to the cell that has to grow.
    adds = np.repeat([0.0, 1.0, 4.0], 100)
    matrix = sparse.csr_matrix(np.column_stack([adds, np.ones(300)]))
    blocks = (Block("t", 0, 0, 1, False, False, False), Block("", 0, 1, 2, False, True, True))
    system = System(matrix, blocks, np.array([520.0, 300.0]), np.zeros(2))
    present = np.ones(300, dtype=np.int64)
    weights = allocate(system, present.astype(float), 300).weights
    least = least_change(system, present, weights, 300)
    assert abs(adds @ least - 520) < 0.5
    # A record of none for one of four moves most: five are the fewest.
    assert np.maximum(present - least, 0).sum() < 5.01 < np.maximum(present - weights, 0).sum()


def test_everybody_can_be_retired() -> None:
    system = system_of(np.array([0, 1]), np.zeros(2))
    change = whole_change(system, np.array([3, 4]), np.zeros(2), 0, np.random.default_rng(0))
    assert (change.retired.tolist(), change.added.tolist()) == ([3, 4], [0, 0])
