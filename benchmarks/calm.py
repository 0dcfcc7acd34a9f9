"""PopulationSim's CALM example from its control totals alone: 930 zones, 35 tracts, 1 region, no micro-data.

    python benchmarks/calm.py DATA [--command]

DATA is a folder that is not shipped; it holds `populationsim_calm` (BSD-3-Clause), which `synthor import
populationsim` reads. The occupations of the region reach beyond every tract: an outer table.
Bars: whole command <= 50 s on 2 cores, >= 95 % of zone cells and >= 80 % of tract cells exact. PopulationSim, with
micro-data, took 100 s (74 s on two processes) for 89 % and 40 %.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import pandas as pd
from engine import plan_scenario
from measuring import measure, synthor


def cells_exact(run: Path) -> dict[str, str]:
    """Cells that hold exactly the records aimed at, by zone level (shares aside)."""
    cells = pd.read_parquet(run / "aggregates.parquet")
    counts = cells[cells["binds"] == "count"]
    exact = (counts["reconciled"] - counts["synthetic"]).abs() < 1
    by_level = exact.groupby(counts["zone_level"].fillna("whole"))
    return {str(level): f"{found.sum():,} of {len(found):,} ({found.mean():.2%})" for level, found in by_level}


def main() -> None:
    """Import, plan, and if wanted run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder with populationsim_calm")
    parser.add_argument("--command", action="store_true", help="run the whole command as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scenario, out = Path(folder) / "scenario", Path(folder) / "run"
        measure(synthor("import", "populationsim", arguments.data / "populationsim_calm", "--out", scenario))
        print(f"CALM: {plan_scenario(scenario).told()}", flush=True)
        if arguments.command:
            measured = measure(synthor("run", scenario, "--out", out, "--quiet", "--set", "publish_anyway=true"))
            durations = json.loads((out / "run.json").read_text())["durations"]
            peak = measured.peak_process_bytes / 1e6
            print(
                f"  command on {os.cpu_count()} cores: {measured.seconds:.1f} s wall, "
                f"{measured.cpu_seconds:.1f} CPU s, largest process {peak:.0f} MB; "
                f"exact: {cells_exact(out)}; {durations}"
            )


if __name__ == "__main__":
    main()
