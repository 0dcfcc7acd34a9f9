"""Expressions over columns: values, the cuts they make in a numeric variable, and what they use freely."""

import operator
from collections.abc import Callable, Iterator
from functools import lru_cache, reduce
from typing import Any

import numpy as np

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
from schemas.model import BoolArray, IntArray, Rule, Scenario
from synthesis.records import Array, Records

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def evaluate(node: Node, records: Records, of_members: bool) -> Any:
    """The node's value for every member or root record (a scalar where it depends on none)."""
    match node:
        case Constant(value):
            return value
        case Column(_, variable):
            return records.column(variable, of_members)
        case CategoryTest(column, codes):
            return _is_one_of(records.column(column.variable, of_members), codes)
        case Compare(symbol, left, right) | Arithmetic(symbol, left, right):
            return _binary(symbol, evaluate(left, records, of_members), evaluate(right, records, of_members))
        case Logic(symbol, terms):
            join = np.logical_and if symbol == "and" else np.logical_or
            return reduce(join, (evaluate(term, records, of_members) for term in terms))
        case Negation(term):
            return np.logical_not(evaluate(term, records, of_members))
        case Choice(condition, yes, no):
            branches = (evaluate(n, records, of_members) for n in (condition, yes, no))
            return np.where(*branches)
        case Aggregate(function, argument):
            return _aggregate(function, evaluate(argument, records, True), records)


def holds(node: Node, records: Records, of_members: bool) -> BoolArray:
    """The node's truth for every member or root record, as a boolean array."""
    length = records.member_count if of_members else records.count
    found = np.asarray(evaluate(node, records, of_members), dtype=bool)
    return found if found.shape == (length,) else np.broadcast_to(found, (length,))


def obeys(rule: Rule, records: Records, of_members: bool) -> BoolArray:
    """Whether each member or root record obeys the rule."""
    then = holds(rule.then, records, of_members)
    return then if rule.when is None else ~holds(rule.when, records, of_members) | then


def with_derived(scenario: Scenario, records: Records) -> Records:
    """The records with every derived variable added (members first, so that root ones may use them)."""
    for entity in reversed(scenario.entities):
        of_members = entity is scenario.member
        for derived in entity.derived:
            value = np.asarray(evaluate(derived.expression, records, of_members))
            length = records.member_count if of_members else records.count
            dtype = {"category": np.int16, "integer": np.int64, "number": np.float64}[derived.kind]
            column = np.broadcast_to(value, (length,)).astype(dtype)
            root = records.root if of_members else {**records.root, derived.name: column}
            members = {**records.members, derived.name: column} if of_members else records.members
            records = Records(records.count, root, members, records.parent)
    return records


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


@lru_cache(maxsize=4096)
def columns(node: Node) -> frozenset[Column]:
    """The columns that the node reads; asked for again and again while candidates are drawn."""
    return frozenset(found for found in walk(node) if isinstance(found, Column))


def cuts(node: Node) -> list[tuple[Column, str, float]]:
    """Comparisons of a column with a constant: (column, operator as read from the column's side, constant).

    Within an atom that no such cut crosses, the comparison has one answer for all values.
    """
    found: list[tuple[Column, str, float]] = []
    for part in walk(node):
        match part:
            case Compare(symbol, Column() as column, Constant(value)):
                found.append((column, symbol, float(value)))
            case Compare(symbol, Constant(value), Column() as column):
                mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(symbol, symbol)
                found.append((column, mirrored, float(value)))
    return found


def free_columns(node: Node) -> set[Column]:
    """Columns used other than in a comparison with a constant or a category: their exact value matters."""
    match node:
        case Column():
            return {node}
        case CategoryTest():
            return set()
        case Compare(_, Column(), Constant()) | Compare(_, Constant(), Column()):
            return set()
    return set().union(*(free_columns(child) for child in children(node)))


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case CategoryTest(column, _):
            return (column,)
        case Compare(_, left, right) | Arithmetic(_, left, right):
            return (left, right)
        case Logic(_, terms):
            return terms
        case Negation(term) | Aggregate(_, term):
            return (term,)
        case Choice(condition, yes, no):
            return (condition, yes, no)
    return ()


def _is_one_of(column: Array, codes: tuple[int, ...]) -> Array:
    found = column == codes[0]
    for code in codes[1:]:
        found = found | (column == code)
    return found


def _binary(symbol: str, left: Any, right: Any) -> Any:
    if symbol == "/":
        # x / 0 is 0: a ratio over nobody is nobody's, and NaN is never an answer.
        left, right = np.broadcast_arrays(np.asarray(left, float), np.asarray(right, float))
        return np.divide(left, right, out=np.zeros(left.shape), where=right != 0)
    return _OPERATORS[symbol](left, right)


def _aggregate(function: str, values: Any, records: Records) -> Array:
    values = np.broadcast_to(np.asarray(values), (records.member_count,))
    if function in ("min", "max"):
        return _extreme(np.minimum if function == "min" else np.maximum, values, records.members_per_root())
    weights = None if function == "sum" else values.astype(bool)
    if function == "sum":
        sums = np.bincount(records.parent, weights=values, minlength=records.count)
        return sums.astype(np.int64) if values.dtype.kind in "iub" else sums
    counts = np.bincount(records.parent[weights], minlength=records.count)
    if function == "count":
        return counts
    return counts > 0 if function == "any" else counts == records.members_per_root()


def _extreme(ufunc: np.ufunc, values: Array, lengths: IntArray) -> Array:
    result = np.zeros(len(lengths), dtype=values.dtype)
    filled = lengths > 0
    if filled.any():
        starts = np.cumsum(lengths) - lengths
        result[filled] = ufunc.reduceat(values, starts[filled])
    return result
