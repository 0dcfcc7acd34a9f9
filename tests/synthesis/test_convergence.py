"""Convergence: what an allocation says of itself, and the sum over a round's units."""

import numpy as np
import pytest
from scipy import sparse

from synthesis.allocation import allocate
from synthesis.convergence import convergence_of, merged, summed_up
from synthesis.system import Block, System


def a_system(*aims: float) -> System:
    """As many plan rows as cells, one in each, in unit 1 of a table."""
    block = Block("size", 1, 0, len(aims), False, True, True)
    return System(sparse.eye(len(aims)).tocsr(), (block,), np.array(aims), np.zeros(len(aims)))


def test_an_allocation_names_its_worst_exact_cell() -> None:
    system = a_system(30.0, 70.0)
    found = convergence_of(system, allocate(system, np.array([1.0, 0.0]), 100))

    assert found.worst_cell == ("size", 3)
    assert found.missed == pytest.approx(70)
    assert (found.rows, found.cells) == (2, 2)


def test_a_round_tells_of_its_worst_unit_whatever_the_order_of_plans() -> None:
    systems = [a_system(50.0, 50.0), a_system(30.0, 70.0), a_system(1.0, 2.0, 3.0)]
    priors = [np.ones(2), np.array([1.0, 0.0]), np.ones(3)]
    parts = [convergence_of(s, allocate(s, p, float(s.aim.sum()))) for s, p in zip(systems, priors, strict=True)]
    plans = [summed_up(parts[:2]), summed_up(parts[2:])]
    found = merged(plans)

    assert found == merged(reversed(plans))
    assert (found["units"], found["plan_rows"]) == (3, 7)
    assert found["missed"] == pytest.approx(70)
    assert found["worst_cell"] == ("size", 3)
    assert found["design_effect_max"] >= found["design_effect_median"] >= 1


def test_a_round_without_plans_tells_nothing() -> None:
    assert merged([{}, {"units": []}]) == {}
