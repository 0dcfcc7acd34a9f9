"""The e-commerce example against its known truth (arXiv 2505.14752, experiment 2), beside other methods.

    pip install -r benchmarks/requirements.txt
    python benchmarks/ecommerce.py [--references 5] [--without-peers]

For each of several reference samples of 2,000 records the nine tables are counted, `synthor run` synthesises 2,000
records from these tables alone, and so do the peers. `fresh sample` is a second sample of 2,000 real records: the
noise floor. Fit is the CPU time of synthor's proposing, allocating and integerizing, and of the peers' own fit; mbi's
first one compiles for JAX, which a process pays once. Figures are medians over the references.
"""

import argparse
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.dataset as ds
from ecommerce_peers import NUMBERS, PEERS, count
from ecommerce_scores import score
from ecommerce_truth import REFERENCE_RANDOM_SEED, REFERENCE_RECORDS, count_tables, draw_reference, main_edges
from measuring import measure, synthor

from adapters.run_folder import RunFolder
from adapters.scenario_files import read_scenario
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts
from synthesis.unit_plan import plan_unit
from tasks.context import compile_context

SCENARIO = Path(__file__).parent.parent / "scenarios" / "ecommerce"
FRESH_RECORDS, FRESH_RANDOM_SEED = 20_000, 777
BARS = {
    "age W1": 0.10,
    "price W1": 3.2,
    "worst categorical TVD": 0.0005,
    "location, payment JSD": 0.002,
    "held-out conditional TVD": 0.041,
    "C2ST, signed gap": 0.008,
}
FIRST, LATER, DRAW = "fit, first (CPU s)", "fit, later (CPU s)", "draw (CPU s)"


def write_scenario(reference: pd.DataFrame, folder: Path) -> Path:
    """The shipped scenario with the tables and ranges of another reference."""
    shutil.copytree(SCENARIO, folder)
    text = (folder / "scenario.yaml").read_text()
    for name in NUMBERS:
        edges = main_edges(reference[name])
        text, found = re.subn(
            rf"( {name}:\n +type: number\n +range: )\[.*?\]", rf"\g<1>[{edges[0]}, {edges[-1]}]", text
        )
        assert found == 1, f"{name} has no range"
    (folder / "scenario.yaml").write_text(text)
    for name, table in count_tables(reference).items():
        table.to_csv(folder / "targets" / f"{name}.csv", index=False, lineterminator="\n")
    return folder


def run_synthor(folder: Path, random_seed: int) -> tuple[pd.DataFrame, float]:
    """The records of a whole `synthor run`, and its wall seconds."""
    out = folder.parent / "run"
    command = synthor("run", folder, "--out", out, "--random-seed", str(random_seed), "--quiet")
    seconds = measure(command).seconds
    return ds.dataset(out / "dataset" / "transaction").to_table().to_pandas(), seconds


def fit_seconds(folder: Path, random_seed: int) -> float:
    """CPU seconds from the tables to the allocation of all records, in this process."""
    scenario, settings = read_scenario(folder), RunSettings(random_seed=random_seed)
    started = time.process_time()
    context = compile_context(RunFolder(folder.parent / "none"), scenario, settings)
    plan_unit(context.coder, settings, context.aims, context.units[0], 1, 1.0, no_counts(scenario))
    return time.process_time() - started


def compare(index: int, fresh: pd.DataFrame, has_peers: bool) -> dict[str, dict[str, float]]:
    """The figures of every method for one reference."""
    random_seed = REFERENCE_RANDOM_SEED + index
    reference = draw_reference(REFERENCE_RECORDS, random_seed)
    when = FIRST if index == 0 else LATER
    with tempfile.TemporaryDirectory() as temporary:
        folder = write_scenario(reference, Path(temporary) / "scenario")
        records, wall = run_synthor(folder, random_seed)
        fit = fit_seconds(folder, random_seed)
    found = {"synthor": score(records, reference, fresh, index) | {when: fit, "whole command (s)": wall}}
    if has_peers:
        counts, rng = count(reference), np.random.default_rng(random_seed)
        for name, draw in PEERS.items():
            drawn = draw(counts, REFERENCE_RECORDS, rng)
            seconds = {when: drawn.fit_seconds, DRAW: drawn.draw_seconds}
            found[name] = score(drawn.records, reference, fresh, index) | seconds
    again = draw_reference(REFERENCE_RECORDS, 10_000 + index)
    return found | {"fresh sample": score(again, reference, fresh, index)}


def show(compared: list[dict[str, dict[str, float]]]) -> None:
    """One line per figure, one column per method."""
    methods = list(compared[0])
    print(f"{'':28}" + "".join(f"{name:>19}" for name in methods) + f"{'bar':>9}")
    for figure in dict.fromkeys(name for each in compared for scores in each.values() for name in scores):
        cells = []
        for method in methods:
            values = [each[method][figure] for each in compared if figure in each[method]]
            cells.append(f"{np.median(values):19.4f}" if values else f"{'':19}")
        print(f"{figure:28}" + "".join(cells) + (f"{BARS[figure]:9g}" if figure in BARS else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description="The e-commerce example, beside other methods.")
    parser.add_argument("--references", type=int, default=5)
    parser.add_argument("--without-peers", action="store_true")
    arguments = parser.parse_args()
    fresh = draw_reference(FRESH_RECORDS, FRESH_RANDOM_SEED)
    compared = []
    for index in range(arguments.references):
        print(f"reference {index + 1} of {arguments.references}", file=sys.stderr)
        compared.append(compare(index, fresh, not arguments.without_peers))
    print(f"e-commerce, n = {REFERENCE_RECORDS:,}, medians of {arguments.references} references")
    show(compared)


if __name__ == "__main__":
    main()
