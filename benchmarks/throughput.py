"""Throughput: the bare floor, synthor's whole command and two peers in one run, on the e-commerce scenario.

    python benchmarks/throughput.py [--sizes 1M 10M 100M] [--workers 2] [--peers PYTHON] [--repeat 1] [--folder FOLDER]

The floor (`bare_floor.py`) draws and writes six columns and does nothing else: on one core, and as so many processes as
there are workers. synthor is `synthor run` as a process of its own, imports, servers, validation, publication and
report included. Marginal: the largest size up to 10M less the smallest, so that what does not grow with the records
drops out. Peers need an environment of their own (`pip install -r benchmarks/requirements.txt`, and for SDV
`pip install "sdv>=2"`), whose interpreter `--peers` names. CPU seconds are told beside wall seconds, for on a
machine that is shared the latter are an upper bound.

Bars: marginal wall <= 4 x the floor on the same cores; >= 5 x the peers' marginal records per second; 100M records with
<= 2 GB resident in any process, and within 20 % of linear from 1M.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from measuring import measure, synthor

HERE = Path(__file__).parent
SCENARIO = HERE.parent / "scenarios" / "ecommerce"
UNITS = {"k": 1_000, "M": 1_000_000}
MARGINAL_UP_TO = 10_000_000
PEER_SIZES = (100_000, 1_000_000)
BAR_FLOOR, BAR_PEERS, BAR_BYTES, BAR_LINEAR = 4.0, 5.0, 2_000_000_000, 0.2


@dataclass(frozen=True)
class Timed:
    """Records, wall and CPU seconds."""

    records: int
    wall: float
    cpu: float

    def less(self, other: "Timed") -> "Timed":
        """What the additional records cost."""
        return Timed(self.records - other.records, self.wall - other.wall, self.cpu - other.cpu)

    def per_million(self) -> str:
        """Seconds per million records, wall and CPU."""
        millions = self.records / 1e6
        return f"{self.wall / millions:8.3f} {self.cpu / millions:8.3f}"


def floor(records: int, processes: int, folder: Path) -> Timed:
    """The bare floor, by so many processes side by side; wall is that of the slowest, without imports."""
    each = [str(records // processes), str(folder)]
    command = [sys.executable, str(HERE / "bare_floor.py"), *each]
    running = [
        subprocess.Popen([*command, "--seed", str(seed)], stdout=subprocess.PIPE, text=True)
        for seed in range(processes)
    ]
    told = [[float(text) for text in process.communicate()[0].split()] for process in running]
    return Timed(records, max(wall for _, wall in told), sum(cpu for cpu, _ in told))


@dataclass(frozen=True)
class Run:
    """One whole command: its times, its largest process, its bytes, and what run.json says of its time."""

    timed: Timed
    peak_bytes: int
    dataset_bytes: int
    files: int
    durations: dict[str, float]


def run(records: int, workers: int, out: Path) -> Run:
    """`synthor run`, as a process."""
    given = ("--size", records, "--workers", workers, "--out", out, "--quiet")
    measured = measure(synthor("run", SCENARIO, *map(str, given)))
    files = list((out / "dataset").rglob("*.parquet"))
    record = json.loads((out / "run.json").read_text())
    assert record["status"] == "published"
    assert record["accepted"] == records
    timed = Timed(records, measured.seconds, measured.cpu_seconds)
    size = sum(path.stat().st_size for path in files)
    return Run(timed, measured.peak_process_bytes, size, len(files), record["durations"])


def peer(python: str, name: str) -> Timed:
    """A peer's marginal draws: wall and CPU seconds of so many records more."""
    command = [python, str(HERE / "throughput_peers.py"), name, *map(str, PEER_SIZES)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    small, large = (Timed(size, wall, cpu) for size, (cpu, wall) in zip(PEER_SIZES, json.loads(told), strict=True))
    return large.less(small)


def size_of(text: str) -> int:
    """`10M` as a number."""
    return int(float(text[:-1]) * UNITS[text[-1]]) if text[-1] in UNITS else int(text)


def told(name: str, timed: Timed, extra: str = "") -> None:
    """One line of the table."""
    line = f"{name:34}{timed.records / 1e6:9.2f}{timed.wall:10.2f}{timed.cpu:10.2f} {timed.per_million()}  {extra}"
    print(line, flush=True)


def verdict(what: str, value: float, bar: float, at_most: bool) -> None:
    """A bar, and whether it is met."""
    is_met = value <= bar if at_most else value >= bar
    print(f"  {what}: {value:.2f} ({'<=' if at_most else '>='} {bar:g}): {'met' if is_met else 'NOT MET'}")


def compare_floor(runs: list[Run], workers: int, folder: Path) -> Timed:
    """The floor at the marginal size, and synthor's marginal cost beside it."""
    measured = [run for run in runs if run.timed.records <= MARGINAL_UP_TO]
    marginal = measured[-1].timed.less(measured[0].timed)
    one, many = (floor(marginal.records, count, folder) for count in (1, workers))
    told("floor, one process", one)
    told(f"floor, {workers} processes", many)
    told("synthor, marginal", marginal)
    verdict("marginal wall / floor on the same cores", marginal.wall / many.wall, BAR_FLOOR, at_most=True)
    verdict("marginal CPU / floor's CPU", marginal.cpu / many.cpu, BAR_FLOOR, at_most=True)
    return marginal


def compare_sizes(runs: list[Run]) -> None:
    """Memory, and how linear time is, over all sizes."""
    verdict("largest process (GB)", max(run.peak_bytes for run in runs) / 1e9, BAR_BYTES / 1e9, at_most=True)
    if len(runs) < 3:
        return
    first, middle, last = runs[0].timed, runs[-2].timed, runs[-1].timed
    for name in ("wall", "cpu"):
        early, late = middle.less(first), last.less(middle)
        ratio = (getattr(late, name) / late.records) / (getattr(early, name) / early.records)
        verdict(f"{name} per record beyond {middle.records:,}, of that before", ratio, 1 + BAR_LINEAR, at_most=True)


def main() -> None:
    """Floor, synthor, peers, and the bars."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=size_of, default=[1_000_000, 10_000_000])
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peers", help="interpreter of the environment with mbi and SDV")
    parser.add_argument("--repeat", type=int, default=1, help="runs per size; the one of the least wall time counts")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    arguments = parser.parse_args()
    print(f"{'':34}{'records M':>9}{'wall s':>10}{'CPU s':>10}{'wall/M':>9}{'CPU/M':>9}")
    runs = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        folder = Path(scratch)
        for size in sorted(arguments.sizes):
            tries = [
                run(size, arguments.workers, folder / f"run{size}-{time.monotonic_ns()}")
                for _ in range(arguments.repeat)
            ]
            runs.append(min(tries, key=lambda found: found.timed.wall))
            durations = runs[-1].durations
            extra = f"{runs[-1].peak_bytes / 1e6:.0f} MB, {runs[-1].dataset_bytes / size:.1f} B/record, "
            extra += f"{runs[-1].files} files, start {durations['start_seconds']:.1f} s, "
            extra += f"orchestration {durations['orchestration_seconds']:.1f} s"
            told("synthor run", runs[-1].timed, extra)
        compare_sizes(runs)
        if len(runs) > 1:
            marginal = compare_floor(runs, arguments.workers, folder)
            for name in ("mbi", "sdv") if arguments.peers else ():
                found = peer(arguments.peers, name)
                told(f"{name}, marginal", found)
                of_peer, ours = found.records / found.wall, marginal.records / marginal.wall
                verdict(f"records per second, of {name}'s", ours / of_peer, BAR_PEERS, at_most=False)


if __name__ == "__main__":
    main()
