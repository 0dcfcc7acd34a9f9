"""Classifier two-sample test: can a random forest tell synthetic records from real ones?

Lopez-Paz and Oquab 2017. Five folds, balanced samples. Rows are sorted before they are dealt to folds, so the score
does not depend on their order. A negative signed gap means that equal rows occur on both sides more than by chance.
"""

import numpy as np
from numpy.typing import ArrayLike

from schemas.errors import MetricError
from schemas.model import FloatArray
from synthesis.metrics.metric import Metric

METRIC = Metric("c2st_gap", "C2ST |accuracy − .5|", 0.0, 0.5, 0.0)
SIGNED = Metric("c2st_signed_gap", "C2ST accuracy − .5", -0.5, 0.5, 0.0, "nearer to best is better")
FOLDS = 5
TREES = 100
MIN_LEAF = 5


def c2st_signed_gap(synthetic: ArrayLike, reference: ArrayLike, rng: np.random.Generator) -> float:
    """Cross-validated accuracy minus one half, from samples of one size and shape (records, features)."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold

    left, right = _sorted(synthetic), _sorted(reference)
    if len(left) != len(right):
        raise MetricError(f"expected samples of one size, got {len(left)} and {len(right)}")
    if len(left) < 4 * FOLDS:
        raise MetricError(f"{len(left)} records on each side, expected at least {4 * FOLDS}")
    features, is_real = np.concatenate([left, right]), np.repeat([0, 1], len(left))
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=int(rng.integers(2**31)))
    hits = 0
    for fitted, judged in folds.split(features, is_real):
        forest = RandomForestClassifier(TREES, min_samples_leaf=MIN_LEAF, random_state=int(rng.integers(2**31)))
        forest.fit(features[fitted], is_real[fitted])
        hits += int((forest.predict(features[judged]) == is_real[judged]).sum())
    return hits / len(features) - 0.5


def _sorted(rows: ArrayLike) -> FloatArray:
    held = np.asarray(rows, dtype=float)
    held = held.reshape(len(held), -1)
    return held[np.lexsort(held.T[::-1])]
