"""What a unit of work costs, and from it the size of a run on a cluster.

    python benchmarks/scaling.py SCENARIO [--multiples 1 4] [--records 330e6] [--units 85000]

SCENARIO is nested and zoned: scenarios/vermont, or block groups that were imported. The whole command runs at two
multiples of the scenario's own size. What grew between them is the cost of a record; the rest, less what a run of a
moment costs, is the cost of a unit: zones that are solved together, such as the block groups of a tract. Records count
households and persons alike. The sizes in docs/cluster.md are what this prints.
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from measuring import Measured, measure, synthor

START = Path(__file__).parent.parent / "scenarios" / "ecommerce"
"""What a run of a moment costs: 2,000 records of one unit."""
WORKERS = (2, 16, 64, 256)
MILLION = 1e6


@dataclass(frozen=True)
class Run:
    """One measured run."""

    records: int
    units: int
    dataset_bytes: int
    files: int
    batches: int
    durations: dict[str, float]
    measured: Measured


@dataclass(frozen=True)
class Cost:
    """CPU seconds of one part (the workers, or the flow): per record, per unit, and at the start."""

    record: float
    unit: float
    start: float

    def of(self, records: float, units: float) -> float:
        """Seconds of a whole run, without the start."""
        return self.record * records + self.unit * units


def run_once(scenario: Path, size: int, out: Path) -> Run:
    """The whole command at one size."""
    measured = measure(synthor("run", scenario, "--out", out, "--size", str(size), "--quiet", "--publish-anyway"))
    record = json.loads((out / "run.json").read_text())
    files = list((out / "dataset").rglob("*.parquet"))
    return Run(
        records=sum(entity["records"] for entity in record["entities"].values()),
        units=max(each["solver"]["units"] for each in record["rounds"]),
        dataset_bytes=sum(path.stat().st_size for path in files),
        files=len(files),
        batches=record["batches"]["committed"],
        durations=record["durations"],
        measured=measured,
    )


def split_cost(start: Run, small: Run, large: Run, part: str) -> Cost:
    """Solve the two runs for what a record and what a unit costs."""
    few, many = small.measured.cpu[part], large.measured.cpu[part]
    record = max(many - few, 0.0) / (large.records - small.records)
    unit = max(few - record * small.records - start.measured.cpu[part], 0.0) / small.units
    return Cost(record, unit, start.measured.cpu[part])


def read_size(scenario: Path) -> int:
    """How many root records the scenario has of its own."""
    command = synthor("check", scenario, "--json")
    return int(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["size"])


def tell_run(run: Run) -> str:
    """One line: sizes, wall seconds, CPU seconds and memory by part."""
    parts = ", ".join(
        f"{part} {run.measured.cpu[part]:.1f} CPU s, {run.measured.peaks[part] / MILLION:.0f} MB"
        for part in sorted(run.measured.cpu)
    )
    return (
        f"{run.records:,} records in {run.units} units: {run.measured.seconds:.1f} s wall, {parts}; {run.batches} "
        f"batches, {run.files} files, {run.dataset_bytes / MILLION:.1f} MB"
    )


def main() -> None:
    """Run twice, split the cost, multiply."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scenario", type=Path)
    parser.add_argument("--multiples", nargs=2, type=float, default=[1, 4])
    parser.add_argument("--records", type=float, default=330e6, help="records of the run to size")
    parser.add_argument("--units", type=float, default=85_000, help="its units; the United States have so many tracts")
    asked = parser.parse_args()
    own = read_size(asked.scenario)
    with tempfile.TemporaryDirectory() as folder:
        start = run_once(START, 2000, Path(folder) / "start")
        small, large = (
            run_once(asked.scenario, round(own * multiple), Path(folder) / f"run{multiple:g}")
            for multiple in asked.multiples
        )
    print(tell_run(start), tell_run(small), tell_run(large), sep="\n")
    workers, flow = split_cost(start, small, large, "worker"), split_cost(start, small, large, "flow")
    size = large.dataset_bytes / large.records
    print(
        f"workers {workers.record * MILLION:.1f} CPU s a million records and {workers.unit:.3f} a unit; flow "
        f"{flow.record * MILLION:.1f} CPU s a million records and {flow.unit:.4f} a unit; {size:.1f} bytes a record"
    )
    work, alone = workers.of(asked.records, asked.units), flow.of(asked.records, asked.units)
    print(
        f"{asked.records:,.0f} records in {asked.units:,.0f} units: {work / 3600:.1f} core hours of workers, "
        f"{alone / 3600:.2f} of the flow, {asked.records * size / 1e9:.1f} GB"
    )
    for count in WORKERS:
        print(f"  {count:>4} workers: {(work / count + alone + flow.start) / 3600:.2f} h")


if __name__ == "__main__":
    main()
