"""The server as a process: prints its address, serves until it is ended."""

import argparse

from benchmarks.simulated_llm.proposer import SimulatedProposer
from benchmarks.simulated_llm.server import FAULTS, State, make_server


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated_llm", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    for name in ("count-noise", "bias", "invalid-share", "prior-strength", "latency-seconds"):
        parser.add_argument(f"--{name}", type=float, default=0.0)
    parser.add_argument("--random-seed", type=int, default=0)
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=SHARE", help=", ".join(FAULTS))
    given = vars(parser.parse_args())
    port, latency = given.pop("port"), given.pop("latency_seconds")
    rates = {name: float(share) for name, share in (text.split("=") for text in given.pop("fault"))}
    state = State(SimulatedProposer(**given), rates=rates, latency_seconds=latency)
    server = make_server(state, port)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


main()
