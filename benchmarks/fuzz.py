"""Damaged and hostile input: every case ends in success or in one clear line, none in a traceback, a hang or a bloat.

    python -m benchmarks.fuzz [--cases 10000] [--first-seed 0] [--hostile] [--log FILE]

A case takes good input (scenarios with a prior, files to import, micro-data, a model's replies), damages one file of it
as its seed says, and gives it to the command in this process. `--hostile` gives it what somebody made to do harm, each
in a process of its own whose peak memory is measured.
"""

import argparse
import json
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.fuzz_cases import KINDS, Outcome, prepare
from benchmarks.fuzz_hostile import HOSTILE, most_bytes

CPU_SECONDS = 20.0
MOST_BYTES = 2**30


@dataclass
class Fuzzed:
    """What all cases came to."""

    ended: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


class Hung(BaseException):
    """A case took too long."""


def _give_up(number: int, frame: object) -> None:
    raise Hung


def fault_of(outcome: Outcome) -> str:
    """What is wrong with how a case ended; empty if nothing is."""
    lines = outcome.told.splitlines()
    if outcome.code == 0:
        return ""
    if outcome.code not in (1, 2):
        return f"exit code {outcome.code}"
    if outcome.code == 1 and not lines:  # a check that finds contradictions tells them on its output
        return ""
    if len(lines) != 1 or not lines[0].startswith("synthor: ") or not lines[0].isprintable():
        return f"told {outcome.told[:300]!r}"
    return "partial files" if outcome.left else ""


def fuzz(seeds: range, folder: Path) -> Fuzzed:
    """Cases of all seeds, kind after kind in turn."""
    result = Fuzzed()
    corpus = prepare(folder / "good")
    before = signal.signal(signal.SIGVTALRM, _give_up)
    names = list(KINDS)
    for seed in seeds:
        name = names[seed % len(names)]
        signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
        try:
            outcome = KINDS[name](random.Random(seed), corpus, folder / "case")
            fault = fault_of(outcome)
            result.ended[f"{name}: {('done', 'failed', 'refused')[outcome.code] if outcome.code < 3 else 'other'}"] += 1
        except Hung:
            fault = f"no end within {CPU_SECONDS:g} CPU seconds: {traceback.format_exc(limit=-3)}"
        except Exception:
            fault = traceback.format_exc(limit=-4)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        if fault:
            result.faults.append(f"{name} {seed}: {fault}")
            print(result.faults[-1], file=sys.stderr, flush=True)
    signal.signal(signal.SIGVTALRM, before)
    return result


def harm(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """Every hostile case: how it ended, and what is wrong with that."""
    shown, faults = {}, []
    prepare(folder / "good")
    for good in ("derive", "import_table", "import_census", "import_populationsim", "check_scenario"):
        KINDS[good](random.Random(0), folder / "good", folder / "case")  # imports, once for all children
    for name, case in HOSTILE.items():
        outcome, size = most_bytes(case, folder / name)
        shown[name] = {"code": outcome.code, "told": outcome.told.strip()[:200], "mb": size // 2**20}
        fault = fault_of(outcome) or (f"took {size // 2**20} MB" if size > MOST_BYTES else "")
        faults += [f"{name}: {fault}"] if fault else []
        print(name, shown[name], fault, file=sys.stderr, flush=True)
        shutil.rmtree(folder / name, ignore_errors=True)
    return {"hostile": len(shown), "faults": faults, "most_mb": max(one["mb"] for one in shown.values())}, faults


def main() -> None:
    """Run all cases, and say how they ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--hostile", action="store_true")
    parser.add_argument("--log", type=Path)
    given = parser.parse_args()
    started = time.process_time()
    told: dict[str, Any]
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        if given.hostile:
            told, faults = harm(Path(name))
        else:
            found = fuzz(range(given.first_seed, given.first_seed + given.cases), Path(name))
            faults = found.faults
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            told = {"cases": given.cases, "ended": dict(found.ended), "faults": len(faults), "peak_mb": peak}
    told["cpu_seconds"] = round(time.process_time() - started, 1)
    text = json.dumps(told, indent=1)
    print(text)
    if given.log is not None:
        given.log.write_text(text + "\n" + "\n".join(faults))
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
