"""The safe expression language: text to checked nodes. Nothing is executed; unknown syntax is refused."""

import ast
import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schemas.errors import UserError
from schemas.expression import (
    Aggregate,
    Arithmetic,
    CategoryTest,
    Choice,
    Column,
    Compare,
    Constant,
    Logic,
    Negation,
    Node,
)

MAX_LENGTH = 2000
MAX_DEPTH = 64
"""Deepest nesting: far below what the recursive readers of an expression can take."""
_AGGREGATES = ("count", "any", "all", "sum", "min", "max")
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


class ExpressionError(UserError):
    """An expression that cannot be read, or makes no sense for its entity."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean: per visible variable its column and, for a category, its categories."""

    entity: str
    names: Mapping[str, tuple[Column, tuple[str, ...] | None]]
    member: str | None = None
    member_names: Mapping[str, tuple[Column, tuple[str, ...] | None]] | None = None
    in_aggregate: bool = False

    def lookup(self, name: str, of_member: bool) -> tuple[Column, tuple[str, ...] | None]:
        """The column called `name`, or an error that names the nearest ones."""
        names = (self.member_names or {}) if of_member else self.names
        if name not in names:
            where = self.member if of_member else self.entity
            raise ExpressionError(f"unknown variable {name!r} of {where}{self._hint(name, names)}")
        return names[name]

    def _hint(self, name: str, names: Iterable[str]) -> str:
        """What else the name may have meant: a member's variable, a category without quotes, a slip."""
        if name in (self.member_names or {}) and not self.in_aggregate:
            return f" (it is one of {self.member}: write {self.member}.{name} inside {', '.join(_AGGREGATES)})"
        visible = {**(self.member_names or {}), **self.names}
        if any(name in (categories or ()) for _, categories in visible.values()):
            return f' (a category is quoted: "{name}")'
        return nearest(name, names)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint such as ` (did you mean 'age'?)`, or the list of what is known."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f" (did you mean {close[0]!r}?)"
    return f" (expected one of: {', '.join(known[:12])}{', …' if len(known) > 12 else ''})"


def parse(text: str, scope: Scope, kind: str) -> Node:
    """The checked node of `text`; `kind` is what it must yield: "truth", "number" or "any"."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"expression is {len(text)} characters long, expected at most {MAX_LENGTH}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        raise ExpressionError(f"cannot read expression {text!r}: {getattr(exc, 'msg', exc)}") from exc
    _check_depth(tree)
    try:
        node, found = _convert(tree, scope)
    except ValueError as exc:  # ast.unparse of an f-string that holds a control character
        raise ExpressionError(f"{text!r} is not part of the expression language") from exc
    if kind != "any" and found != kind:
        raise ExpressionError(f"expression {text!r} yields a {found}, expected a {kind}")
    return node


def _check_depth(tree: ast.AST) -> None:
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    if level:
        raise ExpressionError(f"expression nests deeper than {MAX_DEPTH} levels")


def _convert(tree: ast.expr, scope: Scope) -> tuple[Node, str]:
    match tree:
        case ast.Constant(value=bool() as value):
            return Constant(value), "truth"
        case ast.Constant(value=int() | float() as value):
            return Constant(_bounded(value)), "number"
        case ast.Constant(value=str() as value):
            raise ExpressionError(f"text {value!r} must be compared with a category variable")
        case ast.Name() | ast.Attribute():
            column, categories = _column(tree, scope)
            return column, "number" if categories is None else "category"
        case ast.BoolOp(op=op, values=values):
            terms = tuple(_expect(v, scope, "truth") for v in values)
            return Logic("and" if isinstance(op, ast.And) else "or", terms), "truth"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return Negation(_expect(operand, scope, "truth")), "truth"
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=bool())):
            pass  # an int to Python, not here
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return Constant(-_bounded(value)), "number"
        case ast.BinOp(op=op, left=left, right=right) if type(op) in _ARITHMETIC:
            sides = _expect(left, scope, "number"), _expect(right, scope, "number")
            return Arithmetic(_ARITHMETIC[type(op)], *sides), "number"  # type: ignore[arg-type]
        case ast.Compare():
            return _comparison(tree, scope), "truth"
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yes, no = _expect(body, scope, "number"), _expect(orelse, scope, "number")
            return Choice(_expect(test, scope, "truth"), yes, no), "number"
        case ast.Call(func=ast.Name(id=function), args=[argument], keywords=[]) if function in _AGGREGATES:
            return _aggregate(function, argument, scope)
        case ast.Call(func=ast.Name(id=function)) if function not in _AGGREGATES:
            raise ExpressionError(f"unknown function {function!r}{nearest(function, _AGGREGATES)}")
    raise ExpressionError(f"{ast.unparse(tree)!r} is not part of the expression language")


def _bounded(value: float) -> float:
    if not abs(value) <= 1e15:  # also refuses NaN; int(1e400) would overflow a float
        raise ExpressionError(f"number {str(value)[:20]} is out of range, expected at most 1e15")
    return float(value)


def _expect(tree: ast.expr, scope: Scope, kind: str) -> Node:
    node, found = _convert(tree, scope)
    if found != kind:
        raise ExpressionError(f"{ast.unparse(tree)!r} is a {found}, expected a {kind}")
    return node


def _column(tree: ast.expr, scope: Scope) -> tuple[Column, tuple[str, ...] | None]:
    match tree:
        case ast.Name(id=name):
            return scope.lookup(name, of_member=False)
        case ast.Attribute(value=ast.Name(id=entity), attr=name):
            if entity == scope.entity:
                return scope.lookup(name, of_member=False)
            if f"{entity}.{name}" in scope.names:  # another member, by its role in a prior
                return scope.lookup(f"{entity}.{name}", of_member=False)
            if entity != scope.member:
                raise ExpressionError(f"unknown entity {entity!r}{nearest(entity, _entities(scope))}")
            if not scope.in_aggregate:
                raise ExpressionError(
                    f"{entity}.{name} has one value per {entity}: expected it inside one of {', '.join(_AGGREGATES)}"
                )
            return scope.lookup(name, of_member=True)
    raise ExpressionError(f"{ast.unparse(tree)!r} is not a variable")


def _entities(scope: Scope) -> list[str]:
    return [scope.entity] + ([scope.member] if scope.member else [])


def _comparison(tree: ast.Compare, scope: Scope) -> Node:
    sides = [tree.left, *tree.comparators]
    terms = [_pair(sides[i], op, sides[i + 1], scope) for i, op in enumerate(tree.ops)]
    return terms[0] if len(terms) == 1 else Logic("and", tuple(terms))


def _pair(left: ast.expr, op: ast.cmpop, right: ast.expr, scope: Scope) -> Node:
    if isinstance(op, (ast.In, ast.NotIn)):
        return _membership(left, right, isinstance(op, ast.NotIn), scope)
    symbol = _COMPARE.get(type(op))
    if symbol is None:
        raise ExpressionError(f"comparison {ast.unparse(op) if hasattr(op, 'id') else type(op).__name__} is unknown")
    if isinstance(left, ast.Constant) and isinstance(left.value, str):
        left, right = right, left
    if isinstance(right, ast.Constant) and isinstance(right.value, str):
        if symbol not in ("==", "!="):
            raise ExpressionError(f"categories are compared with == or != or in, not {symbol}")
        return _category_test(left, [right.value], symbol == "!=", scope)
    (first, kind), (second, other) = _convert(left, scope), _convert(right, scope)
    if kind != other:
        raise ExpressionError(f"{ast.unparse(left)!r} is a {kind}, {ast.unparse(right)!r} a {other}: not comparable")
    if kind == "category" and _column(left, scope)[1] != _column(right, scope)[1]:
        raise ExpressionError(f"{ast.unparse(left)!r} and {ast.unparse(right)!r} have different categories")
    return Compare(symbol, first, second)  # type: ignore[arg-type]


def _membership(left: ast.expr, right: ast.expr, negated: bool, scope: Scope) -> Node:
    if not isinstance(right, (ast.Tuple, ast.List)) or not right.elts:
        raise ExpressionError('expected a list after "in", such as ("a", "b")')
    values = [element.value if isinstance(element, ast.Constant) else None for element in right.elts]
    if all(isinstance(value, str) for value in values):
        return _category_test(left, [str(value) for value in values], negated, scope)
    column = _expect(left, scope, "number")
    tests = tuple(Compare("==", column, _expect(element, scope, "number")) for element in right.elts)
    found: Node = tests[0] if len(tests) == 1 else Logic("or", tests)
    return Negation(found) if negated else found


def _category_test(left: ast.expr, values: list[str], negated: bool, scope: Scope) -> Node:
    column, categories = _column(left, scope)
    if categories is None:
        raise ExpressionError(f"{ast.unparse(left)!r} is a number, not comparable with text {values[0]!r}")
    for value in values:
        if value not in categories:
            raise ExpressionError(f"{value!r} is no category of {column.variable}{nearest(value, categories)}")
    test = CategoryTest(column, tuple(categories.index(value) for value in values))
    return Negation(test) if negated else test


def _aggregate(function: str, argument: ast.expr, scope: Scope) -> tuple[Node, str]:
    if scope.member is None or scope.in_aggregate:
        raise ExpressionError(f"{function}(…) needs members to go over; {scope.entity} has none here")
    inner = Scope(scope.entity, scope.names, scope.member, scope.member_names, in_aggregate=True)
    kind = "truth" if function in ("count", "any", "all") else "number"
    node = Aggregate(function, _expect(argument, inner, kind))  # type: ignore[arg-type]
    return node, "truth" if function in ("any", "all") else "number"
