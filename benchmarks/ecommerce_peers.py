"""Other open-source methods on the e-commerce tables: Private-PGM (mbi), quasirandom integer sampling, IPF.

Each sees the counts that synthor's scenario holds and yields codes of the finest bins; values are then spread evenly
inside them, as these libraries leave it to their users. Age and price are two dimensions each, a main bin and its
eighth, so that joints over main bins and marginals over eighths are margins of one array.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ecommerce_truth import (
    GENDERS,
    LOCATIONS,
    MAIN_BINS,
    MARGINALS,
    PAYMENTS,
    PRODUCTS,
    SUB_BINS,
    main_edges,
    sub_edges,
)

CATEGORIES = dict(zip(MARGINALS, (GENDERS, LOCATIONS, PRODUCTS, PAYMENTS), strict=True))
NUMBERS = ("age", "price")
SHAPE = {f"{name}_{part}": size for name in NUMBERS for part, size in (("main", MAIN_BINS), ("sub", SUB_BINS))} | {
    name: len(labels) for name, labels in CATEGORIES.items()
}
TABLES = (
    ("age_main", "age_sub"),
    ("price_main", "price_sub"),
    *((name,) for name in MARGINALS),
    ("age_main", "gender", "product_category"),
    ("price_main", "product_category"),
    ("location_tier", "payment"),
)
"""In the order of the dimensions: humanleague and ipfn read tables so."""
IMPLIED = (("gender",), ("location_tier",), ("product_category",), ("payment",))
"""Margins of the joints: quasirandom sampling takes each dimension's total from its joint alone."""


@dataclass(frozen=True)
class Drawn:
    """A peer's records, and the CPU seconds of its fit and of drawing from it."""

    records: pd.DataFrame
    fit_seconds: float
    draw_seconds: float


@dataclass(frozen=True)
class Counts:
    """The reference's tables, and the edges of its finest bins."""

    tables: dict[tuple[str, ...], np.ndarray]
    edges: dict[str, np.ndarray]
    total: int


def count(reference: pd.DataFrame) -> Counts:
    """The tables of the scenario as arrays."""
    edges = {name: sub_edges(main_edges(reference[name])) for name in NUMBERS}
    codes = {name: pd.Categorical(reference[name], labels).codes for name, labels in CATEGORIES.items()}
    for name in NUMBERS:
        fine = np.digitize(reference[name], edges[name]) - 1
        codes[f"{name}_main"], codes[f"{name}_sub"] = fine // SUB_BINS, fine % SUB_BINS
    tables = {}
    for names in TABLES:
        tables[names] = np.zeros([SHAPE[name] for name in names])
        np.add.at(tables[names], tuple(codes[name] for name in names), 1)
    return Counts(tables, edges, len(reference))


def private_pgm(counts: Counts, size: int, rng: np.random.Generator) -> Drawn:
    """The graphical model of maximum entropy, by mirror descent as recommended (1,000 steps)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on float32 beyond 100,000 records, and on JAX's own cache
        import mbi
    domain = mbi.Domain(tuple(SHAPE), tuple(SHAPE.values()))
    started = time.process_time()
    measured = [mbi.LinearMeasurement(table.ravel(), names) for names, table in counts.tables.items()]
    model = mbi.estimation.MirrorDescent().estimate(domain, measured, known_total=float(counts.total))
    fitted = time.process_time()
    np.random.seed(int(rng.integers(2**31)))  # the library draws from NumPy's global generator
    codes = {name: np.asarray(column) for name, column in model.synthetic_data(size).to_dict().items()}
    return Drawn(decode(codes, counts, rng), fitted - started, time.process_time() - fitted)


def quasirandom(counts: Counts, size: int, rng: np.random.Generator) -> Drawn:
    """Humanleague's QIS: a population of whole records; it draws as it fits."""
    import humanleague

    dimensions = list(SHAPE)
    # Joints first: in another order it does not converge.
    used = {names: table for names, table in reversed(counts.tables.items()) if names not in IMPLIED}
    indices = [np.array([dimensions.index(name) for name in names]) for names in used]
    started = time.process_time()
    skips = int(rng.integers(1, 2**20))
    population, told = humanleague.qis(indices, [table.astype(np.int64) for table in used.values()], skips)
    fitted = time.process_time()
    assert told["conv"], "humanleague did not converge"
    cells = np.repeat(np.arange(population.size), population.ravel())
    return Drawn(_records(cells, counts, rng), fitted - started, time.process_time() - fitted)


def proportional_fitting(counts: Counts, size: int, rng: np.random.Generator) -> Drawn:
    """IPF from an even start; whole records by sampling the fitted cells."""
    from ipfn import ipfn

    dimensions = list(SHAPE)
    indices = [[dimensions.index(name) for name in names] for names in counts.tables]
    started = time.process_time()
    fit = ipfn.ipfn(np.ones(list(SHAPE.values())), list(counts.tables.values()), indices, convergence_rate=1e-6)
    weights = fit.iteration().ravel()
    fitted = time.process_time()
    cells = rng.choice(weights.size, size, p=weights / weights.sum())
    return Drawn(_records(cells, counts, rng), fitted - started, time.process_time() - fitted)


def _records(cells: np.ndarray, counts: Counts, rng: np.random.Generator) -> pd.DataFrame:
    return decode(dict(zip(SHAPE, np.unravel_index(cells, list(SHAPE.values())), strict=True)), counts, rng)


def decode(codes: dict[str, np.ndarray], counts: Counts, rng: np.random.Generator) -> pd.DataFrame:
    """Codes as records, numbers even inside their finest bin."""
    columns: dict[str, np.ndarray] = {name: np.take(labels, codes[name]) for name, labels in CATEGORIES.items()}
    for name in NUMBERS:
        fine = codes[f"{name}_main"] * SUB_BINS + codes[f"{name}_sub"]
        columns[name] = rng.uniform(counts.edges[name][fine], counts.edges[name][fine + 1])
    return pd.DataFrame(columns)


PEERS: dict[str, Callable[[Counts, int, np.random.Generator], Drawn]] = {
    "Private-PGM (mbi)": private_pgm,
    "QIS (humanleague)": quasirandom,
    "IPF (ipfn)": proportional_fitting,
}
