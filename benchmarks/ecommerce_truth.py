"""The stated truth of `scenarios/ecommerce`: a Bayesian network, 2,000 records of it, and their tables.

    python benchmarks/ecommerce_truth.py [--out SCENARIO]

The network is p(age) p(gender) p(location) p(category | age group, gender) p(price | category)
p(payment | location), as given in arXiv 2505.14752, experiment 2. Two readings are ours: each component of
the age mixture is truncated to [18, 90] by itself, and the weights (.5, .45, .15) are divided by their sum.
"""

import argparse
import itertools
import math
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

REFERENCE_RECORDS = 2_000
REFERENCE_RANDOM_SEED = 2026
MAIN_BINS, SUB_BINS = 6, 8

AGE_LIMITS, PRICE_LIMITS = (18.0, 90.0), (0.0, 2000.0)
AGE_WEIGHTS, AGE_MEANS, AGE_SDS = (0.5, 0.45, 0.15), (24, 38, 55), (6, 15, 10)
AGE_GROUP_STARTS = (35, 55)  # young, middle, old
GENDERS, GENDER_SHARES = ("Male", "Female"), (0.45, 0.55)
LOCATIONS, LOCATION_SHARES = ("Developed", "Developing"), (0.4, 0.6)
PRODUCTS = ("Electronics", "Apparel", "Food & Beverages", "Furniture & Appliances")
PRODUCT_SHARES = (  # row = 2 * age group + gender
    (0.50, 0.25, 0.05, 0.20),
    (0.20, 0.50, 0.05, 0.25),
    (0.20, 0.10, 0.50, 0.20),
    (0.10, 0.20, 0.55, 0.15),
    (0.10, 0.10, 0.65, 0.15),
    (0.10, 0.10, 0.60, 0.20),
)
PRICE_MEANS, PRICE_SDS = (800, 100, 100, 200), (1000, 500, 400, 500)  # by product category
PAYMENTS = ("Online Payment", "Cash on Delivery")
PAYMENT_SHARES = ((0.70, 0.30), (0.40, 0.60))  # by location

MARGINALS = ("gender", "location_tier", "product_category", "payment")
JOINTS = {
    "age_gender_category": ("age", "gender", "product_category"),
    "category_price": ("product_category", "price"),
    "location_payment": ("location_tier", "payment"),
}


def draw_codes(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One category code per row of `shares`, by inversion."""
    cumulative = np.cumsum(shares, axis=1)
    points = rng.random((len(shares), 1)) * cumulative[:, -1:]
    return np.sum(points >= cumulative[:, :-1], axis=1)


def draw_truncated_normals(
    means: np.ndarray, sds: np.ndarray, limits: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """One value in [low, high) per mean, by inversion of the normal distribution function."""
    low, high = ((limit - means) / sds for limit in limits)
    values = means + sds * ndtri(rng.uniform(ndtr(low), ndtr(high)))
    return np.clip(values, limits[0], np.nextafter(limits[1], 0))


def draw_reference(n: int, random_seed: int) -> pd.DataFrame:
    """`n` records of the network; the same arguments give the same records."""
    rng = np.random.default_rng(random_seed)
    component = draw_codes(np.tile(AGE_WEIGHTS, (n, 1)), rng)
    age = draw_truncated_normals(np.take(AGE_MEANS, component), np.take(AGE_SDS, component), AGE_LIMITS, rng)
    gender = draw_codes(np.tile(GENDER_SHARES, (n, 1)), rng)
    location = draw_codes(np.tile(LOCATION_SHARES, (n, 1)), rng)
    age_group = np.digitize(age, AGE_GROUP_STARTS)
    product = draw_codes(np.array(PRODUCT_SHARES)[2 * age_group + gender], rng)
    means, sds = np.take(PRICE_MEANS, product), np.take(PRICE_SDS, product)
    price = draw_truncated_normals(means, sds, PRICE_LIMITS, rng)
    payment = draw_codes(np.array(PAYMENT_SHARES)[location], rng)
    return pd.DataFrame(
        {
            "age": age,
            "gender": np.take(GENDERS, gender),
            "location_tier": np.take(LOCATIONS, location),
            "product_category": np.take(PRODUCTS, product),
            "price": price,
            "payment": np.take(PAYMENTS, payment),
        }
    )


def main_edges(values: pd.Series) -> np.ndarray:
    """Edges of the quantile bins: two decimals inside, the observed range rounded outward to one decimal.

    The last edge lies above the largest value, since bins are half open.
    """
    edges = np.quantile(values, np.linspace(0, 1, MAIN_BINS + 1)).round(2)
    edges[0], edges[-1] = math.floor(values.min() * 10) / 10, (math.floor(values.max() * 10) + 1) / 10
    return edges


def sub_edges(edges: np.ndarray) -> np.ndarray:
    """`edges` with every bin cut into equal parts; five decimals hold an eighth of a hundredth exactly."""
    cuts = np.arange(SUB_BINS) / SUB_BINS
    inside = edges[:-1, None] + np.diff(edges)[:, None] * cuts
    return np.round(np.append(inside.ravel(), edges[-1]), 5)


def bin_labels(values: pd.Series, edges: np.ndarray) -> pd.Categorical:
    """The half-open bin of every value, all bins kept as categories."""
    labels = [f"[{low:.10g}, {high:.10g})" for low, high in itertools.pairwise(edges)]
    bins = np.take(labels, np.digitize(values, edges) - 1)
    return pd.Categorical(bins, categories=labels, ordered=True)


def count_cells(records: pd.DataFrame, variables: tuple[str, ...]) -> pd.DataFrame:
    """Counts of every combination, empty ones included."""
    return records.groupby(list(variables), observed=False).size().rename("count").reset_index()


def count_tables(records: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The target tables: fine marginals of the numbers, main bins in the joints."""
    coarse, fine = records.copy(), records.copy()
    for variable, categories in zip(MARGINALS, (GENDERS, LOCATIONS, PRODUCTS, PAYMENTS), strict=True):
        coarse[variable] = pd.Categorical(records[variable], categories)
    for variable in ("age", "price"):
        edges = main_edges(records[variable])
        coarse[variable] = bin_labels(records[variable], edges)
        fine[variable] = bin_labels(records[variable], sub_edges(edges))
    tables = {name: count_cells(fine, (name,)) for name in ("age", "price")}
    tables |= {name: count_cells(coarse, (name,)) for name in MARGINALS}
    return tables | {name: count_cells(coarse, variables) for name, variables in JOINTS.items()}


def main() -> None:
    """Write the target tables of the reference records."""
    parser = argparse.ArgumentParser(description="Write the target tables of scenarios/ecommerce.")
    scenario = Path(__file__).resolve().parents[1] / "scenarios" / "ecommerce"
    parser.add_argument("--out", type=Path, default=scenario, help="scenario folder")
    targets = parser.parse_args().out / "targets"
    targets.mkdir(parents=True, exist_ok=True)
    for name, table in count_tables(draw_reference(REFERENCE_RECORDS, REFERENCE_RANDOM_SEED)).items():
        table.to_csv(targets / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
