"""The e-commerce example against its known truth: PAPER experiment 2, from 2,000 reference records' tables alone.

    python benchmarks/ecommerce.py [--runs 5]

Runs `synthor run scenarios/ecommerce` with several random seeds and compares the published records with the reference
records that the tables were counted from. The noise floor beside each figure is a second sample of 2,000 records from
the same network. Bars: age W1 <= 0.15, price W1 <= 5, every categorical TVD <= 0.002.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
from ecommerce_truth import REFERENCE_RANDOM_SEED, draw_reference
from measuring import measure, synthor
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

SCENARIO = Path(__file__).parent.parent / "scenarios" / "ecommerce"
CATEGORIES = ("gender", "location_tier", "product_category", "payment")
BARS = {"age W1": 0.15, "price W1": 5.0} | {f"{name} TVD": 0.002 for name in CATEGORIES}


def total_variation(left: pd.Series, right: pd.Series) -> float:
    """Half the absolute differences of two category distributions."""
    shares = [series.astype(str).value_counts(normalize=True) for series in (left, right)]
    return float(0.5 * shares[0].sub(shares[1], fill_value=0).abs().sum())


def joint_distance(left: pd.DataFrame, right: pd.DataFrame, columns: list[str]) -> float:
    """Jensen-Shannon distance (base 2) of a joint of categories."""
    counts = [frame[columns].astype(str).value_counts() for frame in (left, right)]
    both = pd.concat(counts, axis=1).fillna(0).to_numpy()
    return float(jensenshannon(both[:, 0], both[:, 1], base=2))


def metrics(records: pd.DataFrame, reference: pd.DataFrame) -> dict[str, float]:
    """The paper's figures for one set of records."""
    found = {f"{name} W1": float(wasserstein_distance(records[name], reference[name])) for name in ("age", "price")}
    found |= {f"{name} TVD": total_variation(records[name], reference[name]) for name in CATEGORIES}
    found["location, payment JSD"] = joint_distance(records, reference, ["location_tier", "payment"])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    reference = draw_reference(2000, REFERENCE_RANDOM_SEED)
    found, seconds = [], []
    for seed in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "run"
            command = synthor("run", SCENARIO, "--out", out, "--random-seed", str(seed), "--quiet")
            seconds.append(measure(command).seconds)
            found.append(metrics(ds.dataset(out / "dataset" / "transaction").to_table().to_pandas(), reference))
    noise = [metrics(draw_reference(2000, 10_000 + i), reference) for i in range(runs)]
    print(f"e-commerce, n = 2,000, medians of {runs} random seeds, whole command {np.median(seconds):.1f} s")
    print(f"{'figure':24}{'synthor':>10}{'worst':>10}{'noise':>10}{'bar':>8}")
    for name in found[0]:
        values = [each[name] for each in found]
        bar = f"{BARS[name]:8g}" if name in BARS else f"{'':8}"
        floor = np.median([each[name] for each in noise])
        print(f"{name:24}{np.median(values):10.4f}{max(values):10.4f}{floor:10.4f}{bar}")


if __name__ == "__main__":
    main()
