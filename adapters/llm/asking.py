"""Asking for proposals: every request of a round, several at once, until each has an answer or is known to have none.

Calls are made here and nowhere else, in the flow's process, so that one limiter and one budget hold for the run.
Every exchange is on disk before it is used: asked again after a crash, what was paid for is read, not bought.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from adapters.llm.backoff import backoff_seconds, draw_jitter
from adapters.llm.budget import Budget
from adapters.llm.calls import LASTING, UNBILLED, Call, Caller, CallError
from adapters.llm.exchange_files import ExchangeStore, exchange_id
from adapters.llm.limiter import AdaptiveLimiter
from schemas.exchange import Answer, CallFault, Exchange, ProposalReply, ProposalRequest, Usage
from schemas.settings import RunSettings
from synthesis.replies import Checked

Check = Callable[[ProposalRequest, ProposalReply], Checked]
SERVED_NEVER = 3
"""After so many requests in a row without any reply in the run, the others are not asked."""


@dataclass(slots=True)
class Asker:
    """Asks a caller; one for each round. `recorded` gives a turn's exchanges of a run that is replayed."""

    caller: Caller
    store: ExchangeStore
    settings: RunSettings
    check: Check
    budget: Budget
    jitter: Callable[[], float] = draw_jitter
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    recorded: Callable[[Call], list[Exchange]] | None = None
    kept: dict[str, list[Exchange]] = field(init=False, default_factory=dict)
    _limiter: AdaptiveLimiter = field(init=False)
    _plain_schemas: set[str] = field(init=False, default_factory=set)
    _unserved: int = field(init=False, default=0)
    _has_served: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._limiter = AdaptiveLimiter(self.settings.max_concurrent_calls)
        for exchange in self.store.read_all():
            self.kept.setdefault(exchange.request_id, []).append(exchange)
            self._has_served = self._has_served or exchange.reply is not None
            if not exchange.is_structured:
                self._plain_schemas.add(exchange.digest)

    async def ask_all(self, requests: Sequence[ProposalRequest]) -> list[Answer]:
        """The answers, in the requests' order. What makes every call fail (a wrong key) is raised at once."""
        seats = asyncio.Semaphore(self.settings.max_concurrent_calls)
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask(request, seats)) for request in requests]
        except* Exception as errors:
            # Of several that failed for the same reason one is told.
            first: BaseException = errors
            while isinstance(first, BaseExceptionGroup):
                first = first.exceptions[0]
        else:
            return [task.result() for task in tasks]
        raise first

    async def _ask(self, request: ProposalRequest, seats: asyncio.Semaphore) -> Answer:
        async with seats:
            done = self.store.read_answer(request.request_id)
            if done is not None and done.digest == request.digest:
                return done
            answer = await self._converse(request)
            self.store.keep_answer(answer)
            return answer

    async def _converse(self, request: ProposalRequest) -> Answer:
        """At most two turns; the second asks for what was wrong in the first."""
        deadline = time.monotonic() + self.settings.ask_timeout_seconds
        first = await self._turn(Call(request), deadline)
        self._note_service(first)
        exchanges, faults = [first.exchange_id], Counter[str]()
        if first.reply is None:
            faults[str(first.fault)] += 1
            return _answer(request, Checked(), faults, exchanges, f"{first.fault}: {first.message}")
        checked = self._check(request, first, first.reply)
        faults.update(checked.faults)
        if not checked.faults or checked.valid_share >= self.settings.ask_again_below:
            return _answer(request, checked, faults, exchanges)
        second = await self._turn(Call(request, 2, state_errors(request, checked)), deadline)
        exchanges.append(second.exchange_id)
        if second.reply is None:
            faults[str(second.fault)] += 1
        else:
            again = self._check(request, second, second.reply)
            faults.update(again.faults)
            checked = _join(request, checked, again)
        return _answer(request, checked, faults, exchanges, "no valid proposal in two replies")

    def _check(self, request: ProposalRequest, exchange: Exchange, reply: ProposalReply) -> Checked:
        """What a reply is worth; each proposal knows the exchange it stands in."""
        checked = self.check(request, reply)
        placed = [p.model_copy(update={"source": f"{exchange.exchange_id}/{p.source}"}) for p in checked.proposals]
        return replace(checked, proposals=tuple(placed))

    async def _turn(self, call: Call, deadline: float) -> Exchange:
        """The exchange that ends a turn: one with a reply, or the last of those without."""
        if self.recorded is not None:
            return self._copy(self.recorded(call))
        request, past = call.request, self._past(call)
        replied = [exchange for exchange in past if exchange.reply is not None]
        if replied:
            return replied[-1]
        attempt = max(
            (one.attempt for one in self.kept.get(request.request_id, ()) if one.turn == call.turn), default=0
        )
        tries = 0
        while True:
            call = Call(request, call.turn, call.correction, request.digest not in self._plain_schemas)
            attempt, tries = attempt + 1, tries + 1
            exchange, retry_after = await self._attempt(call, attempt, deadline)
            if exchange.reply is not None or exchange.fault in LASTING or exchange.fault == "batch_timeout":
                return exchange
            if exchange.fault == "schema_refused":
                self._plain_schemas.add(request.digest)
                tries -= 1
                continue
            if tries > self.settings.call_retries:
                return exchange
            wait = backoff_seconds(tries, self.settings.max_backoff_seconds, retry_after, self.jitter())
            if time.monotonic() + wait >= deadline:
                return exchange
            await self.sleep(wait)

    def _copy(self, exchanges: list[Exchange]) -> Exchange:
        """Keep another run's exchanges as this run's own, so that it can be replayed as well."""
        for exchange in exchanges:
            self.store.keep(exchange)
        return exchanges[-1]

    def _past(self, call: Call) -> list[Exchange]:
        """What was kept of this very turn."""
        asked = (call.turn, call.request.digest, call.correction)
        kept = self.kept.get(call.request.request_id, ())
        return [one for one in kept if (one.turn, one.digest, one.correction) == asked]

    async def _attempt(self, call: Call, attempt: int, deadline: float) -> tuple[Exchange, float | None]:
        """One call within the limits, kept; and how long the server asks to wait."""
        worst = Usage(
            cache_write_tokens=call.input_tokens, output_tokens=call.request.sampling.max_tokens, is_estimated=True
        )
        blank, end = describe_call(call, attempt), _loop_time(deadline)
        refused = await self._reserve(worst, end)
        if refused is not None:
            return self._keep(blank, fault=refused[0], message=refused[1]), None
        billed: Usage | None = None
        try:
            async with asyncio.timeout_at(end), self._limiter.seat() as started:
                # Kept before the call: if this process dies in it, its cost is still known, at its worst.
                billed = worst
                self.store.keep_intent(blank.model_copy(update={"fault": "interrupted", "usage": worst}))
                exchange, retry_after = await self._call(call, blank, worst, started)
                billed = exchange.usage if exchange.usage.tokens else None
                return exchange, retry_after
        except TimeoutError:
            return self._keep(blank, fault="batch_timeout", message=self._too_long, usage=billed or Usage()), None
        finally:
            self.budget.settle(worst, billed)

    async def _reserve(self, worst: Usage, end: float) -> tuple[CallFault, str] | None:
        """Why there can be no call, if so."""
        if self._unserved >= SERVED_NEVER and not self._has_served:
            return "not_asked", f"the first {self._unserved} requests brought no reply"
        try:
            async with asyncio.timeout_at(end):
                reached = await self.budget.reserve(worst)
        except TimeoutError:
            return "batch_timeout", self._too_long
        return None if reached is None else ("not_asked", f"{reached} leaves no room for another call")

    async def _call(self, call: Call, blank: Exchange, worst: Usage, started: float) -> tuple[Exchange, float | None]:
        began = time.monotonic()
        try:
            reply = await self.caller.call(call, self.settings.call_timeout_seconds)
        except CallError as error:
            if error.fault in ("rate_limited", "overloaded"):
                pause = min(error.retry_after_seconds or 0.0, self.settings.max_backoff_seconds)
                self._limiter.overrun(started, pause)
            usage = worst if error.was_sent and error.fault not in UNBILLED else Usage()
            kept = self._keep(blank, fault=error.fault, message=error.message, usage=usage, began=began)
            return kept, error.retry_after_seconds
        self._limiter.succeeded()
        usage = reply.usage if reply.usage.tokens else worst
        return self._keep(blank, reply=reply, usage=usage, began=began), None

    @property
    def _too_long(self) -> str:
        return f"no reply within {self.settings.ask_timeout_seconds:g} s for the request"

    def _note_service(self, exchange: Exchange) -> None:
        self._has_served = self._has_served or exchange.reply is not None
        self._unserved = 0 if exchange.reply is not None else self._unserved + int(exchange.fault != "not_asked")

    def _keep(self, blank: Exchange, began: float | None = None, **outcome: object) -> Exchange:
        seconds = 0.0 if began is None else round(time.monotonic() - began, 3)
        exchange = blank.model_copy(update={**outcome, "seconds": seconds})
        self.store.keep(exchange)
        self.kept.setdefault(exchange.request_id, []).append(exchange)
        return exchange


def describe_call(call: Call, attempt: int) -> Exchange:
    """The exchange of a call that has no outcome yet."""
    request = call.request
    return Exchange(
        exchange_id=exchange_id(request.request_id, call.turn, attempt),
        request_id=request.request_id,
        turn=call.turn,
        attempt=attempt,
        purpose=request.purpose,
        round=request.round,
        plan_id=request.plan_id,
        zones=request.zones,
        digest=request.digest,
        prompt_version=request.prompt_version,
        sampling=request.sampling,
        is_structured=call.is_structured,
        system=request.system,
        user=request.user,
        correction=call.correction,
        asked_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )


def state_errors(request: ProposalRequest, checked: Checked) -> str:
    """What is asked in the second turn."""
    faults = "\n".join(f"- {error}" for error in checked.errors)
    wanted = max(request.proposals - len(checked.proposals), 1)
    rest = (
        f"{len(checked.proposals)} proposals were valid and are kept. Write at most {wanted} others, valid ones, "
        "in the same form."
        if checked.proposals
        else "Nothing of it could be used. Answer again, in the form asked for."
    )
    return f"You have answered this once. These faults were found:\n{faults}\n{rest}"


def _join(request: ProposalRequest, first: Checked, second: Checked) -> Checked:
    """The proposals of both replies, each once."""
    if second.value is not None or not request.proposals:
        return second if second.value is not None else first
    known = {proposal.model_dump_json(include={"values", "members"}) for proposal in first.proposals}
    new = [one for one in second.proposals if one.model_dump_json(include={"values", "members"}) not in known]
    return Checked((*first.proposals, *new)[: request.proposals])


def _answer(
    request: ProposalRequest, checked: Checked, faults: Mapping[str, int], exchanges: list[str], reason: str = ""
) -> Answer:
    is_answered = bool(checked.proposals) or checked.value is not None
    return Answer(
        request_id=request.request_id,
        digest=request.digest,
        round=request.round,
        zones=request.zones,
        proposals=checked.proposals,
        value=checked.value,
        is_answered=is_answered,
        faults=dict(sorted(faults.items())),
        reason="" if is_answered else reason,
        exchanges=tuple(exchanges),
    )


def _loop_time(deadline: float) -> float:
    """A monotonic time as the event loop counts it."""
    return asyncio.get_running_loop().time() + deadline - time.monotonic()
