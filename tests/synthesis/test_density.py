"""Densities inside atoms: draws stay inside, follow their curve, and have the expected value that is told of them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.density import CHANCE_DRAWS, EVEN_RECORDS, Density, Given, build_density, cells_of, draw_values
from tests.strategies import rngs


@st.composite
def densities(draw: st.DrawFn) -> tuple[np.ndarray, Density]:
    """Edges, and a density of one to three curves over them, with empty atoms and steps."""
    is_integer = draw(st.booleans())
    size = st.integers(1, 300) if is_integer else st.floats(1e-9, 1e9)
    sizes = np.cumsum(draw(st.lists(size, min_size=1, max_size=5)))
    edges = np.unique(draw(st.integers(-1000, 1000)) + np.concatenate(([0.0, 1.0], 1 + sizes)))
    points = edges[:-1, None] + np.diff(edges)[:, None] * np.linspace(0, 1, 9)
    points = np.round(points) if is_integer else points
    points[:, 0], points[:, -1] = edges[:-1], edges[1:]
    rng = draw(rngs)
    masses = rng.random((rng.integers(1, 4), len(points), 8)) * (rng.random((1, len(points), 8)) < 0.7)
    # Steps without width (repeated points of a narrow integer) hold nothing.
    return edges, build_density(is_integer, points, masses * (np.diff(points, axis=1) > 0))


@settings(max_examples=150, derandomize=True, deadline=None)
@given(densities(), st.sampled_from([0, 1, 40, 3 * CHANCE_DRAWS]), rngs)
def test_a_draw_never_leaves_its_atom(found: tuple[np.ndarray, Density], count: int, rng: np.random.Generator) -> None:
    edges, density = found
    cells = rng.integers(0, density.masses.size, count)
    values, atoms = draw_values(density, cells, rng), cells % density.atoms

    assert (values >= edges[atoms]).all()
    assert (values < edges[atoms + 1]).all()
    assert values.dtype == (np.int64 if density.is_integer else np.float64)


@settings(max_examples=30, derandomize=True, deadline=None)
@given(densities(), rngs)
def test_the_mean_of_many_draws_is_the_expected_value(
    found: tuple[np.ndarray, Density], rng: np.random.Generator
) -> None:
    edges, density = found
    for cell in range(density.masses.size):
        values = draw_values(density, np.full(400, cell), rng)
        width = np.diff(edges)[cell % density.atoms]

        assert values.mean() == pytest.approx(density.means[cell], abs=width / 100)


def test_whole_numbers_have_the_probability_of_their_step() -> None:
    shares = np.array([0.5, 0.3, 0.15, 0.05])
    density = build_density(True, np.array([[4.0, 5, 6, 7, 8]]), shares.reshape(1, 1, 4))
    few = draw_values(density, np.zeros(100, dtype=np.int64), np.random.default_rng(0))
    many = draw_values(density, np.zeros(200_000, dtype=np.int64), np.random.default_rng(0))

    assert np.abs(np.bincount(few)[4:] - 100 * shares).max() <= 5
    assert np.abs(np.bincount(many)[4:] / 200_000 - shares).max() < 0.004
    assert density.means.tolist() == pytest.approx([4 * 0.5 + 5 * 0.3 + 6 * 0.15 + 7 * 0.05], abs=0.01)


def test_few_draws_are_dealt_to_equal_parts_of_their_cell_in_no_order() -> None:
    density = build_density(False, np.array([[0.0, 1.0], [1.0, 3.0]]), np.ones((1, 2, 1)))
    values = draw_values(density, np.tile([0, 1], 80), np.random.default_rng(5))

    assert np.histogram(values[::2], 10, (0, 1))[0].tolist() == [EVEN_RECORDS] * 10
    assert np.histogram(values[1::2], 10, (1, 3))[0].tolist() == [EVEN_RECORDS] * 10
    assert abs(np.corrcoef(values[::2], np.arange(80))[0, 1]) < 0.3
    assert len(set(values.tolist())) == 160


def test_other_variables_select_the_curve_and_everybodys_serves_where_they_are_not_known() -> None:
    given = Given("tier", np.array([0, 1, 1]), 2), Given("sex", np.array([0, 1]), 2)
    masses = np.arange(1.0, 11).reshape(5, 2, 1)
    density = build_density(False, np.array([[0.0, 1.0], [1.0, 3.0]]), masses, given)
    atoms = {"x": np.array([0, 1, 1]), "tier": np.array([0, 2, -1]), "sex": np.array([1, 0, 0])}

    assert cells_of(density, "x", atoms).tolist() == [2 * 2 + 0, 2 * 3 + 1, 1]
    assert cells_of(density, "x", {"x": atoms["x"], "tier": atoms["tier"]}).tolist() == [0, 1, 1]


def test_single_values_are_themselves() -> None:
    points = np.array([[3.0, 3, 4], [4.0, 4, 5]])
    density = build_density(True, points, np.ones((1, 2, 2)) * np.array([0.0, 1.0]))

    assert draw_values(density, np.array([1, 0, 1]), np.random.default_rng(0)).tolist() == [4, 3, 4]
    assert density.means.tolist() == [3, 4]


@settings(max_examples=200, derandomize=True, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=2, max_size=6, unique=True).map(sorted),
    st.floats(0, 1, exclude_max=True),
)
def test_values_in_single_precision_stay_on_their_side_of_every_edge(edges: list[float], place: float) -> None:
    points = np.array([[low, high] for low, high in itertools.pairwise(edges)])
    density = build_density(False, points, np.ones((1, len(points), 1)))
    cells = np.repeat(np.arange(len(points)), 40)
    values = draw_values(density, cells, np.random.default_rng(int(place * 1000)))
    if density.is_single:
        single = values.astype(np.float32)
        assert (single == values).all()
        for read, ends in ((values, points), (single, points.astype(np.float32))):
            assert (read >= ends[cells, 0]).all()
            assert (read < ends[cells, 1]).all()


def test_bins_too_narrow_for_single_precision_are_kept_in_double() -> None:
    wide, narrow, huge = (np.array([[0.0, end], [end, 1e3]]) for end in (1.0, 1e-3, 1e39))
    huge[1, 1] = 1e40
    are_single = [build_density(False, points, np.ones((1, 2, 1))).is_single for points in (wide, narrow + 1e6, huge)]
    assert are_single == [True, False, False]
