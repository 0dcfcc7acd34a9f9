"""Figures of e-commerce records: against the reference that the tables were counted in, and against fresh records.

`held-out conditional TVD` is the mean of the network's own conditionals, p(category | age, gender),
p(price | category) and p(payment | location), in the tables' bins of age and price, against 20,000 fresh records. No
method can know more than the reference's 2,000 records, whose own distance from the fresh ones is shown beside it. The
same over all ordered pairs of variables is in 20 fixed bins of age and price, which no table holds.
"""

import itertools

import numpy as np
import pandas as pd
from ecommerce_peers import CATEGORIES, NUMBERS
from ecommerce_truth import AGE_LIMITS, PRICE_LIMITS, PRODUCTS, main_edges

from synthesis.metrics.c2st import c2st_signed_gap
from synthesis.metrics.conditional_tvd import conditional_tvd
from synthesis.metrics.jensen_shannon import jensen_shannon_distance
from synthesis.metrics.total_variation import total_variation
from synthesis.metrics.wasserstein import wasserstein_1

FIXED_BINS = 20
SAMPLES = 4
"""Fresh samples of the records' size that a classifier has to tell them from."""
CONDITIONALS = (
    (("age", "gender"), "product_category"),
    (("product_category",), "price"),
    (("location_tier",), "payment"),
)
FIXED = {name: np.linspace(*limits, FIXED_BINS + 1) for name, limits in (("age", AGE_LIMITS), ("price", PRICE_LIMITS))}
Edges = dict[str, np.ndarray]


def score(records: pd.DataFrame, reference: pd.DataFrame, fresh: pd.DataFrame, random_seed: int) -> dict[str, float]:
    """All figures of one set of records."""
    edges = {name: main_edges(reference[name]) for name in NUMBERS}
    found = {f"{name} W1": wasserstein_1(records[name], reference[name]) for name in NUMBERS}
    by_product = [[frame.price[frame.product_category == p] for p in PRODUCTS] for frame in (records, reference)]
    found["price W1 by category"] = float(np.mean([wasserstein_1(*pair) for pair in zip(*by_product, strict=True)]))
    singles = [[table(frame, (name,), edges) for frame in (records, reference)] for name in CATEGORIES]
    found["worst categorical TVD"] = max(total_variation(*pair) for pair in singles)
    pair = ("location_tier", "payment")
    found["location, payment JSD"] = jensen_shannon_distance(*(table(f, pair, edges) for f in (records, reference)))
    found["held-out conditional TVD"] = float(np.mean([conditional(records, fresh, *c, edges) for c in CONDITIONALS]))
    pairs = itertools.permutations((*NUMBERS, *CATEGORIES), 2)
    found["... of all pairs, 20 bins"] = float(np.mean([conditional(records, fresh, (a,), b, FIXED) for a, b in pairs]))
    found["C2ST, signed gap"] = classifier_gap(records, fresh, random_seed)
    return found


def classifier_gap(records: pd.DataFrame, fresh: pd.DataFrame, random_seed: int) -> float:
    """Accuracy of telling the records from fresh ones, less one half: the mean over several fresh samples."""
    rng = np.random.default_rng(random_seed)
    parts = [fresh.iloc[i * len(records) : (i + 1) * len(records)] for i in range(SAMPLES)]
    return float(np.mean([c2st_signed_gap(features(records), features(part), rng) for part in parts]))


def features(records: pd.DataFrame) -> np.ndarray:
    """Numbers as they are, categories as indicators."""
    indicators = [(records[name] == label).to_numpy() for name, labels in CATEGORIES.items() for label in labels]
    return np.stack([*(records[name].to_numpy() for name in NUMBERS), *indicators], axis=1).astype(float)


def conditional(
    records: pd.DataFrame, fresh: pd.DataFrame, given: tuple[str, ...], outcome: str, edges: Edges
) -> float:
    """Mean TVD of the outcome given the others."""
    return conditional_tvd(*(_flat(table(frame, (*given, outcome), edges)) for frame in (records, fresh)))


def table(records: pd.DataFrame, names: tuple[str, ...], edges: Edges) -> np.ndarray:
    """The contingency table of the variables, numbers in bins (values beyond them in the outermost)."""
    sizes = [len(CATEGORIES[name]) if name in CATEGORIES else len(edges[name]) - 1 for name in names]
    counts = np.zeros(sizes)
    np.add.at(counts, tuple(_codes(records, name, edges) for name in names), 1)
    return counts


def _codes(records: pd.DataFrame, name: str, edges: Edges) -> np.ndarray:
    if name in CATEGORIES:
        return pd.Categorical(records[name], CATEGORIES[name]).codes.astype(np.int64)
    return np.clip(np.digitize(records[name], edges[name]) - 1, 0, len(edges[name]) - 2)


def _flat(counts: np.ndarray) -> np.ndarray:
    return counts.reshape(-1, counts.shape[-1])
