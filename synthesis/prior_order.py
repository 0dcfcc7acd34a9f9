"""In which order a prior's variables are settled: what a relation's condition reads comes before what it sets."""

from dataclasses import dataclass

from schemas.model import Entity, Scenario
from schemas.prior import Difference, Relation, SameAs
from synthesis.evaluation import columns
from synthesis.prior_relations import Limits, looks_at_members


@dataclass(frozen=True, slots=True)
class Step:
    """One variable with the relations that may set it, and the entity's own variables that they read.

    Relations apply in the file's order; an archetype's own setting comes after the last difference or copy, which it
    limits, and before the rest.
    """

    variable: str
    linking: tuple[Relation, ...]
    others: tuple[Relation, ...]
    needs: frozenset[str]
    is_late: bool


def steps_of(scenario: Scenario, entity: Entity) -> tuple[Step, ...]:
    """A step per variable that a relation sets; late ones (of the root) wait until the members are known."""
    relations = scenario.prior.relations if scenario.prior is not None else ()
    own = {variable.name for variable in entity.variables}
    targets = list(dict.fromkeys(r.variable for r in relations if r.entity == entity.name))
    by_variable = {name: [r for r in relations if r.entity == entity.name and r.variable == name] for name in targets}
    needs = {name: frozenset().union(*(_reads(r) for r in by_variable[name])) & own - {name} for name in targets}
    late: set[str] = set()
    if entity is scenario.root:
        late = {name for name in targets if any(looks_at_members(r) for r in by_variable[name])}
        while more := {name for name in targets if name not in late and needs[name] & late}:
            late |= more
    return tuple(_step(name, by_variable[name], needs[name], name in late) for name in _ordered(targets, needs))


def limits_of(scenario: Scenario, variable: str) -> Limits:
    """Per member part (numbered over all archetypes), what its archetype says of a variable."""
    assert scenario.prior is not None
    parts = [part for archetype in scenario.prior.archetypes for part in archetype.members]
    found = ((i, setting) for i, part in enumerate(parts) for setting in part.settings)
    return {i: setting.distribution for i, setting in found if setting.variable == variable}


def _step(name: str, relations: list[Relation], needs: frozenset[str], is_late: bool) -> Step:
    links = [i for i, r in enumerate(relations) if isinstance(r.follows, Difference | SameAs)]
    last = links[-1] + 1 if links else 0
    return Step(name, tuple(relations[:last]), tuple(relations[last:]), needs, is_late)


def _reads(relation: Relation) -> frozenset[str]:
    return frozenset() if relation.when is None else frozenset(c.variable for c in columns(relation.when))


def _ordered(targets: list[str], needs: dict[str, frozenset[str]]) -> list[str]:
    """Depth first; in a circle, what the file names first comes first."""
    ordered: list[str] = []
    begun: set[str] = set()

    def visit(name: str) -> None:
        if name in begun:
            return
        begun.add(name)
        for needed in sorted(needs[name] & set(targets)):
            visit(needed)
        ordered.append(name)

    for name in targets:
        visit(name)
    return ordered
