"""Packs of queries and realism rules: shipped ones that fit a scenario's variables, and a user's own file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from adapters.located_yaml import Lines, line_of, one_line, read_located_yaml
from adapters.scenario_entities import scope_of
from schemas.errors import ScenarioError, UserError
from schemas.expression import Node
from schemas.model import Rule, Scenario
from schemas.pack import PackRuleSpec, PackSpec, QuerySpec
from synthesis.expressions import ExpressionError, Scope, parse
from synthesis.metrics.queries import Query

SHIPPED = Path(__file__).parent / "packs"


@dataclass(frozen=True, slots=True)
class Pack:
    """The queries and rules that a scenario has the variables for, and why others are left out."""

    name: str
    queries: tuple[Query, ...]
    rules: tuple[Rule, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    """(query or rule, reason)."""


@dataclass(frozen=True, slots=True)
class _PackFile:
    spec: PackSpec
    lines: Lines
    shown: str


def shipped_packs(scenario: Scenario) -> list[Pack]:
    """The shipped packs of which the scenario can be asked at least one query or rule."""
    packs = [_fitting(_read(path), scenario) for path in sorted(SHIPPED.glob("*.yaml"))]
    return [pack for pack in packs if pack.queries or pack.rules]


def shipped_pack(name: str, scenario: Scenario) -> Pack:
    """The shipped pack `name`, as far as the scenario has its variables."""
    return _fitting(_read(SHIPPED / f"{name}.yaml"), scenario)


def read_pack(path: Path, scenario: Scenario) -> Pack:
    """A user's pack; whatever the scenario cannot be asked is an error with file and line."""
    file = _read(path)
    queries: list[Query] = []
    rules: list[Rule] = []
    for kind, i, item in _items(file.spec):
        try:
            _add(_parsed(item, file.spec, scenario), queries, rules)
        except ExpressionError as exc:
            raise ScenarioError(f"{item.name}: {exc}", file.shown, line_of(file.lines, (kind, i))) from exc
    return Pack(file.spec.name, tuple(queries), tuple(rules))


def _fitting(file: _PackFile, scenario: Scenario) -> Pack:
    queries: list[Query] = []
    rules: list[Rule] = []
    left_out = []
    for _, _, item in _items(file.spec):
        try:
            _add(_parsed(item, file.spec, scenario), queries, rules)
        except ExpressionError as exc:
            left_out.append((item.name, str(exc)))
    return Pack(file.spec.name, tuple(queries), tuple(rules), tuple(left_out))


def _items(spec: PackSpec) -> Iterator[tuple[str, int, QuerySpec | PackRuleSpec]]:
    for i, rule in enumerate(spec.rules):
        yield "rules", i, rule
    for i, query in enumerate(spec.queries):
        yield "queries", i, query


def _add(item: Query | Rule, queries: list[Query], rules: list[Rule]) -> None:
    if isinstance(item, Query):
        queries.append(item)
    else:
        rules.append(item)


def _parsed(item: QuerySpec | PackRuleSpec, spec: PackSpec, scenario: Scenario) -> Query | Rule:
    if isinstance(item, PackRuleSpec):
        return _rule(item, spec, scenario)
    scope = _scope(spec, scenario, scenario.root.name)
    kind = "truth" if item.statistic == "share" else "number"
    if (item.statistic == "difference of means") != (item.versus is not None):
        raise ExpressionError(f"versus goes with a difference of means, this is a {item.statistic}")
    return Query(
        name=item.name,
        group=item.group,
        text=item.text,
        statistic=item.statistic,
        value=parse(item.value, scope, kind),
        among=_truth(item.among, scope),
        versus=_truth(item.versus, scope),
        published={who: float(value) for who, value in item.published.items()},
    )


def _rule(item: PackRuleSpec, spec: PackSpec, scenario: Scenario) -> Rule:
    entity = scenario.root if item.of == "root" else scenario.member
    if entity is None:
        raise ExpressionError(f"{scenario.root.name} records have no members")
    scope = _scope(spec, scenario, entity.name)
    text = item.then if item.when is None else f"when {item.when} then {item.then}"
    return Rule(item.name, entity.name, parse(item.then, scope, "truth"), _truth(item.when, scope), text)


def _truth(text: str | None, scope: Scope) -> Node | None:
    return None if text is None else parse(text, scope, "truth")


def _scope(spec: PackSpec, scenario: Scenario, entity: str) -> Scope:
    """The entity's names, members being called as the pack calls them."""
    scope = scope_of(scenario.root, scenario.member, entity)
    if spec.member is None or scope.member is None:
        return scope
    return Scope(scope.entity, scope.names, spec.member, scope.member_names)


def _read(path: Path) -> _PackFile:
    if not path.is_file():
        raise UserError(f"{path}: no such file, expected a YAML file of queries and rules")
    value, lines = read_located_yaml(path, str(path))
    try:
        return _PackFile(PackSpec.model_validate(value), lines, str(path))
    except ValidationError as exc:
        first = min(exc.errors(), key=lambda error: line_of(lines, error["loc"]) or 0)
        where = ".".join(str(part) for part in first["loc"])
        raise ScenarioError(one_line(f"{where}: {first['msg']}"), str(path), line_of(lines, first["loc"])) from exc
