"""What expressions read once their derived variables are resolved."""

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.expression import Aggregate, Column, Node
from schemas.model import Derived, Scenario
from synthesis.binning import Key
from synthesis.evaluation import children, free_columns


@dataclass(frozen=True, slots=True)
class Reads:
    """`keys`: variables read outside aggregates; `free`: those whose exact value matters; `aggregates`: the rest."""

    keys: frozenset[Key]
    free: frozenset[Key]
    aggregates: tuple[Aggregate, ...]


def reads_of(scenario: Scenario, nodes: Iterable[Node]) -> Reads:
    """What any of the expressions reads."""
    keys: set[Key] = set()
    free: set[Key] = set()
    aggregates: dict[Aggregate, None] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        free |= {(c.entity, c.variable) for c in free_columns(node)}
        match node:
            case Aggregate():
                aggregates[node] = None
            case Column(entity, name):
                variable = scenario.variable(entity, name)
                if isinstance(variable, Derived):
                    waiting.append(variable.expression)
                else:
                    keys.add((entity if scenario.entity(entity).find(name) else scenario.root.name, name))
            case _:
                waiting.extend(children(node))
    return Reads(frozenset(keys), frozenset(free & keys), tuple(aggregates))
