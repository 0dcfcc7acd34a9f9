"""What a prior asks of the finest grid: where its settings and conditions cut, and which values relations link."""

from collections.abc import Iterator

from schemas.expression import Node
from schemas.model import Scenario
from schemas.prior import Difference, Prior, SameAs, Setting
from synthesis.distributions import interval_ends
from synthesis.evaluation import cuts, free_columns

Key = tuple[str, str]
"""(entity, variable)."""


def setting_ends(scenario: Scenario) -> dict[Key, set[float]]:
    """Per numeric variable, the ends of the intervals that archetypes and relations draw it from."""
    ends: dict[Key, set[float]] = {}
    for entity, setting in _settings(scenario):
        if scenario.variable(entity, setting.variable).kind != "category":
            ends.setdefault((entity, setting.variable), set()).update(interval_ends(setting.distribution))
    return ends


def condition_cuts(scenario: Scenario) -> Iterator[tuple[Key, str, float]]:
    """Comparisons with constants in the prior's conditions."""
    for node in _conditions(scenario.prior):
        for column, symbol, value in cuts(node):
            if key := _key(scenario, column.entity, column.variable):
                yield key, symbol, value


def linked_variables(scenario: Scenario) -> set[Key]:
    """Numeric variables of which a relation links exact values."""
    if scenario.prior is None:
        return set()
    linked = {
        (relation.entity, relation.variable)
        for relation in scenario.prior.relations
        if isinstance(relation.follows, Difference | SameAs)
    }
    for node in _conditions(scenario.prior):
        linked |= {key for c in free_columns(node) if (key := _key(scenario, c.entity, c.variable))}
    return {key for key in linked if scenario.variable(*key).kind != "category"}


def _key(scenario: Scenario, entity: str, variable: str) -> Key | None:
    """The variable that a condition means by `age`, `spouse.age` or a root variable; none for a role."""
    name = variable.rpartition(".")[2]
    if scenario.entity(entity).find(name) is None:
        return None
    return entity, name


def _settings(scenario: Scenario) -> Iterator[tuple[str, Setting]]:
    prior = scenario.prior
    if prior is None:
        return
    for archetype in prior.archetypes:
        yield from ((scenario.root.name, setting) for setting in archetype.settings)
        for part in archetype.members:
            assert scenario.member is not None
            yield from ((scenario.member.name, setting) for setting in part.settings)
    for relation in prior.relations:
        if not isinstance(relation.follows, Difference | SameAs):
            yield relation.entity, Setting(relation.variable, relation.follows)


def _conditions(prior: Prior | None) -> Iterator[Node]:
    if prior is None:
        return
    yield from (archetype.when for archetype in prior.archetypes if archetype.when is not None)
    for relation in prior.relations:
        if relation.when is not None:
            yield relation.when
        if isinstance(relation.follows, Difference | SameAs) and relation.follows.where is not None:
            yield relation.follows.where
