"""Exchanges with a proposer: what is asked, what came back, what was kept of it. None of these ever holds a key.

A request has a `request_id` that is unique in its run and the same whenever the run is done again: replies are kept,
re-read after a crash, and replayed by it. The seam for other generators is `Proposer`.
"""

import hashlib
import json
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from schemas.guidance import Guidance
from schemas.proposal import Proposal

CallFault = Literal[
    "rate_limited",
    "overloaded",
    "server_error",
    "timeout",
    "connection",
    "malformed_response",
    "bad_request",
    "schema_refused",
    "too_large",
    "not_asked",
    "batch_timeout",
    "interrupted",
]
"""Why a call brought no reply. `not_asked`: the budget is used up, or the server has failed too often; `interrupted`:
whoever asked has died meanwhile."""
ReplyFault = Literal["empty", "refusal", "cut", "invalid_json", "wrong_shape"]
"""What is wrong with a reply as a whole; a cut reply may still hold whole proposals."""
ProposalFault = Literal[
    "wrong_type",
    "missing_variable",
    "unknown_variable",
    "unknown_category",
    "outside_bounds",
    "not_positive",
    "duplicate",
    "wrong_members",
    "too_many",
]
"""Why one proposal of a reply is left out."""
Effort = Literal["low", "medium", "high", "xhigh", "max"]
Count = Annotated[int, Field(ge=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PromptPart(_Frozen):
    """A piece of a prompt. Stable parts are the same in many requests: they come first and are marked for caching."""

    text: str
    is_stable: bool = False


class Sampling(_Frozen):
    """How a reply is generated. What is None is not sent: current models refuse a temperature."""

    model: str
    max_tokens: Annotated[int, Field(ge=1)]
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    effort: Effort | None = None


class ProposalRequest(_Frozen):
    """What is asked of a proposer. `digest` covers everything that shapes the reply besides `sampling`."""

    request_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,79}$")]
    purpose: Literal["propose", "groups", "prior", "baseline"] = "propose"
    round: Count = 0
    plan_id: Count = 0
    """The plan (see BatchSpec) whose batch reads the answer; 0 where a request serves none or several."""
    zones: tuple[str, ...] = ()
    """The zone group the request is for; empty: no zones, or all of them."""
    system: tuple[PromptPart, ...] = ()
    user: tuple[PromptPart, ...]
    reply_schema: dict[str, Any]
    prompt_version: str
    sampling: Sampling
    proposals: Count = 0
    """How many proposals are asked for, at most; 0 where the purpose is another."""
    guidance: Guidance | None = None
    """What the prompt says, for proposers that are no language models; not part of the digest nor kept."""

    @property
    def digest(self) -> str:
        """SHA-256 of prompt, schema and prompt version, in hexadecimal."""
        asked = self.model_dump(mode="json", include={"system", "user", "reply_schema", "prompt_version"})
        return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

    @property
    def prompt(self) -> str:
        """The whole prompt as text."""
        return "\n".join(part.text for part in (*self.system, *self.user))


class Usage(_Frozen):
    """Tokens of one call, as the server bills them; `is_estimated` where it never said (a time-out, a reset)."""

    input_tokens: Count = 0
    output_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_tokens: Count = 0
    is_estimated: bool = False

    @property
    def tokens(self) -> int:
        """All tokens, however they are billed."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_write_tokens


class ProposalReply(_Frozen):
    """What a proposer wrote."""

    text: str
    stop_reason: str = "end_turn"
    model: str = ""
    """The model that answered, as it names itself."""
    usage: Usage = Usage()


class Exchange(_Frozen):
    """One call: kept as a file before it is used, merged into exchanges.jsonl. Turn 2 states the errors of turn 1."""

    exchange_id: str
    request_id: str
    turn: Annotated[int, Field(ge=1, le=2)]
    attempt: Annotated[int, Field(ge=1)]
    purpose: str
    round: int
    plan_id: int
    zones: tuple[str, ...]
    digest: str
    prompt_version: str
    sampling: Sampling
    is_structured: bool = True
    """Whether the reply schema was enforced by the server, or only stated in the prompt."""
    system: tuple[PromptPart, ...]
    user: tuple[PromptPart, ...]
    correction: str = ""
    """What turn 2 added to the conversation."""
    reply: ProposalReply | None = None
    fault: CallFault | None = None
    message: str = ""
    """What went wrong, in one line, cleaned of anything secret."""
    usage: Usage = Usage()
    seconds: float = 0.0
    asked_at: str = ""


class Answer(_Frozen):
    """What is kept of a request's replies: the worker reads it by path. Without proposals the offline chain covers."""

    request_id: str
    digest: str = ""
    round: int = 0
    zones: tuple[str, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    value: Any = None
    """What another purpose than `propose` asked for."""
    is_answered: bool
    faults: dict[str, int] = {}
    """Counts by reason: of calls, of replies, and of proposals left out."""
    reason: str = ""
    """Why the offline chain covers, in one line."""
    exchanges: tuple[str, ...] = ()


class RoundAnswers(_Frozen):
    """The answers to a round's requests, in their order; and the limit that was reached, such as `--max-calls 12`."""

    answers: tuple[Answer, ...]
    limit_reached: str | None = None


@runtime_checkable
class Proposer(Protocol):
    """A generator of proposals. Packages offer theirs as an entry point of the group `synthor.proposers`.

    An entry point names a callable without arguments that returns a Proposer; `--proposer NAME` selects it. A proposer
    is called in the flow's process, several calls at a time, under the same budget and time-outs as the built-in one,
    and what it returns is checked as any reply: `text` is the JSON object that `request.reply_schema` describes.
    It raises `ProposerError` for a fault that another attempt may cure; anything else counts as one that it will not.
    """

    async def propose(self, request: ProposalRequest) -> ProposalReply:
        """The reply to a request."""
        ...
