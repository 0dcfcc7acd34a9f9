"""A peer's marginal cost of a record on the e-commerce tables: run by `throughput.py`, in the peers' environment.

    python benchmarks/throughput_peers.py {mbi,sdv} SMALL LARGE

Fits once, then draws SMALL and LARGE records; prints CPU and wall seconds of both as JSON. mbi is Private-PGM on the
scenario's tables, discretised; SDV's GaussianCopula is fitted to the reference records, for it takes nothing else.
"""

import json
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from ecommerce_peers import SHAPE, count
from ecommerce_truth import REFERENCE_RANDOM_SEED, REFERENCE_RECORDS, draw_reference


def mbi_sampler(reference: pd.DataFrame) -> Callable[[int], object]:
    """Draws discretised records of the maximum-entropy model of the tables."""
    import mbi

    counts = count(reference)
    measured = [mbi.LinearMeasurement(table.ravel(), names) for names, table in counts.tables.items()]
    domain = mbi.Domain(tuple(SHAPE), tuple(SHAPE.values()))
    model = mbi.estimation.MirrorDescent().estimate(domain, measured, known_total=float(counts.total))
    np.random.seed(0)
    return model.synthetic_data


def sdv_sampler(reference: pd.DataFrame) -> Callable[[int], object]:
    """Draws records of the fitted copula."""
    from sdv.metadata import Metadata
    from sdv.single_table import GaussianCopulaSynthesizer

    kinds = {name: "numerical" if column.dtype.kind in "if" else "categorical" for name, column in reference.items()}
    columns = {name: {"sdtype": kind} for name, kind in kinds.items()}
    metadata = Metadata.load_from_dict({"tables": {"transaction": {"columns": columns}}})
    synthesizer = GaussianCopulaSynthesizer(metadata)
    synthesizer.fit({"transaction": reference})  # SDV 2
    return synthesizer.sample


def main() -> None:
    """Fit, draw twice, tell."""
    peer, sizes = sys.argv[1], [int(size) for size in sys.argv[2:]]
    reference = draw_reference(REFERENCE_RECORDS, REFERENCE_RANDOM_SEED)
    sample = {"mbi": mbi_sampler, "sdv": sdv_sampler}[peer](reference)
    sample(1000)
    found = []
    for size in sizes:
        cpu, wall = time.process_time(), time.monotonic()
        sample(size)
        found.append((time.process_time() - cpu, time.monotonic() - wall))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
