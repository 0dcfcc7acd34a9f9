"""A cumulative distribution between its published points: bins keep their mass, densities are never negative."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.interpolation import cumulative_at, edge_densities

widths = st.lists(st.floats(0.01, 1e5), min_size=1, max_size=8)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(widths, st.floats(-1e4, 1e4), st.booleans(), st.data())
def test_every_bin_keeps_its_mass_and_nothing_is_negative(
    sizes: list[float], low: float, is_open: bool, data: st.DataObject
) -> None:
    masses = np.array(data.draw(st.lists(st.floats(0, 1e4), min_size=len(sizes), max_size=len(sizes))))
    edges = low + np.concatenate(([0.0], np.cumsum(sizes)))
    points = np.sort(np.concatenate([edges, *np.linspace(edges[:-1], edges[1:], 12)]))
    below = cumulative_at(edges, masses, points, is_open)

    slack = 1e-9 * max(masses.sum(), 1)
    assert np.diff(below).min() >= -slack
    found = below[np.searchsorted(points, edges)]
    assert found == pytest.approx(np.concatenate(([0.0], np.cumsum(masses))), abs=slack)


def test_bins_of_one_density_are_even_and_a_linear_density_is_found() -> None:
    edges = np.array([0.0, 1, 3, 4, 8])

    even = cumulative_at(edges, 2 * np.diff(edges), np.array([0.5, 2.0, 7.0]))
    assert even == pytest.approx([1.0, 4.0, 14.0])
    growing = cumulative_at(edges, np.diff(edges**2), np.array([1.7, 3.2]))
    assert growing == pytest.approx([1.7**2, 3.2**2])


def test_an_edge_density_lies_between_the_bins_beside_it_and_is_none_beside_an_empty_bin() -> None:
    found = edge_densities(np.array([0.0, 1, 2, 3, 4]), np.array([4.0, 2.0, 0.0, 1.0]))

    assert 2 <= found[1] <= 4
    assert found[2] == found[3] == 0


@pytest.mark.parametrize(("masses", "survival"), [((60, 30, 10), 1 / 4), ((0, 90, 10), 1 / 10)])
def test_an_open_income_class_decays_as_pareto_says(masses: tuple[float, ...], survival: float) -> None:
    """As the survival function falls from 50 to 100, so it falls again from 100 to 200."""
    edges = np.array([0.0, 50, 100, 1e9])
    above = 100 - cumulative_at(edges, np.array(masses), np.array([200.0, 400.0]), is_open=True)

    assert above == pytest.approx([masses[2] * survival, masses[2] * survival**2], rel=1e-3)


def test_an_open_class_of_few_values_decays_exponentially_and_one_that_a_cubic_can_follow_is_left_to_it() -> None:
    edges, masses = np.array([0.0, 1, 2, 4]), np.array([50.0, 40, 10])
    tail = np.diff(cumulative_at(edges, masses, np.linspace(2, 4, 5), is_open=True))
    gentle = np.array([50.0, 40, 35]), np.linspace(0, 4, 9)

    assert tail[1:] / tail[:-1] == pytest.approx(np.full(3, 5**-0.5))
    assert cumulative_at(edges, *gentle, True).tolist() == cumulative_at(edges, *gentle, False).tolist()


def test_the_density_does_not_jump_where_an_open_class_begins() -> None:
    edges = np.array([0.0, 50, 100, 1000])
    around = cumulative_at(edges, np.array([60.0, 30, 10]), np.array([99.99, 100.0, 100.01]), is_open=True)

    assert np.diff(around)[0] == pytest.approx(np.diff(around)[1], rel=1e-2)
