"""Nodes of a checked expression: plain data; `synthesis.expressions` parses, `synthesis.evaluation` evaluates."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Constant:
    """A number or a truth value."""

    value: float | bool


@dataclass(frozen=True, slots=True)
class Column:
    """A variable of an entity; a root column inside a member expression is broadcast to the members."""

    entity: str
    variable: str


@dataclass(frozen=True, slots=True)
class CategoryTest:
    """Whether a category column is one of `codes`."""

    column: Column
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of two numbers, or of two category columns with the same categories."""

    operator: Literal["<", "<=", ">", ">=", "==", "!="]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` / `or` over two or more truth values."""

    operator: Literal["and", "or"]
    terms: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`not` of a truth value."""

    term: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A sum, difference, product or quotient."""

    operator: Literal["+", "-", "*", "/"]
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """`yes` where the condition holds, else `no`."""

    condition: "Node"
    yes: "Node"
    no: "Node"


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One value per root record over its members; `min` and `max` of no members are 0."""

    function: Literal["count", "any", "all", "sum", "min", "max"]
    argument: "Node"


Node = Constant | Column | CategoryTest | Compare | Logic | Negation | Arithmetic | Choice | Aggregate
