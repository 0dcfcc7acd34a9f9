"""Records written one by one by the proposer, with the tables in its context, beside proposals that are balanced.

    python -m benchmarks.naive [--calls 12] [--a-call 20]

Both ask the simulated proposer, which errs alike, over HTTP through the product's own client, and both have the same
calls. The naive way has as many records as it was written; balanced has the scenario's 2,000 whatever the calls. Of a
test instrument, not of a language model.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from adapters.llm.budget import sum_spending
from adapters.llm.exchange_files import ExchangeStore
from adapters.llm.session import ask_round
from adapters.scenario_files import read_scenario
from benchmarks.sensitivity import ECOMMERCE, Case, run_case
from benchmarks.simulated_llm.running import running
from schemas.model import Scenario
from schemas.proposal import Category, Exact, Proposal
from schemas.settings import RunSettings
from synthesis.aggregates import count_records
from synthesis.aims import Aims, build_aims
from synthesis.baseline_requests import baseline_request, check_records
from synthesis.binning import build_grids
from synthesis.cells import build_coder
from synthesis.records import Array, Records


def main() -> int:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[12, 100])
    parser.add_argument("--a-call", type=int, default=20)
    parser.add_argument("--balanced-calls", type=int, default=12)
    given = parser.parse_args()
    scenario, case = read_scenario(ECOMMERCE), Case()
    aims = build_aims(scenario, None)
    errors = ("--count-noise", str(case.count_noise), "--bias", str(case.bias))
    print(f"simulated proposer, not a language model; e-commerce, nine tables, {given.a_call} a call")
    with running(*errors):
        for calls in given.calls:
            records, tokens = write_naively(scenario, aims, calls, given.a_call)
            print(f"naive     {calls:4d} calls, {tokens:8,} tokens: {_fit(scenario, aims, records)}", flush=True)
    outcome = run_case(scenario, case, given.balanced_calls, 0)
    print(
        f"balanced  {outcome.calls:4d} calls: {int(aims.zone_sizes.sum()):,} records, "
        f"mean TVD {outcome.mean_tvd:.4f}, max {outcome.max_tvd:.4f}"
    )
    return 0


def write_naively(scenario: Scenario, aims: Aims, calls: int, a_call: int) -> tuple[list[Proposal], int]:
    """The valid records of so many calls, and the tokens they cost."""
    settings = RunSettings(proposer="anthropic", ask_again_below=0.0)
    requests = [baseline_request(scenario, aims, settings, i, a_call) for i in range(calls)]
    with tempfile.TemporaryDirectory(prefix="synthor-") as folder:
        answers = ask_round(Path(folder), settings, requests, partial(check_records, scenario)).answers
        spent = sum_spending(ExchangeStore(Path(folder)).read_all(), None)
    return [record for answer in answers for record in answer.proposals], spent.usage.tokens


def _fit(scenario: Scenario, aims: Aims, written: list[Proposal]) -> str:
    columns: dict[str, Array] = {}
    for variable in scenario.root.variables:
        values = [record.values[variable.name] for record in written]
        if variable.kind == "category":
            codes = [variable.categories.index(v.category) for v in values if isinstance(v, Category)]
            columns[variable.name] = np.array(codes, dtype=np.int16)
        else:
            columns[variable.name] = np.array([v.value for v in values if isinstance(v, Exact)])
    coder = build_coder(scenario, build_grids(scenario))
    counts = count_records(coder, Records(len(written), columns))
    shares = []
    for table in scenario.tables:
        ours, theirs = counts[table.name].astype(float), aims.targets[table.name].ravel()
        shares.append(0.5 * float(np.abs(ours / max(ours.sum(), 1) - theirs / theirs.sum()).sum()))
    return f"{len(written):,} records, mean TVD {np.mean(shares):.4f}, max {max(shares):.4f}"


if __name__ == "__main__":
    raise SystemExit(main())
