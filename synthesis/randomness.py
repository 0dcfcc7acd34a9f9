"""Random generators keyed by what is drawn, never by who draws it."""

import numpy as np

PURPOSES = (
    "propose",
    "integerize",
    "draw",
    "stratify",
    "evaluate",
    "baselines",
    "preview",
    "texts",
    "update",
    "retire",
)


def keyed_rng(random_seed: int, purpose: str, *key: int) -> np.random.Generator:
    """The generator of one purpose and key (round, unit, stratum, chunk ...)."""
    return np.random.default_rng(np.random.SeedSequence(random_seed, spawn_key=(PURPOSES.index(purpose), *key)))
