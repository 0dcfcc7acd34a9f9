"""Replay: the exchanges of another run instead of a server. No network, no key, the same bytes."""

import difflib
from collections.abc import Mapping

from adapters.llm.calls import Call
from adapters.llm.exchange_files import read_run_exchanges
from adapters.object_path import Location
from schemas.errors import ReplayError
from schemas.exchange import Exchange, ProposalReply

DIFFERENCE_LINES = 40
LINE_WIDTH = 160


class ReplayCaller:
    """Finds what the other run kept; a prompt that is not the same is an error."""

    def __init__(self, run: Location) -> None:
        self._run = run
        self._recorded: Mapping[str, list[Exchange]] = read_run_exchanges(run)

    def recorded(self, call: Call) -> list[Exchange]:
        """The exchanges of a turn, in the order of their attempts."""
        request = call.request
        past = self._recorded.get(request.request_id)
        if past is None:
            raise ReplayError(f"{self._run}: asked nothing like {request.request_id}; its prompts were other ones")
        turn = [exchange for exchange in past if exchange.turn == call.turn]
        if not turn:
            raise ReplayError(f"{self._run}: {request.request_id} was not asked a second time, now it would be")
        for exchange in turn:
            if (exchange.digest, exchange.correction) != (request.digest, call.correction):
                difference = tell_difference(exchange, call)
                raise ReplayError(
                    f"{self._run}: the prompt of {request.request_id} has changed since, a replay needs the same",
                    difference,
                )
        return turn

    async def call(self, call: Call, timeout_seconds: float) -> ProposalReply:
        """Never reached: whatever is replayed was kept before."""
        raise ReplayError(f"{self._run}: {call.request.request_id} has no reply to replay")

    async def close(self) -> None:
        """Nothing to give back."""


def tell_difference(exchange: Exchange, call: Call) -> str:
    """What differs between a kept prompt and today's, as a bounded unified diff."""
    request = call.request
    before = [*(part.text for part in (*exchange.system, *exchange.user)), exchange.correction]
    after = [*(part.text for part in (*request.system, *request.user)), call.correction]
    before.append(f"prompt version {exchange.prompt_version}")
    after.append(f"prompt version {request.prompt_version}")
    lines = list(
        difflib.unified_diff(
            "\n".join(before).splitlines(), "\n".join(after).splitlines(), "replayed", "now", n=1, lineterm=""
        )
    )
    if not lines:
        return "the texts are the same; what differs is the reply schema, or which parts are cached"
    left_out = len(lines) - DIFFERENCE_LINES
    shown = [line if len(line) <= LINE_WIDTH else line[: LINE_WIDTH - 3] + "..." for line in lines[:DIFFERENCE_LINES]]
    return "\n".join([*shown, f"... and {left_out} more lines"] if left_out > 0 else shown)
