"""What merging costs as a run grows: batches of one size, 10 to 10,000 of them, merged a hundred at a time.

    python benchmarks/merging.py [BATCHES ...]

Each batch is of 100 records of the e-commerce scenario, counted and summarised as a committed one is; a merge adds a
hundred to all before. Told in milliseconds of CPU per new batch, for the first merge and for the last.
Bar: the last costs what the first did.
"""

import sys
import time
from pathlib import Path

import numpy as np

from adapters.object_path import location
from adapters.run_folder import RunFolder
from adapters.scenario_files import read_scenario
from schemas.settings import RunSettings
from synthesis import diversity
from synthesis.aggregates import count_records, no_counts, sparse_counts, with_stored
from synthesis.diversity import merge_sketches, sketch_of
from synthesis.sampling import draw
from synthesis.summaries import EMPTY, merge_all, summarise
from synthesis.unit_plan import plan_unit
from tasks.context import compile_context

SCENARIO = Path(__file__).parent.parent / "scenarios" / "ecommerce"
RECORDS, AT_ONCE = 100, 100


def main() -> None:
    """Merge, and tell."""
    sizes = [int(text) for text in sys.argv[1:]] or [10, 100, 1000, 10_000]
    context = compile_context(RunFolder(location("nowhere")), read_scenario(SCENARIO), RunSettings(size=2000))
    scenario, coder = context.scenario, context.coder
    planned = plan_unit(coder, context.settings, context.aims, context.units[0], 1, 1.0, no_counts(scenario))
    rng = np.random.default_rng(0)
    rows = rng.choice(np.repeat(np.arange(planned.plan.count), planned.counts), RECORDS)
    records = draw(scenario, coder.grids, planned.plan, rows, rng, 10).records
    stored = sparse_counts(count_records(coder, records))
    sketch = sketch_of(planned.plan, np.bincount(rows, minlength=planned.plan.count))
    for batches in sizes:
        # every other id is left out, so that no run of ids ever joins the next
        summaries = [summarise(scenario, records, np.arange(RECORDS) + 2 * RECORDS * batch) for batch in range(batches)]
        counts, summary, merged, cost = no_counts(scenario), EMPTY, diversity.EMPTY, []
        for start in range(0, batches, AT_ONCE):
            new = summaries[start : start + AT_ONCE]
            began = time.process_time()
            counts = with_stored(counts, [stored] * len(new))
            summary = merge_all([summary, *new])
            merged = merge_sketches(merged, *([sketch] * len(new)))
            cost.append((time.process_time() - began) / len(new) * 1000)
        assert summary["entities"]["transaction"]["rows"] == batches * RECORDS == counts["gender"].sum()
        print(f"{batches:6,} batches: first {cost[0]:.3f} ms, last {cost[-1]:.3f} ms per new batch", flush=True)


if __name__ == "__main__":
    main()
