"""Checking a reply: what is valid is kept, the rest is counted by reason. Nothing in it is ever evaluated."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.exchange import ProposalReply
from schemas.model import Entity, Scenario
from schemas.proposal import Exact, Proposal, Range, Values
from synthesis.reply_schema import ROLE
from synthesis.reply_values import FaultError, clean_text, read_values, show

MAX_REASON = 600
MAX_REPLY = 2_000_000
"""Characters of a reply that are looked at."""
MAX_ERRORS = 12
"""Faults that are told one by one when a reply is asked for again."""
MAX_MEMBERS = 200
_LIST = re.compile(r'"proposals"\s*:\s*\[')


@dataclass(frozen=True, slots=True)
class Checked:
    """What a reply holds: valid proposals (or another purpose's `value`), faults by reason, some of them in words."""

    proposals: tuple[Proposal, ...] = ()
    faults: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    value: Any = None

    @property
    def valid_share(self) -> float:
        """Kept proposals among those that were written; 0 where a reply holds none."""
        dropped = sum(count for name, count in self.faults.items() if name not in ("too_many", "cut"))
        kept = len(self.proposals) or int(self.value is not None)
        return kept / (kept + dropped) if kept else 0.0


def check_reply(
    scenario: Scenario, reply: ProposalReply, wanted: int, not_asked: frozenset[tuple[str, str]] = frozenset()
) -> Checked:
    """The valid proposals of a reply, at most `wanted` of them. Variables `not_asked` for may be left out."""
    if reply.stop_reason == "refusal":
        return Checked(faults={"refusal": 1}, errors=("the reply was a refusal",))
    if not reply.text.strip():
        return Checked(faults={"empty": 1}, errors=("the reply was empty",))
    faults, errors = Counter[str](), list[str]()
    is_cut = reply.stop_reason in ("max_tokens", "model_context_window_exceeded")
    if is_cut:
        faults["cut"] = 1
        errors.append(f"the reply was cut off: write fewer or shorter proposals than {wanted}")
    try:
        written = list(read_objects(reply.text[:MAX_REPLY], is_cut))
    except FaultError as fault:
        faults[fault.fault] += 1
        return Checked(faults=dict(faults), errors=(*errors, fault.message))
    proposals, seen = list[Proposal](), set[str]()
    for position, content in enumerate(written):
        try:
            proposal = _read_proposal(scenario, content, not_asked)
            key = json.dumps([proposal.model_dump(mode="json")[name] for name in ("values", "members")], sort_keys=True)
            if key in seen:
                raise FaultError("duplicate", "the same as an earlier proposal")
            if len(proposals) == wanted:
                raise FaultError("too_many", f"more than the {wanted} asked for")
        except FaultError as fault:
            faults[fault.fault] += 1
            errors.append(f"proposal {position + 1}: {fault.message}")
            continue
        seen.add(key)
        proposals.append(proposal.model_copy(update={"source": str(position)}))
    return Checked(tuple(proposals), dict(faults), tuple(errors[:MAX_ERRORS]))


def asked_roles(scenario: Scenario) -> tuple[str, ...]:
    """The roles that members of a proposal can have; none where a variable of theirs says it."""
    prior = scenario.prior
    return () if prior is None or scenario.member is None or prior.role_variable is not None else prior.roles


def read_object(reply: ProposalReply, name: str) -> list[Any] | Checked:
    """The list under `name` in a reply to another question; or what is wrong with the reply as a whole."""
    if reply.stop_reason == "refusal":
        return Checked(faults={"refusal": 1}, errors=("the reply was a refusal",))
    start = reply.text.find("{")
    if start < 0:
        fault = "invalid_json" if reply.text.strip() else "empty"
        return Checked(faults={fault: 1}, errors=("no JSON object in the reply",))
    try:
        content, _ = _DECODER.raw_decode(reply.text[:MAX_REPLY], start)
    except (ValueError, RecursionError):
        is_cut = reply.stop_reason in ("max_tokens", "model_context_window_exceeded")
        return Checked(faults={"cut" if is_cut else "invalid_json": 1}, errors=("the reply is not valid JSON",))
    if not isinstance(content.get(name), list) or not content[name]:
        return Checked(faults={"wrong_shape": 1}, errors=(f'expected {{"{name}": [...]}} with at least one',))
    found: list[Any] = content[name]
    return found


def read_objects(text: str, is_cut: bool = False) -> Iterator[Any]:
    """The objects in the reply's list of proposals; of a cut reply those that are whole."""
    start = text.find("{")
    if start < 0:
        raise FaultError("invalid_json", "no JSON object in the reply")
    try:
        content, _ = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        yield from _read_whole(text, is_cut)
        return
    if not isinstance(content.get("proposals"), list):
        raise FaultError("wrong_shape", 'expected {"proposals": [...]}')
    if not content["proposals"]:
        raise FaultError("empty", "the list of proposals is empty")
    yield from content["proposals"]


def _read_whole(text: str, is_cut: bool) -> Iterator[Any]:
    """Objects of a list that does not end."""
    opened = _LIST.search(text)
    position, found = opened.end() if opened else len(text), 0
    while is_cut and (start := text.find("{", position)) >= 0:
        try:
            content, position = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            break
        found += 1
        yield content
    if not found:
        raise FaultError("invalid_json", "the reply is not valid JSON")


def _read_proposal(scenario: Scenario, content: Any, not_asked: frozenset[tuple[str, str]]) -> Proposal:
    if not isinstance(content, dict) or not isinstance(content.get("values"), dict):
        raise FaultError("wrong_type", 'expected an object with "values", "share" and "reason"')
    share = content.get("share", content.get("num"))
    if isinstance(share, bool) or not isinstance(share, int | float):
        raise FaultError("wrong_type", f'"share" is {show(share)}, expected a number')
    if not 0 < share < 1e15:
        raise FaultError("not_positive", f'"share" is {show(share)}, expected more than 0')
    optional = {name for entity, name in not_asked if entity == scenario.root.name}
    optional |= {scenario.zones.variable} if scenario.zones else set()
    member = scenario.member
    written = content.get("members") or []
    if member is not None and member.count and written:
        optional.add(member.count)
    if not isinstance(written, list) or len(written) > MAX_MEMBERS or (member is None and written):
        raise FaultError("wrong_members", f'"members" is {show(written)}, expected {_expected_members(member)}')
    values = read_values(scenario.root, content["values"], optional)
    members = tuple(_read_member(member, values_of, not_asked) for values_of in written) if member is not None else ()
    roles = tuple(_read_role(scenario, values_of) for values_of in written) if asked_roles(scenario) else ()
    if member is not None:
        _check_count(scenario, member, values, len(members))
    reason = clean_text(str(content.get("reason", "")))[:MAX_REASON]
    return Proposal(values=values, members=members, roles=roles, share=float(share), reason=reason)


def _read_role(scenario: Scenario, content: Any) -> str:
    """A member without a role, or with one that nobody knows, is a member all the same."""
    role = content.get(ROLE) if isinstance(content, dict) and isinstance(content.get("values"), dict) else None
    return role if role in asked_roles(scenario) else ""


def _read_member(member: Entity, content: Any, not_asked: frozenset[tuple[str, str]]) -> Values:
    # With or without the wrapping that a proposal's own values have.
    inner = content.get("values", content) if isinstance(content, dict) else content
    if not isinstance(inner, dict):
        raise FaultError("wrong_members", f"a {member.name} is {show(content)}, expected an object of its variables")
    return read_values(member, inner, {name for entity, name in not_asked if entity == member.name})


def _check_count(scenario: Scenario, member: Entity, values: Values, listed: int) -> None:
    """The number of listed members is one that the count variable can have and does not contradict."""
    if member.count is None:
        return
    count = scenario.root.find(member.count)
    assert count is not None
    said = values.get(member.count)
    low, high = (count.low, count.high)
    if isinstance(said, Exact):
        low = high = said.value
    elif isinstance(said, Range):
        low, high = said.low, said.high
    if not low <= listed <= high:
        raise FaultError("wrong_members", f"{listed} members listed, expected {low:g} to {high:g} ({member.count})")


def _expected_members(member: Entity | None) -> str:
    return "none" if member is None else f"a list of at most {MAX_MEMBERS}"


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
