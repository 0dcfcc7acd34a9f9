"""Entities, variables and derived variables of a scenario, checked."""

import keyword
from dataclasses import replace
from typing import Any

from adapters.scenario_document import Document, located_parse
from schemas.expression import Choice, Column, Constant, Node
from schemas.model import Derived, Entity, TextVariable, Variable, Zones
from schemas.scenario import CaseSpec, DerivedSpec, EntitySpec, VariableSpec
from synthesis.expressions import Scope, nearest

MAX_INTEGER = 2**53
MAX_MEMBERS = 10_000
MAX_WEIGHTS = 100_000
MAX_CASES = 100
MAX_TEXT = 200
"""Characters of a text, where its variable does not say."""
MAX_EXAMPLES = 1000
TABLE_COLUMNS = ("count", "share", "moe")


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
    root_name = _root_name(document)
    _check_names(document, zones)
    zone_variable = _zone_variable(document, zones)
    root_variables = zone_variable + _variables(document, root_name)
    texts = _texts(document, root_name)
    root = Entity(root_name, root_variables, description=specs[root_name].description, texts=texts)
    member = None
    for name, spec in specs.items():
        if name != root_name:
            _check_link(document, name, spec, root)
            _refuse_shadowing(document, name, spec, root)
            texts = _texts(document, name)
            bare = Entity(name, _variables(document, name), (), spec.parent, spec.count, spec.description, texts)
            member = _with_derived(document, bare, root, bare)
    return _with_derived(document, root, root, member), member


def reserved(document: Document, name: str) -> str | None:
    """Why no variable or zone level may be called `name`, if so."""
    if name in ("batch_id", "plan_row_id", *(f"{entity}_id" for entity in document.spec.entities)):
        return "this name is reserved for record ids"
    if name in TABLE_COLUMNS:
        return f"this name is reserved for target tables, whose columns are called {', '.join(TABLE_COLUMNS)}"
    if keyword.iskeyword(name):
        return "this name is reserved for expressions"
    return None


def _root_name(document: Document) -> str:
    specs = document.spec.entities
    roots = [name for name, spec in specs.items() if spec.parent is None]
    if len(roots) != 1:
        found = f"{len(roots)} of them: {', '.join(roots)}" if roots else "none"
        message = f"expected one root entity, which has no parent, got {found}"
        raise document.error(message, "entities", *roots[1:2])
    if len(specs) > 2:
        members = [name for name in specs if name != roots[0]]
        message = f"expected at most one member entity, got {len(members)}: {', '.join(members)}"
        raise document.error(message, "entities", members[1])
    if specs[roots[0]].count is not None:
        message = "the root entity is not counted, expected this key under a member entity"
        raise document.error(message, "entities", roots[0], "count")
    return roots[0]


def _check_names(document: Document, zones: Zones | None) -> None:
    levels = zones.levels if zones else ()
    for entity, spec in document.spec.entities.items():
        if keyword.iskeyword(entity):
            raise document.error("this name is reserved for expressions", "entities", entity)
        for group, names in (("variables", spec.variables), ("derived", spec.derived)):
            for name in names:
                reason = "this name is a zone level already" if name in levels else reserved(document, name)
                if reason:
                    raise document.error(reason, "entities", entity, group, name)


def _zone_variable(document: Document, zones: Zones | None) -> tuple[Variable, ...]:
    if zones is None:
        return ()
    description = document.spec.zones.description if document.spec.zones else ""
    return (Variable(zones.variable, "category", description, zones.names[zones.variable]),)


def _check_link(document: Document, name: str, spec: EntitySpec, root: Entity) -> None:
    if spec.parent != root.name:
        raise document.error(f"unknown parent {spec.parent!r}, expected {root.name!r}", "entities", name, "parent")
    if spec.count is None:
        message = f"missing key 'count', expected the integer variable of {root.name} that counts its {name}s"
        raise document.error(message, "entities", name)
    if all(variable.type == "text" for variable in spec.variables.values()):
        raise document.error("expected at least one variable, got none", "entities", name, "variables")
    problem = _problem_of_count(spec.count, root)
    if problem:
        raise document.error(problem, "entities", name, "count")


def _problem_of_count(name: str, root: Entity) -> str | None:
    count = root.find(name)
    if count is None:
        return f"unknown variable {name!r} of {root.name}{nearest(name, [v.name for v in root.variables])}"
    if count.kind != "integer":
        return f"{name!r} is of type {count.kind}, expected an integer variable"
    if not 0 <= count.low <= count.high <= MAX_MEMBERS:
        return f"{name!r} has the range [{count.low:.0f}, {count.high:.0f}], expected one within [0, {MAX_MEMBERS}]"
    return None


def _refuse_shadowing(document: Document, name: str, spec: EntitySpec, root: Entity) -> None:
    own = document.spec.entities[root.name]
    for variable in (*spec.variables, *spec.derived):
        if variable in own.variables or variable in own.derived or root.find(variable):
            group = "variables" if variable in spec.variables else "derived"
            message = f"{root.name} has a variable of this name, expected different names"
            raise document.error(message, "entities", name, group, variable)


def _variables(document: Document, entity: str) -> tuple[Variable, ...]:
    specs = document.spec.entities[entity].variables
    return tuple(_variable(document, entity, name, spec) for name, spec in specs.items() if spec.type != "text")


def _texts(document: Document, entity: str) -> tuple[TextVariable, ...]:
    specs = document.spec.entities[entity].variables
    return tuple(_text(document, entity, name, spec) for name, spec in specs.items() if spec.type == "text")


def _text(document: Document, entity: str, name: str, spec: VariableSpec) -> TextVariable:
    at = "entities", entity, "variables", name
    for key in ("categories", "range", "prior_weights"):
        if getattr(spec, key) is not None:
            raise document.error(f"a text has no {key}, expected max_length and examples", *at, key)
    most, examples = spec.max_length or MAX_TEXT, spec.examples or []
    if len(examples) > MAX_EXAMPLES:
        raise document.error(f"{len(examples)} examples, expected at most {MAX_EXAMPLES}", *at, "examples")
    for i, example in enumerate(examples):
        if not example.isprintable() or not example or example != example.strip() or len(example) > most:
            message = f"expected one line of 1 to {most} characters without blanks around it, got {example[:40]!r}"
            raise document.error(message, *at, "examples", i)
    return TextVariable(name, most, spec.description, tuple(examples))


def _variable(document: Document, entity: str, name: str, spec: VariableSpec) -> Variable:
    at = "entities", entity, "variables", name
    for key in ("max_length", "examples"):
        if getattr(spec, key) is not None:
            raise document.error(f"type {spec.type} has no {key}, expected type text", *at, key)
    assert spec.type != "text", "texts are read apart"
    if spec.type == "category":
        if spec.range is not None:
            raise document.error("a category has no range, expected type integer or number", *at, "range")
        categories = _categories(document, at, spec.categories or [])
        weights = _prior_weights(document, at, spec, categories)
        return Variable(name, "category", spec.description, categories, prior_weights=weights)
    if spec.categories is not None:
        raise document.error(f"type {spec.type} has no categories, expected type category", *at, "categories")
    low, high = _range(document, at, spec.type, spec.range)
    weights = _prior_weights(document, at, spec, _weighted_integers(document, at, spec, low, high))
    return Variable(name, spec.type, spec.description, (), low, high, spec.unit, weights)


def _categories(document: Document, at: tuple[str, ...], given: list[str]) -> tuple[str, ...]:
    if not given:
        raise document.error("expected a list of categories", *at, "categories")
    if len(given) > 2**15 - 1:
        raise document.error(f"{len(given)} categories, expected at most {2**15 - 1}", *at, "categories")
    seen: set[str] = set()
    for i, category in enumerate(given):
        if not category or category != category.strip():
            raise document.error(f"{category!r} is empty or has blanks around it", *at, "categories", i)
        if category in seen:
            raise document.error(f"category {category!r} appears twice", *at, "categories", i)
        seen.add(category)
    return tuple(given)


def _range(document: Document, at: tuple[str, ...], kind: str, given: Any) -> tuple[float, float]:
    if given is None:
        raise document.error(f"missing key 'range', expected [low, high] for type {kind}", *at)
    low, high = given
    shown = f"got [{low}, {high}]"
    if not (abs(low) <= MAX_INTEGER and abs(high) <= MAX_INTEGER):  # refuses NaN as well
        raise document.error(f"expected numbers between -{MAX_INTEGER} and {MAX_INTEGER}, {shown}", *at, "range")
    if low > high or (kind == "number" and low == high):
        sign = "<=" if kind == "integer" else "<"
        raise document.error(f"expected [low, high] with low {sign} high, {shown}", *at, "range")
    if kind == "integer" and (low != int(low) or high != int(high)):
        raise document.error(f"expected whole numbers, {shown}", *at, "range")
    return float(low), float(high)


def _weighted_integers(
    document: Document, at: tuple[str, ...], spec: VariableSpec, low: float, high: float
) -> tuple[str, ...]:
    if spec.type != "integer" or spec.prior_weights is None:
        return ()
    if high - low >= MAX_WEIGHTS:
        message = f"prior weights need a range of at most {MAX_WEIGHTS} values, got {high - low + 1:.0f}"
        raise document.error(message, *at, "prior_weights")
    return tuple(str(value) for value in range(int(low), int(high) + 1))


def _prior_weights(
    document: Document, at: tuple[str, ...], spec: VariableSpec, values: tuple[str, ...]
) -> tuple[float, ...] | None:
    if spec.prior_weights is None:
        return None
    if spec.type == "number":
        raise document.error("a number has no prior weights, expected a category or integer", *at, "prior_weights")
    known = set(values)
    for key, weight in spec.prior_weights.items():
        if key not in known:
            message = f"{key!r} is no value of the variable{nearest(key, values)}"
            raise document.error(message, *at, "prior_weights", key)
        if not 0 <= weight <= 1e9:
            raise document.error(f"weight {weight!r}, expected a number from 0 to 1e9", *at, "prior_weights", key)
    weights = tuple(float(spec.prior_weights.get(value, 0)) for value in values)
    if sum(weights) <= 0:
        raise document.error("expected at least one positive weight", *at, "prior_weights")
    return weights


def _with_derived(document: Document, entity: Entity, root: Entity, member: Entity | None) -> Entity:
    """The entity with its derived variables; each may use variables and earlier derived ones."""
    for name, spec in document.spec.entities[entity.name].derived.items():
        at = "entities", entity.name, "derived", name
        if entity.find(name) is not None or any(text.name == name for text in entity.texts):
            raise document.error(f"{entity.name} has a variable of this name already", *at)
        scope = scope_of(entity if entity.name == root.name else root, member, entity.name)
        if entity.parent is not None:
            scope = scope_of(root, entity, entity.name)
        derived = _derived(document, at, name, spec, scope)
        entity = replace(entity, derived=(*entity.derived, derived))
    return entity


def _derived(document: Document, at: tuple[str, ...], name: str, spec: DerivedSpec, scope: Scope) -> Derived:
    _refuse_idle_keys(document, at, spec)
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


def _refuse_idle_keys(document: Document, at: tuple[str, ...], spec: DerivedSpec) -> None:
    """Refuse keys that the type has no use for, rather than ignore them."""
    idle = {"value": spec.value, "range": spec.range} if spec.type == "category" else {"cases": spec.cases}
    for key, given in idle.items():
        if given is not None:
            expected = "cases" if spec.type == "category" else "value and range"
            raise document.error(f"type {spec.type} has no {key}, expected {expected}", *at, key)


def _cases(document: Document, at: tuple[str, ...], spec: DerivedSpec, scope: Scope) -> tuple[tuple[str, ...], Node]:
    cases = spec.cases or []
    _check_cases(document, at, cases)
    values = [str(case.value) for case in cases[:-1]] + [str(cases[-1].otherwise)]
    categories = tuple(dict.fromkeys(values))
    node: Node = Constant(float(categories.index(values[-1])))
    for i in range(len(cases) - 2, -1, -1):
        when = located_parse(document, str(cases[i].when), scope, "truth", *at, "cases", i, "when")
        node = Choice(when, Constant(float(categories.index(values[i]))), node)
    return categories, node


def _check_cases(document: Document, at: tuple[str, ...], cases: list[CaseSpec]) -> None:
    if len(cases) < 2 or cases[-1].otherwise is None or any(c.otherwise is not None for c in cases[:-1]):
        raise document.error("expected two or more cases, the last being {otherwise: …}", *at, "cases")
    if len(cases) > MAX_CASES:
        raise document.error(f"{len(cases)} cases, expected at most {MAX_CASES}", *at, "cases")
    for i, case in enumerate(cases[:-1]):
        if case.when is None or case.value is None:
            raise document.error("expected {when: …, value: …}", *at, "cases", i)
    if cases[-1].when is not None or cases[-1].value is not None:
        raise document.error("expected nothing beside otherwise", *at, "cases", len(cases) - 1)
    for i, case in enumerate(cases):
        value = str(case.otherwise if case.value is None else case.value)
        if not value or value != value.strip():
            raise document.error(f"{value!r} is empty or has blanks around it", *at, "cases", i)
