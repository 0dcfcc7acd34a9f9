"""Crash campaigns: whatever dies, stops or breaks, `synthor resume` ends with the bytes of an undisturbed run.

    python -m benchmarks.chaos [--campaigns 100] [--first-seed 0] [--kinds local,external,asking,disk] [--log FILE]
    python -m benchmarks.chaos --kinds bare,bare,bare_disk    # the flow's steps without Prefect and Dask: seconds each

A campaign runs a small scenario and injects one to three faults, one per attempt, at moments drawn from its seed; then
it resumes until nothing is left to do. Files are damaged between attempts, and after publication: then `synthor
validate` has to name the damage first. Counted at the end: lost, doubled and wrong files, attempts that hung, that left
a process behind, that needed more than five seconds to be interrupted, and flows that were published or COMPLETED with
work missing.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.chaos_bare import run_bare, strip_flow
from benchmarks.chaos_faults import ASKING, BARE, EXTERNAL, FULL_DISK, LOCAL, Scene, SmallDisk, corrupt, leftovers
from benchmarks.chaos_stage import (
    SETTINGS,
    Cluster,
    Model,
    Started,
    command,
    fork,
    model_server,
    prepare_forks,
    wait_for,
    write_scenario,
)

HUNG_SECONDS = 1200.0
STOP_SECONDS = 5.0
MOST_ATTEMPTS = 12
PRODUCTS = ("manifest.json", "plan.parquet", "proposals.jsonl", "aggregates.parquet")
KINDS = {
    "local": LOCAL,
    "external": EXTERNAL,
    "asking": ASKING,
    "disk": FULL_DISK,
    "bare": BARE,
    "bare_disk": FULL_DISK,
}
CODES = (0, 1, 130, 143, -signal.SIGKILL)


def contents(run: Path) -> dict[str, str]:
    """SHA-256 of what a run leaves that has to be the same, by path."""
    paths = [path for path in (run / "dataset").rglob("*") if path.is_file()] + [run / name for name in PRODUCTS]
    return {
        str(path.relative_to(run)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths if path.is_file()
    }


@dataclass
class Totals:
    """What all campaigns came to."""

    campaigns: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    published: int = 0

    def told(self) -> dict[str, Any]:
        """For the log."""
        named = ("lost", "doubled", "wrong", "hung", "left_behind", "slow_to_stop", "untold", "unresumable")
        return {
            "campaigns": sum(self.campaigns.values()),
            "by_kind": dict(self.campaigns),
            "faults_injected": sum(self.faults.values()),
            "faults": dict(self.faults),
            "attempts": self.attempts,
            "published": self.published,
            **{name: self.failures[name] for name in named},
            "published_with_work_missing": self.failures["incomplete"],
        }


class Campaigns:
    """Runs campaigns one after another, and counts."""

    def __init__(self, folder: Path, model: Model | None) -> None:
        self.totals = Totals()
        self._folder, self._model = folder, model
        self._scenario = write_scenario(folder / "scenario")
        self._cluster = Cluster(folder)
        self._undisturbed: dict[str, dict[str, str]] = {}
        self._aim: dict[str, str] = {}
        self._events = self._completed = 0
        self._notes: list[str] = []

    def run(self, seed: int, kind: str) -> list[str]:
        """One campaign; returns what went wrong."""
        rng, self._notes = random.Random(f"{kind}-{seed}"), []
        expected = self._expected(kind if kind == "asking" else "bare" if kind.startswith("bare") else "offline")
        out = self._folder / f"{kind}{seed}"
        self._aim, self._completed = expected, 0 if kind.startswith("bare") else completed_flows()
        self.totals.campaigns[kind] += 1
        disk = SmallDisk(out)
        try:
            if kind.endswith("disk"):
                disk.resize(int(rng.uniform(0.05, 0.95) * self._kilobytes))
            faults = [rng.choice(sorted(KINDS[kind])) for _ in range(rng.choice((1, 2, 3)))]
            self._attempts(rng, kind, out, faults, disk, expected)
            if rng.random() < 0.5:
                self._damage_publication(rng, kind, out, expected)
            if not self._notes:
                disk.remove()
                shutil.rmtree(out)
        finally:
            disk.remove()
            self._cluster.stop()
        return self._notes

    def _expected(self, proposer: str) -> dict[str, str]:
        if proposer not in self._undisturbed:
            out = self._folder / f"undisturbed-{proposer}"
            process = self._start(proposer, out, out.with_suffix(".told"))
            if not process.wait(HUNG_SECONDS):
                os.kill(process.pid, signal.SIGKILL)
                sys.exit("the undisturbed run hung")
            assert process.code == 0, process.told.read_text()
            self._undisturbed[proposer] = contents(out)
            self._events = len((out / "log.jsonl").read_text().splitlines())
            sizes = [path.stat().st_size // 4096 + 1 for path in out.rglob("*") if path.is_file()]
            self._kilobytes = 4 * sum(sizes) + 100
        return self._undisturbed[proposer]

    def _start(self, kind: str, out: Path, told: Path) -> Started:
        if kind.startswith("bare"):
            return fork(partial(run_bare, self._scenario, out), told)
        return command(self._arguments(kind, out), told)

    def _arguments(self, kind: str, out: Path) -> list[str]:
        cluster = ["--dask", self._cluster.address] if kind == "external" else ["--workers", "2"]
        if (out / "run.json").is_file():
            return ["resume", str(out), *cluster, "--quiet"]
        proposer = ["--proposer", "anthropic"] if kind == "asking" else []
        return ["run", str(self._scenario), "--out", str(out), *cluster, *proposer, *SETTINGS]

    def _attempts(
        self, rng: random.Random, kind: str, out: Path, faults: list[str], disk: SmallDisk, expected: dict[str, str]
    ) -> None:
        for attempt in range(MOST_ATTEMPTS):
            if kind == "external":
                self._cluster.start()
            fault = faults.pop() if faults else None
            code = self._attempt(rng, kind, out, fault)
            if kind.endswith("disk") and code == 1:
                disk.resize(self._kilobytes * 20)
            if code == 0 and self._is_complete(out, expected):
                self.totals.published += 1
                if not faults:
                    return
            elif code == 0 or code is None:
                return
            elif rng.random() < 0.4 and attempt < 3:
                self._corrupt(rng, out)
        self._fail("unresumable", f"not done after {MOST_ATTEMPTS} attempts")

    def _attempt(self, rng: random.Random, kind: str, out: Path, fault: str | None) -> int | None:
        """The exit code of one attempt with a fault; None if it hung."""
        self.totals.attempts += 1
        log, told = out / "log.jsonl", self._folder / f"{out.name}.told"
        before = _lines(log)
        process = self._start(kind, out, told)
        if fault is not None:
            moment = before + rng.randint(0, self._events)
            longest = 0.5 if kind.startswith("bare") else 4
            wait_for(lambda: process.poll() is not None or _lines(log) >= moment, HUNG_SECONDS)
            time.sleep(rng.uniform(0, 0.3) if moment > before else rng.uniform(0, longest))
            scene = Scene(rng, out, process, self._cluster if kind == "external" else None, self._model)
            is_injected = process.poll() is None and KINDS[kind][fault](scene)
            self.totals.faults[fault] += is_injected
        since = time.monotonic()
        if not process.wait(HUNG_SECONDS):
            self._fail("hung", f"{fault}: still running after {HUNG_SECONDS:g} s")
            os.kill(process.pid, signal.SIGKILL)
            process.wait(60)
            return None
        if fault == "interrupt_flow" and is_injected and time.monotonic() - since > STOP_SECONDS:
            self._fail("slow_to_stop", f"interrupted, ended after {time.monotonic() - since:.1f} s")
        if not wait_for(lambda: not leftovers(process), 10):
            self._fail("left_behind", f"{fault}: processes {leftovers(process)} live on")
        self._check_told(told, process, fault)
        if not kind.startswith("bare"):
            self._check_completed(out)
        return process.code

    def _check_completed(self, out: Path) -> None:
        """No flow run is COMPLETED with work missing."""
        completed = completed_flows()
        if completed > self._completed and contents(out) != self._aim:
            self._fail("completed_with_work_missing", str(out))
        self._completed = completed

    def _check_told(self, told: Path, process: Started, fault: str | None) -> None:
        text = told.read_text(errors="replace")
        if process.code not in CODES or "Traceback" in text:
            self._fail("untold", f"{fault}: exit code {process.code}, told {text[-600:]!r}")
        told.write_text("")

    def _corrupt(self, rng: random.Random, out: Path) -> Path | None:
        done = corrupt(rng, out)
        if done is None:
            return None
        kind, path = done
        self.totals.faults[kind] += 1
        self._notes_of_damage = f"{kind} {path.relative_to(out)}"
        return path

    def _damage_publication(self, rng: random.Random, kind: str, out: Path, expected: dict[str, str]) -> None:
        """Damage a published file: validation names it, resuming alone makes it again."""
        path = self._corrupt(rng, out) if (out / "dataset").is_dir() else None
        if path is None or str(path.relative_to(out)) not in expected:
            return
        if path.name not in ("aggregates.parquet", "manifest.json"):
            told = self._folder / f"{out.name}.told"
            process = command(["validate", str(out)], told)
            if not process.wait(HUNG_SECONDS) or process.code != 1 or path.name not in told.read_text():
                self._fail("untold", f"{self._notes_of_damage}: {process.code}, told {told.read_text()[-300:]!r}")
            told.write_text("")
        if kind == "external":
            self._cluster.start()
        if self._attempt(rng, kind, out, None) != 0:
            self._fail("unresumable", f"{self._notes_of_damage}: not repaired")
        else:
            self._is_complete(out, expected)

    def _is_complete(self, out: Path, expected: dict[str, str]) -> bool:
        """Whether what is published is what it should be; counts what is not."""
        found = contents(out)
        if found == expected:
            return True
        damage = getattr(self, "_notes_of_damage", "")
        for name in sorted(expected.keys() | found.keys()):
            if name not in found:
                self._fail("lost", f"{name} after {damage}")
            elif name not in expected:
                self._fail("doubled", f"{name} after {damage}")
            elif found[name] != expected[name]:
                self._fail("wrong", f"{name} after {damage}")
        self._fail("incomplete", "exit code 0")
        return False

    def _fail(self, name: str, note: str) -> None:
        self.totals.failures[name] += 1
        self._notes.append(f"{name}: {note}")


def completed_flows() -> int:
    """How many flow runs Prefect holds to be COMPLETED."""
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    with get_client(sync_client=True) as client:
        return len(client.read_flow_runs(flow_run_filter=FlowRunFilter(state={"type": {"any_": ["COMPLETED"]}})))


def _lines(log: Path) -> int:
    try:
        return log.read_bytes().count(b"\n")
    except OSError:
        return 0


def can_mount(folder: Path) -> bool:
    """Whether small file systems can be made here."""
    disk = SmallDisk(folder / "try")
    try:
        disk.resize(100)
        disk.remove()
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def run_campaigns(folder: Path, seeds: list[int], kinds: list[str], log: Path | None = None) -> Totals:
    """Campaigns of all seeds, kind after kind in turn; each is a line of the log."""
    from cli.environment import prepare_environment

    prepare_environment()
    os.environ["PREFECT_HOME"] = str(folder / "prefect")
    prepare_forks()
    with ExitStack() as stack:
        model = stack.enter_context(model_server()) if "asking" in kinds else None
        if all(kind.startswith("bare") for kind in kinds):
            strip_flow()
        else:
            stack.enter_context(_prefect_server())
        campaigns = Campaigns(folder, model)
        for seed in seeds:
            kind, started = kinds[seed % len(kinds)], time.monotonic()
            notes = campaigns.run(seed, kind)
            entry = {"seed": seed, "kind": kind, "seconds": round(time.monotonic() - started, 1), "notes": notes}
            _tell(json.dumps(entry), log)
    return campaigns.totals


@contextmanager
def _prefect_server() -> Iterator[None]:
    """One for all runs."""
    from flows.own_server import own_server

    with own_server() as server:
        if server is not None:
            server.wait()
        yield


def _tell(line: str, log: Path | None) -> None:
    print(line, flush=True)
    if log is not None:
        with log.open("a") as file:
            file.write(line + "\n")


def main() -> None:
    """Run campaigns, and say what they came to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--campaigns", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kinds", default="local,external,local,asking,disk")
    parser.add_argument("--log", type=Path)
    given = parser.parse_args()
    seeds = list(range(given.first_seed, given.first_seed + given.campaigns))
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        kinds = [kind for kind in given.kinds.split(",") if not kind.endswith("disk") or can_mount(Path(folder))]
        totals = run_campaigns(Path(folder), seeds, kinds, given.log)
    _tell(json.dumps(totals.told()), given.log)
    sys.exit(1 if totals.failures else 0)


if __name__ == "__main__":
    main()
