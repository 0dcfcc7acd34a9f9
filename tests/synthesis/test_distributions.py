"""Draws from a prior's distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.prior import Mix, Normal
from synthesis.distributions import bounds, draw_values, interval_ends, is_possible
from tests.strategies import rngs

KINDS = st.sampled_from(["integer", "number"])
MIXES = st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 30), st.integers(0, 5)), min_size=1, max_size=5).filter(
    lambda parts: sum(weight for *_, weight in parts) > 0
)
NORMALS = st.builds(
    lambda mean, deviation, low, width: Normal(mean, deviation, low, low + width),
    st.floats(-300, 300),
    st.floats(0.1, 80),
    st.integers(-50, 50).map(float),
    st.integers(1, 60).map(float),
)


def mix_of(parts):
    total = sum(weight for *_, weight in parts)
    lows, highs = [float(low) for low, *_ in parts], [float(low + width) for low, width, _ in parts]
    return Mix(tuple(lows), tuple(highs), tuple(weight / total for *_, weight in parts))


@given(MIXES.map(mix_of), KINDS, rngs)
def test_every_draw_of_a_mix_is_possible(mix, kind, rng):
    values = draw_values(mix, kind, 200, rng)
    assert is_possible(mix, values).all()
    assert kind == "number" or (values == np.floor(values)).all()


@given(NORMALS, KINDS, rngs)
def test_every_draw_of_a_normal_is_within_its_limits(normal, kind, rng):
    values = draw_values(normal, kind, 200, rng)
    assert ((values >= normal.low) & (values <= normal.high)).all()
    assert is_possible(normal, values).all()
    assert kind == "number" or (values == np.floor(values)).all()


def test_a_part_without_weight_is_impossible():
    mix = Mix((0.0, 10.0), (10.0, 20.0), (1.0, 0.0))
    assert is_possible(mix, np.array([5.0, 15.0])).tolist() == [True, False]
    assert bounds(mix) == (0.0, 9.0)


def test_an_exact_number_is_drawn_and_has_an_atom_of_its_own():
    mix = Mix((2.5,), (2.5,), (1.0,))
    assert (draw_values(mix, "number", 5, np.random.default_rng(0)) == 2.5).all()
    assert interval_ends(mix) == {2.5, np.nextafter(2.5, 3)}


def test_shares_of_a_mix_are_kept():
    mix = Mix((0.0, 10.0), (10.0, 20.0), (0.25, 0.75))
    values = draw_values(mix, "integer", 20_000, np.random.default_rng(0))
    assert np.mean(values < 10) == pytest.approx(0.25, abs=0.015)


def test_a_truncated_normal_keeps_its_shape():
    values = draw_values(Normal(-2.0, 5.0, -25.0, 25.0), "integer", 20_000, np.random.default_rng(0))
    assert (values.mean(), values.std()) == pytest.approx((-2, 5), abs=0.15)


def test_a_lognormal_has_its_median():
    values = draw_values(
        Normal(np.log(30_000), 0.6, 0.0, 500_000.0, is_log=True), "number", 20_000, np.random.default_rng(0)
    )
    assert np.median(values) == pytest.approx(30_000, rel=0.03)
