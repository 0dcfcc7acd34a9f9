"""The nearest targets within reach: nothing moves where all can be met, little where they cannot."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from synthesis.allocation import allocate
from synthesis.elastic import relax
from synthesis.system import Block, System

SIZES, CARS = 3, 2


def system_of(sizes: list[float], cars: list[float]) -> System:
    """One zone; rows are (size 1-3, fewer cars than adults or not), and a household of one cannot have fewer."""
    rows = [(size, fewer) for size in range(SIZES) for fewer in range(CARS) if not (size == 0 and fewer == 1)]
    matrix = np.zeros((len(rows), SIZES + CARS + 1))
    for row, (size, fewer) in enumerate(rows):
        matrix[row, [size, SIZES + fewer, SIZES + CARS]] = 1
    blocks = (
        Block("size", 0, 0, SIZES, False, True, True),
        Block("cars", 0, SIZES, SIZES + CARS, False, True, True),
        Block("", 0, SIZES + CARS, SIZES + CARS + 1, False, True, True),
    )
    aim = np.array([*sizes, *cars, sum(sizes)], dtype=float)
    return System(sparse.csr_matrix(matrix), blocks, aim, np.zeros(len(aim)))


counts = st.integers(1, 500)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(counts, counts, counts, st.integers(0, 1000))
def test_as_many_records_move_as_must_and_the_rest_is_met(one: int, two: int, three: int, fewer: int) -> None:
    total = one + two + three
    fewer = min(fewer, total)
    system = system_of([one, two, three], [total - fewer, fewer])
    relaxed = relax(system, np.ones(5))
    assert relaxed is not None
    too_many = max(fewer - two - three, 0)

    assert np.abs(relaxed.slack).sum() == 2 * too_many
    assert relaxed.slack[-1] == 0
    assert relaxed.tables == (("cars", "size") if too_many else ())
    solved = allocate(relaxed.system, relaxed.prior, total, is_feasible=True)
    assert np.abs(solved.weights @ system.matrix - relaxed.system.aim).max() < 0.01


def test_of_two_tables_at_odds_the_later_one_yields() -> None:
    relaxed = relax(system_of([50, 30, 20], [40, 60]), np.ones(5))

    assert relaxed is not None
    assert relaxed.slack.tolist() == [0, 0, 0, -10, 10, 0]


def test_rows_that_cannot_have_weight_are_left_out() -> None:
    """As many households with too few cars as households of two or more: none of these has enough."""
    relaxed = relax(system_of([50, 30, 20], [50, 50]), np.ones(5))

    assert relaxed is not None
    assert not relaxed.slack.any()
    assert relaxed.prior.tolist() == [1, 0, 1, 0, 1]


def test_without_a_usable_row_nothing_can_be_said() -> None:
    assert relax(system_of([1, 1, 1], [3, 0]), np.zeros(5)) is None
