"""PopulationSim's control expressions, pandas syntax such as `(persons.AGEP > 4) & (persons.AGEP <= 17)`, read as
data: the syntax tree is walked, nothing is executed, and what is not known is refused.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from schemas.errors import UserError
from schemas.expression import Arithmetic, Column, Compare, Constant, Logic, Negation

MAX_LENGTH = 2000
UNBOUNDED = 99_999_999.0
"""Constants this large stand for infinity: seed files write -999999999 and the like."""

Value = float | str | None
"""A value of a column; None is a missing one."""


@dataclass(frozen=True, slots=True)
class IsIn:
    """Whether a column has one of `values`."""

    column: Column
    values: tuple[Value, ...]


Test = Constant | IsIn | Compare | Logic | Negation
Term = Constant | Column | Arithmetic

_ORDER: dict[type[ast.cmpop], str] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_METHODS = {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def parse_control(text: str, seed_table: str) -> Test:
    """The test that an expression over one seed table makes of a record."""
    if len(text) > MAX_LENGTH:
        raise UserError(f"the expression is {len(text)} characters long, expected at most {MAX_LENGTH}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
        raise UserError(f"cannot read {text!r}: {getattr(exc, 'msg', exc)}") from exc
    try:
        return _test(tree, seed_table)
    except RecursionError as exc:
        raise UserError(f"{text[:80]!r}… nests too deeply") from exc


def columns_of(node: Test | Term) -> Iterator[str]:
    """Names of the columns that a test reads, repeats included."""
    match node:
        case Column(variable=name):
            yield name
        case IsIn(column=column):
            yield column.variable
        case Compare(left=left, right=right) | Arithmetic(left=left, right=right):
            yield from columns_of(left)  # type: ignore[arg-type]
            yield from columns_of(right)  # type: ignore[arg-type]
        case Logic(terms=terms):
            for term in terms:
                yield from columns_of(term)  # type: ignore[arg-type]
        case Negation(term=term):
            yield from columns_of(term)  # type: ignore[arg-type]


def tests_of(node: Test) -> Iterator[IsIn | Compare]:
    """The elementary tests that a test is made of."""
    match node:
        case IsIn() | Compare():
            yield node
        case Logic(terms=terms):
            for term in terms:
                yield from tests_of(term)  # type: ignore[arg-type]
        case Negation(term=term):
            yield from tests_of(term)  # type: ignore[arg-type]


def holds(node: Test, record: Mapping[str, Value]) -> bool:
    """Whether the record passes; a comparison with a missing value fails, as in pandas."""
    match node:
        case Constant(value=value):
            return bool(value)
        case IsIn(column=column, values=values):
            return record[column.variable] in values
        case Negation(term=term):
            return not holds(term, record)  # type: ignore[arg-type]
        case Logic(operator=operator, terms=terms):
            found = (holds(term, record) for term in terms)  # type: ignore[arg-type]
            return all(found) if operator == "and" else any(found)
        case Compare(operator=symbol, left=left, right=right):
            sides = _number(left, record), _number(right, record)  # type: ignore[arg-type]
            return sides[0] is not None and sides[1] is not None and _COMPARE[symbol](sides[0], sides[1])


def _number(node: Term, record: Mapping[str, Value]) -> float | None:
    match node:
        case Constant(value=value):
            return float(value)
        case Column(variable=name):
            held = record[name]
            return float(held) if isinstance(held, int | float) else None
        case Arithmetic(operator=operator, left=left, right=right):
            a, b = _number(left, record), _number(right, record)  # type: ignore[arg-type]
            if a is None or b is None or (operator == "/" and b == 0):
                return None
            return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0.0}[operator]


def _test(tree: ast.expr, table: str) -> Test:
    match tree:
        case ast.Constant(value=bool() as value):
            return Constant(value)
        case ast.BinOp(op=ast.BitAnd() | ast.BitOr() as op, left=left, right=right):
            return _logic("and" if isinstance(op, ast.BitAnd) else "or", [_test(left, table), _test(right, table)])
        case ast.BoolOp(op=op, values=values):
            return _logic("and" if isinstance(op, ast.And) else "or", [_test(value, table) for value in values])
        case ast.UnaryOp(op=ast.Invert() | ast.Not(), operand=operand):
            return _negated(_test(operand, table))
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            sides = [left, *comparators]
            pairs = [_pair(op, sides[i], sides[i + 1], table) for i, op in enumerate(ops)]
            return _logic("and", pairs)
        case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr=name), args=args):
            return _numpy_call(tree, name, [_test(argument, table) for argument in args])
        case ast.Call(func=ast.Attribute(value=subject, attr=name), args=args, keywords=[]):
            return _method(tree, _column(subject, table), name, args, table)
    raise _refused(tree)


def _refused(tree: ast.AST) -> UserError:
    text = ast.unparse(tree)
    hint = " (& and | bind before ==: put each comparison in brackets)" if "&" in text or "|" in text else ""
    return UserError(f"{text!r} is not an expression known here{hint}")


def _logic(operator: str, terms: list[Test]) -> Test:
    """The terms joined; constants (comparisons with infinity) fall out."""
    neutral = operator == "and"
    kept = []
    for term in terms:
        if isinstance(term, Constant):
            if bool(term.value) is not neutral:
                return term
            continue
        kept.append(term)
    if not kept:
        return Constant(neutral)
    return kept[0] if len(kept) == 1 else Logic("and" if neutral else "or", tuple(kept))  # type: ignore[arg-type]


def _negated(test: Test) -> Test:
    return Constant(not test.value) if isinstance(test, Constant) else Negation(test)  # type: ignore[arg-type]


def _numpy_call(tree: ast.expr, name: str, terms: list[Test]) -> Test:
    if name in ("logical_and", "logical_or") and len(terms) == 2:
        return _logic(name.removeprefix("logical_"), terms)
    if name == "logical_not" and len(terms) == 1:
        return _negated(terms[0])
    raise _refused(tree)


def _method(tree: ast.expr, column: Column, name: str, args: list[ast.expr], table: str) -> Test:
    match name, args:
        case "isin", [ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items)] if items:
            return IsIn(column, tuple(_value(item) for item in items))
        case "between", [low, high]:
            return _logic("and", [_compare(">=", column, low, table), _compare("<=", column, high, table)])
        case (("isnull" | "isna"), []):
            return IsIn(column, (None,))
        case (("notnull" | "notna"), []):
            return Negation(IsIn(column, (None,)))  # type: ignore[arg-type]
        case (("eq" | "ne"), [right]):
            return _equality(name == "eq", column, right, table)
        case (("lt" | "le" | "gt" | "ge"), [right]):
            return _compare(_METHODS[name], column, right, table)
    raise _refused(tree)


def _pair(op: ast.cmpop, left: ast.expr, right: ast.expr, table: str) -> Test:
    if _is_value(left) and not _is_value(right):
        if isinstance(op, ast.Eq | ast.NotEq):
            return _equality(isinstance(op, ast.Eq), _term(right, table), left, table)
        if type(op) in _ORDER:
            return _compare(_MIRRORED[_ORDER[type(op)]], _term(right, table), left, table)
    if isinstance(op, ast.Eq | ast.NotEq):
        return _equality(isinstance(op, ast.Eq), _term(left, table), right, table)
    if type(op) in _ORDER:
        return _compare(_ORDER[type(op)], _term(left, table), right, table)
    raise UserError(f"the comparison {type(op).__name__} is not known here, expected one of < <= > >= == !=")


def _equality(is_equal: bool, left: Term, right: ast.expr, table: str) -> Test:
    if isinstance(left, Column) and _is_value(right):
        found: Test = IsIn(left, (_value(right),))
        return found if is_equal else _negated(found)
    return Compare("==" if is_equal else "!=", left, _term(right, table))


def _compare(symbol: str, left: Term, right: ast.expr, table: str) -> Test:
    other = _term(right, table)
    if isinstance(other, Constant) and abs(other.value) >= UNBOUNDED:
        return Constant(symbol in ("<", "<=") if other.value > 0 else symbol in (">", ">="))
    return Compare(symbol, left, other)  # type: ignore[arg-type]


def _term(tree: ast.expr, table: str) -> Term:
    if _is_value(tree):
        value = _value(tree)
        if isinstance(value, float):
            return Constant(value)
        raise UserError(f"{value!r} is text, expected a number in an order comparison")
    if isinstance(tree, ast.BinOp) and type(tree.op) in _ARITHMETIC:
        sides = _term(tree.left, table), _term(tree.right, table)
        return Arithmetic(_ARITHMETIC[type(tree.op)], *sides)  # type: ignore[arg-type]
    return _column(tree, table)


def _column(tree: ast.expr, table: str) -> Column:
    match tree:
        case ast.Name(id=name):
            return Column(table, name)
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            pass
        case ast.Subscript(value=ast.Name(id=owner), slice=ast.Constant(value=str() as name)):
            pass
        case ast.Call(func=ast.Attribute(value=inner, attr="astype"), args=[_]):
            return _column(inner, table)
        case _:
            raise _refused(tree)
    if owner != table:
        raise UserError(f"{owner}.{name}: the control is of {table}, expected a column of {table}")
    return Column(table, name)


def _is_value(tree: ast.expr) -> bool:
    match tree:
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _is_value(operand)
        case ast.Constant(value=str() | int() | float()):
            return True
        case ast.Attribute(value=ast.Name(id="np" | "numpy" | "math"), attr="inf" | "Inf" | "infty"):
            return True
    return False


def _value(tree: ast.expr) -> Value:
    match tree:
        case ast.Constant(value=str() as text):
            return text
        case ast.Constant(value=int() | float() as number):
            try:
                return float(number)
            except OverflowError as exc:
                raise UserError(f"number {str(number)[:20]}… is too large") from exc
        case ast.Attribute(attr="inf" | "Inf" | "infty"):
            return float("inf")
        case ast.UnaryOp(op=ast.USub(), operand=operand) if isinstance(value := _value(operand), float):
            return -value
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand)
    raise UserError(f"{ast.unparse(tree)!r} is not a plain value, expected a number or text")
