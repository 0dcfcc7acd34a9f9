"""A thousand exchanges with a server that fails at random, in every way it knows: crashes, and what becomes of them.

    python -m benchmarks.exchange_faults [--exchanges 1000] [--fault-share 0.6]

The client asks over HTTP as in a run. A crash is any exception that reaches the caller; every request has to be
answered, or to say why not, and the server has seen every call that is kept but for those that never reached it.
"""

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from adapters.llm.exchange_files import ExchangeStore
from adapters.llm.session import ask_round
from adapters.scenario_files import read_scenario
from benchmarks.sensitivity import ECOMMERCE
from benchmarks.simulated_llm.running import asked, running
from benchmarks.simulated_llm.server import FAULTS
from schemas.exchange import ProposalReply, ProposalRequest
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts
from synthesis.aims import build_aims
from synthesis.replies import Checked, check_reply
from synthesis.requests import round_requests

STOPPING = ("401", "402", "403", "404")
"""These end a run on purpose."""
QUICK = {"max_backoff_seconds": 0.02, "call_timeout_seconds": 1.5, "call_retries": 2, "proposals_per_call": 3}


def main() -> int:
    """Ask until there are so many exchanges; exit code 1 if anything crashed or is unaccounted for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=1000)
    parser.add_argument("--fault-share", type=float, default=0.6)
    given = parser.parse_args()
    scenario, settings = read_scenario(ECOMMERCE), RunSettings(proposer="anthropic", **QUICK)
    (request,) = round_requests(scenario, build_aims(scenario, None), settings, no_counts(scenario), 1, 2000)
    names = [name for name in FAULTS if name not in STOPPING]
    rates = [part for name in names for part in ("--fault", f"{name}={given.fault_share / len(names)}")]

    def check(request: ProposalRequest, reply: ProposalReply) -> Checked:
        return check_reply(scenario, reply, request.proposals)

    crashes, answers, found = 0, Counter[bool](), Counter[str]()
    with running(*rates, "--invalid-share", "0.3") as address, tempfile.TemporaryDirectory(prefix="synthor-") as folder:
        store, number = ExchangeStore(Path(folder)), 0
        while len(kept := store.read_all()) < given.exchanges:
            requests = [request.model_copy(update={"request_id": f"r01-g{number + i:04d}"}) for i in range(50)]
            number += len(requests)
            try:
                told = ask_round(Path(folder), settings, requests, check).answers
            except Exception as error:
                crashes += 1
                print(f"crash: {type(error).__name__}: {error}")
                continue
            answers.update(answer.is_answered for answer in told)
            crashes += sum(not answer.is_answered and not answer.reason for answer in told)
        seen = asked(address)
        found.update(exchange.fault or "a reply" for exchange in kept)
    print(f"{len(kept):,} exchanges ({seen:,} by the server's count), {number} requests: {crashes} crashes")
    print(f"answered {answers[True]}, said why not {answers[False]}; {dict(found.most_common())}")
    # A call that timed out may never have reached the server.
    return 0 if crashes == 0 and 0 <= len(kept) - seen <= found["timeout"] + found["connection"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
