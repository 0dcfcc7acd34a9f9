"""Proposers of other packages: entry points of the group `synthor.proposers` (see `schemas.exchange.Proposer`)."""

import asyncio
from importlib.metadata import entry_points

from adapters.llm.calls import Call, CallError
from schemas.errors import ProposerError, UserError
from schemas.exchange import ProposalReply, Proposer
from synthesis.expressions import nearest

GROUP = "synthor.proposers"


class PluginCaller:
    """Calls a plugged-in proposer."""

    def __init__(self, proposer: Proposer) -> None:
        self._proposer = proposer

    async def call(self, call: Call, timeout_seconds: float) -> ProposalReply:
        """As `Caller.call`: ProposerError may be retried, anything else that is raised is a lasting fault."""
        request = call.request.model_copy(update={"user": call.user})
        try:
            async with asyncio.timeout(timeout_seconds):
                reply = await self._proposer.propose(request)
        except TimeoutError as exc:
            raise CallError("timeout", f"no reply within {timeout_seconds:g} s") from exc
        except ProposerError as exc:
            raise CallError("server_error", " ".join(str(exc).split())[:300]) from exc
        except Exception as exc:
            raise CallError("bad_request", f"{type(exc).__name__}: {' '.join(str(exc).split())[:300]}") from exc
        if not isinstance(reply, ProposalReply):
            raise CallError("malformed_response", f"got {type(reply).__name__}, expected a ProposalReply")
        return reply

    async def close(self) -> None:
        """Proposers have nothing to close."""


def load_proposer(name: str) -> Proposer:
    """The proposer that a package offers under a name."""
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if name not in offered:
        hint = nearest(name, sorted(offered)) if offered else " (none is installed)"
        raise UserError(f"--proposer plugin:{name}: no such proposer{hint}")
    try:
        proposer = offered[name].load()()
    except Exception as exc:
        raise UserError(f"--proposer plugin:{name}: cannot be loaded ({type(exc).__name__}: {exc})") from exc
    if not isinstance(proposer, Proposer):
        raise UserError(f"--proposer plugin:{name}: has no method `propose`, expected a synthor Proposer")
    return proposer
