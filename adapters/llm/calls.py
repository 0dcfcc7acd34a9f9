"""One call to a proposer: what is sent, and how it can fail. `AnthropicCaller` and `PluginCaller` are its two forms."""

import json
from dataclasses import dataclass
from typing import Protocol

from schemas.errors import ProposerError
from schemas.exchange import CallFault, PromptPart, ProposalReply, ProposalRequest

UNBILLED: frozenset[CallFault] = frozenset(
    {"rate_limited", "overloaded", "server_error", "bad_request", "schema_refused", "too_large", "not_asked"}
)
"""Faults that a server reports before it generates anything. After the others it may have worked, and bills."""
LASTING: frozenset[CallFault] = frozenset({"bad_request", "too_large", "not_asked"})
"""Faults that another attempt does not cure."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request in its first turn, or in its second with what was wrong with the first reply."""

    request: ProposalRequest
    turn: int = 1
    correction: str = ""
    is_structured: bool = True

    @property
    def user(self) -> tuple[PromptPart, ...]:
        """The request's parts, then what is added to them."""
        parts = list(self.request.user)
        if not self.is_structured:
            schema = json.dumps(self.request.reply_schema, ensure_ascii=False)
            parts.append(PromptPart(text=f"Reply with one JSON object and nothing else, after this schema:\n{schema}"))
        if self.correction:
            parts.append(PromptPart(text=self.correction))
        return tuple(parts)

    @property
    def input_tokens(self) -> int:
        """A careful estimate; the schema is billed as input too."""
        texts = [part.text for part in (*self.request.system, *self.user)]
        return sum(estimate_tokens(text) for text in texts) + estimate_tokens(json.dumps(self.request.reply_schema))


class CallError(ProposerError):
    """A call without a reply. Its message holds no secret. What was never sent cannot be billed."""

    def __init__(
        self, fault: CallFault, message: str, retry_after_seconds: float | None = None, was_sent: bool = True
    ) -> None:
        super().__init__(fault, message)
        self.fault = fault
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        self.was_sent = was_sent

    def __str__(self) -> str:
        return f"{self.fault}: {self.message}"


class Caller(Protocol):
    """Makes calls; lives in one event loop."""

    async def call(self, call: Call, timeout_seconds: float) -> ProposalReply:
        """The reply, or CallError, or AccessError where no call of the run can succeed."""
        ...

    async def close(self) -> None:
        """Give back its connections."""
        ...


CHARACTERS_PER_TOKEN = 2.5
"""Fewer than prose has: tables and JSON make more tokens of their text, and budgets are not to be overrun."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, rather too many than too few."""
    return int(len(text.encode("utf-8", "replace")) / CHARACTERS_PER_TOKEN) + 1
