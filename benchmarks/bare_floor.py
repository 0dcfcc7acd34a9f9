"""The bare floor: what drawing and writing six columns costs when nothing is planned, checked, counted or kept.

    python benchmarks/bare_floor.py RECORDS FOLDER [--seed S]

One process: a multinomial over the cells of the e-commerce tables' joint (category x price bin x age bin x gender x
tier x payment), their expansion to records, a jitter inside the bins, a shuffle, and one parquet file of six columns.
Prints its CPU seconds and its wall seconds, without imports.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

BINS = {"age": 48, "price": 48}
CATEGORIES = {
    "gender": ["Male", "Female"],
    "location_tier": ["Developed", "Developing"],
    "product_category": ["Electronics", "Apparel", "Food & Beverages", "Furniture & Appliances"],
    "payment": ["Online Payment", "Cash on Delivery"],
}
SHAPE = (*BINS.values(), *(len(labels) for labels in CATEGORIES.values()))
RANGES = {"age": (18.0, 89.5), "price": (0.1, 1990.9)}
ROWS_AT_ONCE = 2_500_000


def write_records(records: int, path: Path, seed: int) -> None:
    """So many records of the six columns, in chunks, into one file."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(int(np.prod(SHAPE))))
    fields = [
        *((name, pa.float32()) for name in BINS),
        *((name, pa.dictionary(pa.int8(), pa.string())) for name in CATEGORIES),
    ]
    with pq.ParquetWriter(path, pa.schema(fields), compression="snappy") as writer:
        for start in range(0, records, ROWS_AT_ONCE):
            writer.write_table(_table(min(ROWS_AT_ONCE, records - start), shares, rng))


def _table(records: int, shares: np.ndarray, rng: np.random.Generator) -> pa.Table:
    cells = np.repeat(np.arange(len(shares), dtype=np.int32), rng.multinomial(records, shares))
    rng.shuffle(cells)
    columns = {}
    for name, codes in zip((*BINS, *CATEGORIES), np.unravel_index(np.arange(len(shares)), SHAPE), strict=True):
        if name in BINS:
            low, high = RANGES[name]
            width = np.float32((high - low) / BINS[name])
            lows = (np.float32(low) + width * codes).astype(np.float32)
            columns[name] = pa.array(lows[cells] + width * rng.random(records, dtype=np.float32))
        else:
            columns[name] = pa.DictionaryArray.from_arrays(codes.astype(np.int8)[cells], CATEGORIES[name])
    return pa.table(columns)


def main() -> None:
    """Write, and tell how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    pa.set_cpu_count(1)
    started, cpu = time.monotonic(), time.process_time()
    write_records(arguments.records, arguments.folder / f"floor{arguments.seed}.parquet", arguments.seed)
    print(time.process_time() - cpu, time.monotonic() - started)


if __name__ == "__main__":
    main()
