"""Downstream utility: train on synthetic records, test on real ones; beside it, train on other real ones."""

from typing import Any

import numpy as np

from schemas.errors import MetricError
from schemas.model import FloatArray, IntArray
from synthesis.metrics.metric import Metric

ACCURACY = Metric("utility_accuracy", "accuracy on real records", 0.0, 1.0, 1.0, "higher is better")
MACRO_F1 = Metric("utility_macro_f1", "macro F1 on real records", 0.0, 1.0, 1.0, "higher is better")
TREES = 100
MODELS = ("logistic regression", "tree", "forest")


def train_and_test(
    model: str,
    trained: tuple[FloatArray, IntArray],
    tested: tuple[FloatArray, IntArray],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """(accuracy, macro F1) of a model trained on one (features, labels) and tested on another.

    Trained rows are sorted first, so their order does not matter.
    """
    from sklearn.metrics import accuracy_score, f1_score

    features, labels = trained
    if len(np.unique(labels)) < 2:
        raise MetricError("the records to train on have a single label")
    order = np.lexsort((labels, *features.T[::-1]))
    fitted = _estimator(model, int(rng.integers(2**31))).fit(features[order], labels[order])
    answers, truth = fitted.predict(tested[0]), tested[1]
    macro = f1_score(truth, answers, average="macro", labels=np.unique(truth), zero_division=0)
    return float(accuracy_score(truth, answers)), float(macro)


def _estimator(model: str, random_state: int) -> Any:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    if model == "logistic regression":
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    if model == "tree":
        return DecisionTreeClassifier(min_samples_leaf=5, random_state=random_state)
    return RandomForestClassifier(TREES, min_samples_leaf=2, random_state=random_state)
