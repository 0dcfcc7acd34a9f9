"""Entities, variables and derived variables of a scenario, checked."""

from typing import Any

from adapters.scenario_document import Document, located_parse
from schemas.expression import Choice, Column, Constant, Node
from schemas.model import Derived, Entity, Variable, Zones
from schemas.scenario import DerivedSpec, EntitySpec, VariableSpec
from synthesis.expressions import Scope, nearest

MAX_INTEGER = 2**53


def scope_of(root: Entity, member: Entity | None, entity: str) -> Scope:
    """The names that an expression of `entity` may use."""
    own = {v.name: (Column(root.name, v.name), v.categories or None) for v in root.all_variables}
    if member is None:
        return Scope(root.name, own)
    below = {v.name: (Column(member.name, v.name), v.categories or None) for v in member.all_variables}
    if entity == root.name:
        return Scope(root.name, own, member.name, {**own, **below})
    return Scope(member.name, {**own, **below})


def read_entities(document: Document, zones: Zones | None) -> tuple[Entity, Entity | None]:
    """The root entity and, if there is one, its member entity."""
    specs = document.spec.entities
    roots = [name for name, spec in specs.items() if spec.parent is None]
    if len(roots) != 1 or len(specs) > 2:
        message = f"expected one root entity and at most one member entity, got {', '.join(specs)}"
        raise document.error(message, "entities")
    root_name = roots[0]
    zone_variable = _zone_variable(document, zones, specs[root_name], root_name)
    root_variables = zone_variable + _variables(document, root_name)
    root = Entity(root_name, root_variables, description=specs[root_name].description)
    member = None
    for name, spec in specs.items():
        if name != root_name:
            _check_link(document, name, spec, root)
            _refuse_shadowing(document, name, spec, root)
            bare = Entity(name, _variables(document, name), (), spec.parent, spec.count, spec.description)
            member = _with_derived(document, bare, root, bare)
    return _with_derived(document, root, root, member), member


def _zone_variable(document: Document, zones: Zones | None, spec: EntitySpec, root: str) -> tuple[Variable, ...]:
    if zones is None:
        return ()
    for level in zones.levels:
        if level in spec.variables or level in spec.derived:
            raise document.error(f"{level!r} is a zone level already", "entities", root, "variables", level)
    description = document.spec.zones.description if document.spec.zones else ""
    return (Variable(zones.variable, "category", description, zones.names[zones.variable]),)


def _check_link(document: Document, name: str, spec: EntitySpec, root: Entity) -> None:
    if spec.parent != root.name:
        raise document.error(f"unknown parent {spec.parent!r}, expected {root.name!r}", "entities", name, "parent")
    if spec.count is None:
        message = f"missing key 'count', expected the integer variable of {root.name} that counts its {name}s"
        raise document.error(message, "entities", name)
    count = root.find(spec.count)
    if count is None or count.kind != "integer" or count.low < 0:
        message = f"{spec.count!r} is no non-negative integer variable of {root.name}"
        raise document.error(message, "entities", name, "count")


def _refuse_shadowing(document: Document, name: str, spec: EntitySpec, root: Entity) -> None:
    own = document.spec.entities[root.name]
    for variable in (*spec.variables, *spec.derived):
        if variable in own.variables or variable in own.derived or root.find(variable):
            group = "variables" if variable in spec.variables else "derived"
            message = f"{root.name} has a variable of this name, expected different names"
            raise document.error(message, "entities", name, group, variable)


def _variables(document: Document, entity: str) -> tuple[Variable, ...]:
    specs = document.spec.entities[entity].variables
    return tuple(_variable(document, entity, name, spec) for name, spec in specs.items())


def _variable(document: Document, entity: str, name: str, spec: VariableSpec) -> Variable:
    at = "entities", entity, "variables", name
    if name in (f"{entity}_id", "batch_id", "plan_row_id"):
        raise document.error("this name is reserved for record ids", *at)
    if spec.type == "category":
        categories = tuple(spec.categories or ())
        if not categories or len(set(categories)) != len(categories):
            raise document.error("expected a list of different categories", *at, "categories")
        if len(categories) > 2**15 - 1:
            raise document.error(f"{len(categories)} categories, expected at most {2**15 - 1}", *at, "categories")
        weights = _prior_weights(document, at, spec, categories)
        return Variable(name, "category", spec.description, categories, prior_weights=weights)
    low, high = _range(document, at, spec.type, spec.range)
    values = [str(v) for v in range(int(low), int(high) + 1)] if spec.type == "integer" and spec.prior_weights else []
    weights = _prior_weights(document, at, spec, tuple(values))
    return Variable(name, spec.type, spec.description, (), low, high, spec.unit, weights)


def _range(document: Document, at: tuple[str, ...], kind: str, given: Any) -> tuple[float, float]:
    if given is None:
        raise document.error(f"missing key 'range', expected [low, high] for type {kind}", *at)
    low, high = given
    if not abs(low) <= MAX_INTEGER or not abs(high) <= MAX_INTEGER or low > high or (kind == "number" and low == high):
        raise document.error(f"expected two numbers [low, high] with low < high, got [{low}, {high}]", *at, "range")
    if kind == "integer" and (low != int(low) or high != int(high)):
        raise document.error(f"expected whole numbers, got [{low}, {high}]", *at, "range")
    return float(low), float(high)


def _prior_weights(
    document: Document, at: tuple[str, ...], spec: VariableSpec, values: tuple[str, ...]
) -> tuple[float, ...] | None:
    if spec.prior_weights is None:
        return None
    if spec.type == "number":
        raise document.error("a number has no prior weights, expected a category or integer", *at, "prior_weights")
    for key, weight in spec.prior_weights.items():
        if key not in values:
            raise document.error(
                f"{key!r} is no value of the variable{nearest(key, values)}", *at, "prior_weights", key
            )
        if not 0 <= weight <= 1e9:
            raise document.error(f"weight {weight!r} is not a non-negative number", *at, "prior_weights", key)
    weights = tuple(float(spec.prior_weights.get(value, 0)) for value in values)
    if sum(weights) <= 0:
        raise document.error("expected at least one positive weight", *at, "prior_weights")
    return weights


def _with_derived(document: Document, entity: Entity, root: Entity, member: Entity | None) -> Entity:
    """The entity with its derived variables; each may use variables and earlier derived ones."""
    for name, spec in document.spec.entities[entity.name].derived.items():
        at = "entities", entity.name, "derived", name
        if entity.find(name) is not None:
            raise document.error(f"{entity.name} has a variable of this name already", *at)
        scope = scope_of(entity if entity.name == root.name else root, member, entity.name)
        if entity.parent is not None:
            scope = scope_of(root, entity, entity.name)
        derived = _derived(document, at, name, spec, scope)
        added = (*entity.derived, derived)
        entity = Entity(entity.name, entity.variables, added, entity.parent, entity.count, entity.description)
    return entity


def _derived(document: Document, at: tuple[str, ...], name: str, spec: DerivedSpec, scope: Scope) -> Derived:
    if spec.type == "category":
        categories, node = _cases(document, at, spec, scope)
        return Derived(name, "category", node, spec.description, categories)
    if spec.value is None:
        raise document.error(f"missing key 'value', expected an expression for type {spec.type}", *at)
    node = located_parse(document, spec.value, scope, "number", *at, "value")
    if spec.range is None:
        if spec.type == "integer":
            raise document.error("missing key 'range', expected [low, high] for type integer", *at)
        return Derived(name, spec.type, node, spec.description)
    low, high = _range(document, at, spec.type, spec.range)
    return Derived(name, spec.type, node, spec.description, (), low, high)


def _cases(document: Document, at: tuple[str, ...], spec: DerivedSpec, scope: Scope) -> tuple[tuple[str, ...], Node]:
    cases = spec.cases or []
    if len(cases) < 2 or cases[-1].otherwise is None or any(c.otherwise is not None for c in cases[:-1]):
        raise document.error("expected two or more cases, the last being {otherwise: …}", *at, "cases")
    for i, case in enumerate(cases[:-1]):
        if case.when is None or case.value is None:
            raise document.error("expected {when: …, value: …}", *at, "cases", i)
    values = [str(case.value) for case in cases[:-1]] + [str(cases[-1].otherwise)]
    categories = tuple(dict.fromkeys(values))
    node: Node = Constant(float(categories.index(values[-1])))
    for i in range(len(cases) - 2, -1, -1):
        when = located_parse(document, str(cases[i].when), scope, "truth", *at, "cases", i, "when")
        node = Choice(when, Constant(float(categories.index(values[i]))), node)
    return categories, node
