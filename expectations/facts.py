"""Checked facts: what a merged summary has to say, one violation count each, for datasets too large to re-read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from schemas.model import Derived, Entity, Scenario, Variable
from synthesis.audit import MEMBER_COUNT_MATCHES, PARENT_EXISTS
from synthesis.summaries import Summary


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that holds of every record; `violations` counts in a summary where it does not."""

    entity: str
    column: str
    check: str
    violations: Callable[[Summary], int]

    @property
    def name(self) -> str:
        """Unique within a scenario."""
        return f"{self.entity}.{self.column}: {self.check}"


def checked_facts(scenario: Scenario) -> list[Fact]:
    """The facts that a scenario implies, in the order of its entities, variables and rules."""
    return [fact for entity in scenario.entities for fact in _entity_facts(scenario, entity)]


def summary_frame(scenario: Scenario, summary: Summary) -> pd.DataFrame:
    """One row per fact that the summary speaks of: fact, entity, column, check, violations."""
    rows = []
    for fact in checked_facts(scenario):
        try:
            rows.append((fact.name, fact.entity, fact.column, fact.check, fact.violations(summary)))
        except KeyError:  # an entity, column or rule that no batch has summarised: the suite misses its row
            continue
    return pd.DataFrame(rows, columns=["fact", "entity", "column", "check", "violations"]).astype(
        {"violations": "int64"}
    )


def bounds_text(variable: Variable | Derived) -> str:
    """A numeric range for people: `0 to 99` with both ends, `[0, 1)` without the upper one."""
    if variable.kind == "integer":
        return f"{variable.low:.15g} to {variable.high:.15g}"
    return f"[{variable.low:.15g}, {variable.high:.15g})"


def _entity_facts(scenario: Scenario, entity: Entity) -> Iterator[Fact]:
    name, key = entity.name, f"{entity.name}_id"
    if entity is scenario.root:
        yield Fact(name, key, "records exist", lambda s: int(s["entities"][name]["rows"] == 0))
    yield Fact(name, key, "unique", lambda s: s["entities"][name]["duplicate_ids"])
    if entity is scenario.member:
        yield Fact(name, f"{entity.parent}_id", PARENT_EXISTS, lambda s: s["orphan_members"])
    elif scenario.member is not None:
        yield Fact(name, str(scenario.member.count), MEMBER_COUNT_MATCHES, lambda s: s["member_count_mismatches"])
    for variable in entity.all_variables:
        yield from _column_facts(name, variable)
    for rule in (rule for rule in scenario.rules if rule.entity == name):
        yield Fact(name, f"rule: {rule.name}", "obeyed", lambda s, rule=rule.name: s["rules"][rule])  # type: ignore[misc]  # default binds the loop's value


def _column_facts(entity: str, variable: Variable | Derived) -> Iterator[Fact]:
    column = variable.name
    yield Fact(entity, column, "not null", lambda s: s["entities"][entity]["columns"][column]["nulls"])
    if variable.kind == "category":
        yield Fact(entity, column, "a category", lambda s: s["entities"][entity]["columns"][column]["outside"])
    elif np.isfinite([variable.low, variable.high]).all():
        check = f"within {bounds_text(variable)}"
        yield Fact(entity, column, check, lambda s: s["entities"][entity]["columns"][column]["outside"])
