"""The JSON Schema of a reply, made from the scenario: no larger than servers compile, the rest is checked by us."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from schemas.guidance import GuidedVariable

MAX_ENUMERATED = 200
"""Categories of all variables together that are enumerated; variables beyond take any string."""
MAX_MIXES = 8
"""Category variables that may be mixes: each is a union, of which servers compile only a few."""


ROLE = "role"
"""Beside a member's values: which of the prior's roles it has."""


def proposals_schema(
    root: Sequence[GuidedVariable], member: Sequence[GuidedVariable] | None, roles: Sequence[str] = ()
) -> dict[str, Any]:
    """The schema of `{"proposals": [...]}` for the variables asked for; with `roles`, members say theirs."""
    asked = [*root, *(member or ())]
    enumerated, mixed = _enumerated(asked), may_mix(asked)
    proposal: dict[str, Any] = {"values": _values(root, enumerated, mixed)}
    if member is not None:
        # What a member is follows from its record: mixes stay with the root, where they say most.
        values = _values(member, enumerated, False)
        if roles:
            values = closed({ROLE: {"type": "string", "enum": [*roles, ""]}, "values": values})
        proposal["members"] = {"type": "array", "items": values}
    proposal |= {"share": {"type": "number"}, "reason": {"type": "string"}}
    return closed({"proposals": {"type": "array", "items": closed(proposal)}})


def may_mix(asked: Iterable[GuidedVariable]) -> bool:
    """Whether there are few enough category variables for values that are mixes."""
    return sum(variable.kind == "category" for variable in asked) <= MAX_MIXES


def closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    """An object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _enumerated(asked: Iterable[GuidedVariable]) -> set[str]:
    """Entity and name of the variables with an enumeration: the shortest first, as long as all of them fit."""
    found, total = set(), 0
    for variable in sorted(asked, key=lambda one: len(one.categories)):
        total += len(variable.categories)
        if variable.kind == "category" and total <= MAX_ENUMERATED and not variable.left_out:
            found.add(f"{variable.entity}.{variable.name}")
    return found


def _values(variables: Sequence[GuidedVariable], enumerated: set[str], mixed: bool) -> dict[str, Any]:
    return closed({one.name: _value(one, f"{one.entity}.{one.name}" in enumerated, mixed) for one in variables})


def _value(variable: GuidedVariable, is_enumerated: bool, mixed: bool) -> dict[str, Any]:
    if variable.kind in ("integer", "number"):
        return closed({"low": {"type": "number"}, "high": {"type": "number"}})
    if variable.kind == "text":
        return {"type": "array", "items": {"type": "string"}}
    category: dict[str, Any] = {"type": "string"}
    if is_enumerated:
        category["enum"] = list(variable.categories)
    if not mixed:
        return category
    part = closed({"category": category, "weight": {"type": "number"}})
    return {"anyOf": [category, {"type": "array", "items": part}]}
