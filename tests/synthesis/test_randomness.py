"""Random streams depend on what is drawn, and on nothing else."""

import itertools

import pytest

from synthesis.randomness import PURPOSES, keyed_rng


def stream(random_seed: int, purpose: str, *key: int) -> tuple[int, ...]:
    return tuple(keyed_rng(random_seed, purpose, *key).integers(0, 2**63, 4).tolist())


def test_the_same_key_gives_the_same_stream() -> None:
    assert stream(7, "draw", 1, 2) == stream(7, "draw", 1, 2)
    assert stream(2**63 - 1, "propose", 0) == stream(2**63 - 1, "propose", 0)


def test_different_random_seeds_purposes_and_keys_give_different_streams() -> None:
    keys = [(), (0,), (1,), (0, 0), (0, 1), (1, 0), (0, 0, 0), (2**31,), (2**32 - 1,)]
    every = list(itertools.product([0, 1, 2**32, 2**63 - 1], PURPOSES, keys))

    assert len({stream(random_seed, purpose, *key) for random_seed, purpose, key in every}) == len(every)


def test_a_stream_does_not_depend_on_what_was_drawn_before() -> None:
    first = keyed_rng(1, "draw", 3)
    first.random(1000)

    assert stream(1, "draw", 3) == tuple(keyed_rng(1, "draw", 3).integers(0, 2**63, 4).tolist())


def test_an_unknown_purpose_is_an_error() -> None:
    with pytest.raises(ValueError, match="not in tuple"):
        keyed_rng(1, "coffee")
