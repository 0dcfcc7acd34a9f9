"""Prompts assembled within a length: every part has its share of it, what does not fit is counted and said.

The stable part (what is wanted, the scenario, the variables) comes first and is the same in every round.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from schemas.guidance import Asked, GuidedCell, GuidedVariable
from schemas.model import Entity, Rule, Scenario, TextVariable, Variable
from schemas.prior import Archetype, Relation
from schemas.settings import RunSettings
from synthesis.guidance_text import escape_line, write_block

BYTES_PER_TOKEN = 2.5
"""Rather too few than too many; as the budget counts."""
SCENARIO_PART, VARIABLE_PART = 0.2, 0.4
MAX_DESCRIPTION = 200
MAX_RULE = 300
SHOWN_CATEGORIES = 40


def budget_bytes(settings: RunSettings, used: str = "") -> int:
    """Length of a prompt in bytes, less what is there already."""
    return int(settings.max_prompt_tokens * BYTES_PER_TOKEN) - size_of(used)


def size_of(text: str) -> int:
    """Its length as sent."""
    return len(text.encode("utf-8", "replace"))


def scenario_block(scenario: Scenario, limit: int) -> str:
    """What the scenario is about, its context and rules, as a fenced block of JSON lines."""
    lines: list[Mapping[str, Any]] = [{"about": {"title": short(scenario.title), "name": scenario.name}}]
    if scenario.context:
        lines.append({"context": short(scenario.context, 2000)})
    lines.append({"about": {"description": short(scenario.description, 600)}})
    lines += [{"entity": {"name": e.name, "description": short(e.description)}} for e in scenario.entities]
    lines += [{"rule": _rule(rule)} for rule in scenario.rules]
    if scenario.prior is not None:
        lines += [{"relation": _relation(scenario, one)} for one in scenario.prior.relations]
        lines += [{"archetype": {"name": one.name, "share": float(f"{one.share:.3g}")}} for one in by_share(scenario)]
    return fenced("scenario", lines, limit)


def zone_block(zones: Sequence[str], limit: int) -> str:
    """The zones a request is for, as many as fit."""
    return fenced("scenario", [{"zone": name} for name in zones], limit)


def fenced(kind: str, lines: Iterable[Mapping[str, Any]], limit: int) -> str:
    """A fenced block of JSON lines, as many as fit; the last says how many do not."""
    written, left_out, size = list[str](), 0, 0
    for line in lines:
        text = escape_line(json.dumps(line, ensure_ascii=False))
        if left_out or size + size_of(text) + 1 > max(limit, 0):
            left_out += 1
            continue
        written.append(text)
        size += size_of(text) + 1
    if left_out:
        written.append(json.dumps({"left_out": left_out}))
    return "\n".join([f"```{kind}", *written, "```"])


def guided_variables(scenario: Scenario, limit: int, with_texts: bool = False) -> list[GuidedVariable]:
    """The variables asked for: all with descriptions and categories if they fit, else shorter, else fewer.

    Those that tables are over come first where not all fit; the tables' chain sets the rest.
    """
    wanted: list[tuple[Entity, Variable | TextVariable]] = []
    for entity in scenario.entities:
        wanted += [(entity, v) for v in asked_variables(scenario, entity)]
        wanted += [(entity, text) for text in entity.texts if with_texts]
    for description, shown in ((MAX_DESCRIPTION, SHOWN_CATEGORIES), (60, 20), (0, 12), (0, 4)):
        variables = [_guided(entity, variable, description, shown) for entity, variable in wanted]
        if size_of(write_block(variables)) <= limit:
            return variables
    kept: list[GuidedVariable] = []
    used = {(table.entity, axis.variable) for table in scenario.tables for axis in table.axes}
    for variable in sorted(variables, key=lambda one: (one.entity, one.name) not in used):
        if size_of(write_block([*kept, variable])) <= limit:
            kept.append(variable)
    order = {(entity.name, variable.name): i for i, (entity, variable) in enumerate(wanted)}
    return sorted(kept, key=lambda one: order[one.entity, one.name])


def requested(scenario: Scenario, proposals: int, records: int) -> Asked:
    """What is wanted, in the form of the guidance."""
    member = scenario.member
    return Asked(
        proposals=proposals,
        records=records,
        root=scenario.root.name,
        member=member.name if member else None,
        count=member.count if member else None,
    )


def asked_variables(scenario: Scenario, entity: Entity) -> list[Variable]:
    """The entity's variables but for the zone, which a request fixes."""
    zone = scenario.zones.variable if scenario.zones else None
    return [variable for variable in entity.variables if variable.name != zone]


def guidance_block(asked: Asked, cells: Sequence[GuidedCell], limit: int) -> tuple[str, list[GuidedCell], str]:
    """The block with as many cells as fit, taken table by table in turn; the cells, and what was left out in words."""
    kept, size = list[GuidedCell](), size_of(write_block([asked]))
    for cell in _in_turn(cells):
        added = size_of(write_block([cell])) - size_of(write_block([]))
        if size + added > limit:
            break
        kept.append(cell)
        size += added
    kept.sort(key=lambda cell: -cell.missing)
    rest = len(cells) - len(kept)
    told = f"Left out for length: {rest} cells that lack less." if rest else "No cell that lacks records is left out."
    return write_block([asked, *kept]), kept, told


def short(text: str, most: int = MAX_DESCRIPTION) -> str:
    """A text on one line, cut."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: max(most - 1, 0)] + ("…" if most else "")


def _in_turn(cells: Sequence[GuidedCell]) -> Iterator[GuidedCell]:
    """Cells by what they lack, but every table's first ones first, so that none drowns in a large one."""
    rank: dict[str, int] = {}
    keyed: list[tuple[int, float, int]] = []
    for cell in cells:
        rank[cell.table] = rank.get(cell.table, -1) + 1
        keyed.append((rank[cell.table] // 4, -cell.missing, len(keyed)))
    for _, _, index in sorted(keyed):
        yield cells[index]


def _guided(entity: Entity, variable: Variable | TextVariable, description: int, shown: int) -> GuidedVariable:
    if isinstance(variable, TextVariable):
        return GuidedVariable(
            name=variable.name,
            entity=entity.name,
            kind="text",
            length=variable.max_length,
            description=short(variable.description, description),
        )
    is_numeric = variable.kind != "category"
    return GuidedVariable(
        name=variable.name,
        entity=entity.name,
        kind=variable.kind,
        categories=variable.categories[:shown],
        left_out=max(len(variable.categories) - shown, 0),
        low=variable.low if is_numeric else None,
        high=variable.high if is_numeric else None,
        description=short(variable.description, description),
    )


def by_share(scenario: Scenario) -> list[Archetype]:
    """The prior's archetypes, the most frequent first: where not all fit, the others are counted."""
    return sorted(scenario.prior.archetypes, key=lambda one: -one.share) if scenario.prior else []


def _relation(scenario: Scenario, relation: Relation) -> dict[str, Any]:
    assert scenario.prior is not None
    roles = [scenario.prior.roles[role] for role in sorted(relation.roles)]
    sets = {"name": relation.name, "sets": relation.variable, "of": roles or relation.entity}
    other = getattr(relation.follows, "roles", ())
    return {**sets, **({"from": list(other)} if other else {}), "reason": short(relation.reason)}


def _rule(rule: Rule) -> dict[str, str]:
    return {"name": rule.name, "text": short(rule.text, MAX_RULE)}
