"""The evidence for every pair of variables: what the tables say of the two together.

Controlled: a target table holds both. Implied: linked only through other tables, universes, definitions or rules.
Prior only: nothing links them, the proposer alone decides. A zone that two tables share does not link their variables:
it bounds next to nothing.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

from schemas.expression import Node
from schemas.model import Derived, Scenario, TargetTable
from synthesis.binning import Key
from synthesis.components import rule_nodes
from synthesis.evidence_bounds import Bounds, bound_pair
from synthesis.reads import reads_of
from synthesis.spaces import Spaces

EvidenceClass = Literal["controlled", "implied", "prior only"]
MAX_BOUNDED = 60
"""Implied pairs for which bounds are computed, at most."""


@dataclass(frozen=True, slots=True)
class Link:
    """What speaks of several variables at once: a table, a definition or a rule."""

    name: str
    keys: frozenset[Key]
    is_table: bool


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """What is known of two variables together, through which tables and rules, and what these leave open."""

    one: Key
    other: Key
    evidence: EvidenceClass
    through: tuple[str, ...] = ()
    bounds: Bounds | None = None


def judge_pairs(scenario: Scenario, spaces: Spaces) -> list[PairEvidence]:
    """The evidence of all pairs of variables that a proposer sets or a table is over."""
    links, found, bounded = _links(scenario), list[PairEvidence](), 0
    for one, other in combinations(variables_of(scenario), 2):
        holding = tuple(t.name for t in scenario.tables if {one, other} <= table_keys(scenario, t))
        if holding:
            found.append(PairEvidence(one, other, "controlled", holding))
            continue
        path = _path(links, one, other)
        if path is None:
            found.append(PairEvidence(one, other, "prior only"))
            continue
        tables = tuple(link.name for link in path if link.is_table)
        bounds = bound_pair(scenario, spaces, one, other, tables) if bounded < MAX_BOUNDED else None
        bounded += bounds is not None
        found.append(PairEvidence(one, other, "implied", tuple(link.name for link in path), bounds))
    return found


def describe_evidence(scenario: Scenario, pairs: Iterable[PairEvidence]) -> dict[str, Any]:
    """The evidence as plain JSON."""
    return {
        "variables": [{"name": _name(key), "entity": key[0]} for key in variables_of(scenario)],
        "pairs": [
            {
                "one": _name(pair.one),
                "other": _name(pair.other),
                "evidence": pair.evidence,
                "tables": list(pair.through),
                "entropy": None if pair.bounds is None else round(pair.bounds.entropy, 6),
                "low": None if pair.bounds is None else round(pair.bounds.low, 6),
                "high": None if pair.bounds is None else round(pair.bounds.high, 6),
            }
            for pair in pairs
        ],
    }


def variables_of(scenario: Scenario) -> list[Key]:
    """What a proposer sets (zones among it), and derived variables that tables are over."""
    over = {key for table in scenario.tables for key in table_keys(scenario, table)}
    return [
        (entity.name, variable.name)
        for entity in scenario.entities
        for variable in entity.all_variables
        if not isinstance(variable, Derived) or (entity.name, variable.name) in over
    ]


def table_keys(scenario: Scenario, table: TargetTable) -> frozenset[Key]:
    """The variables that a table is over, its zone among them."""
    keys = {_owner(scenario, table.entity, axis.variable) for axis in table.axes}
    if table.zone_level is not None and scenario.zones is not None:
        keys.add((scenario.root.name, scenario.zones.variable))
    return frozenset(keys)


def _owner(scenario: Scenario, entity: str, name: str) -> Key:
    return (entity if scenario.entity(entity).find(name) else scenario.root.name), name


def _links(scenario: Scenario) -> list[Link]:
    """Tables with their universes, definitions and rules; without the zones."""
    zone = (scenario.root.name, scenario.zones.variable) if scenario.zones else None
    found = []
    for table in scenario.tables:
        keys = table_keys(scenario, table) | (_read(scenario, [table.universe]) if table.universe else frozenset())
        found.append(Link(table.name, keys - {zone}, True))
    for entity in scenario.entities:
        for derived in entity.derived:
            keys = _read(scenario, [derived.expression]) | {(entity.name, derived.name)}
            found.append(Link(f"definition of {derived.name}", keys, False))
    found += [Link(f"rule {rule.name}", _read(scenario, rule_nodes(rule)) - {zone}, False) for rule in scenario.rules]
    return [link for link in found if len(link.keys) > 1]


def _read(scenario: Scenario, nodes: Iterable[Node]) -> frozenset[Key]:
    """The variables that expressions read, members' ones inside aggregates among them."""
    reads = reads_of(scenario, nodes)
    inside = reads_of(scenario, [aggregate.argument for aggregate in reads.aggregates])
    keys = reads.keys | inside.keys
    if reads.aggregates and scenario.member is not None and scenario.member.count is not None:
        keys |= {(scenario.root.name, scenario.member.count)}
    return frozenset(keys)


def _path(links: list[Link], one: Key, other: Key) -> list[Link] | None:
    """The fewest links that lead from one variable to the other."""
    reached: dict[Key, list[Link]] = {one: []}
    waiting = deque([one])
    while waiting:
        here = waiting.popleft()
        for link in links:
            if here not in link.keys:
                continue
            for key in sorted(link.keys - reached.keys()):
                reached[key] = [*reached[here], link]
                if key == other:
                    return reached[key]
                waiting.append(key)
    return None


def _name(key: Key) -> str:
    return f"{key[0]}.{key[1]}"
