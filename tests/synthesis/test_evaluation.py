"""Expressions over columns yield what plain Python yields record by record."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.expression import Aggregate, Choice, Column, Compare, Constant
from schemas.model import Derived, Entity, Rule, Scenario, Variable
from synthesis.evaluation import columns, cuts, evaluate, free_columns, holds, obeys, with_derived
from synthesis.expressions import Scope, parse
from synthesis.records import Records

TENURES, SEXES = ("owned", "rented", "other"), ("male", "female")
AGE, SIZE, RENT = Column("person", "age"), Column("household", "size"), Column("household", "rent")
OWN = {
    "size": (SIZE, None),
    "rent": (RENT, None),
    "tenure": (Column("household", "tenure"), TENURES),
    "landlord": (Column("household", "landlord"), TENURES),
}
BELOW = {"age": (AGE, None), "sex": (Column("person", "sex"), SEXES)}
HOUSEHOLD, PERSON = Scope("household", OWN, "person", BELOW), Scope("person", {**OWN, **BELOW})
FUNCTIONS = {
    "ratio": lambda a, b: a / b if b else 0.0,
    "lowest": lambda values: min(values, default=0),
    "highest": lambda values: max(values, default=0),
    "sum": sum,
    "any": any,
    "all": all,
}
Texts = tuple[str, str]
"""An expression, and the same in Python (which differs in aggregates and division by zero)."""


@st.composite
def numbers(draw: st.DrawFn, depth: int, names: tuple[str, ...], has_members: bool) -> Texts:
    """Operators are not parenthesised, so that precedence is Python's or the test fails."""
    forms = ["constant", "column"] + (["arithmetic", "ratio", "choice"] + ["aggregate"] * has_members) * (depth > 0)
    form = draw(st.sampled_from(forms))
    inner = numbers(depth - 1, names, has_members)
    if form == "constant":
        return (draw(st.sampled_from(["0", "1", "2", "0.5", "-3", "18"])),) * 2
    if form == "column":
        return (draw(st.sampled_from(names)),) * 2
    if form == "aggregate":
        return draw(number_aggregates(depth))
    (a, b), (c, d) = draw(inner), draw(inner)
    if form == "ratio":
        return f"(({a}) / ({c}))", f"ratio({b}, {d})"
    if form == "choice":
        when, python = draw(truths(depth - 1, names, has_members))
        return f"({a} if {when} else {c})", f"({b} if {python} else {d})"
    operator = draw(st.sampled_from("+-*"))
    return f"{a} {operator} {c}", f"{b} {operator} {d}"


@st.composite
def truths(draw: st.DrawFn, depth: int, names: tuple[str, ...], has_members: bool) -> Texts:
    forms = ["comparison", "chain", "numbers", "category", "categories"]
    forms += (["and", "or", "not"] + ["any", "all"] * has_members) * (depth > 0)
    form = draw(st.sampled_from(forms))
    operators = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    parts = [draw(numbers(max(depth - 1, 0), names, has_members)) for _ in range(3)]
    if form in ("comparison", "chain"):
        signs = draw(st.lists(operators, min_size=1 + (form == "chain"), max_size=1 + (form == "chain")))
        return _joined(signs, parts)
    if form == "numbers":
        listed = draw(st.sampled_from(["in (1, 2)", "not in [0.5, 18]", "in (1,)"]))
        return f"{parts[0][0]} {listed}", f"{parts[0][1]} {listed}"
    if form == "category":
        tests = [
            '== "owned"',
            '!= "other"',
            'in ("rented", "owned")',
            'not in ("other",)',
            "== landlord",
            "!= landlord",
        ]
        return (f"tenure {draw(st.sampled_from(tests))}",) * 2
    if form == "categories":
        return ('"owned" == tenure != landlord',) * 2
    if form in ("any", "all"):
        text, python = draw(truths(depth - 1, ("person.age", "size"), False))
        return f"{form}({text})", f"{form}({python} for person in people)"
    terms = [draw(truths(depth - 1, names, has_members)) for _ in range(2)]
    if form == "not":
        return f"not {terms[0][0]}", f"not {terms[0][1]}"
    return _joined([form], terms)


@st.composite
def number_aggregates(draw: st.DrawFn, depth: int) -> Texts:
    function = draw(st.sampled_from(["count", "sum", "min", "max"]))
    if function == "count":
        text, python = draw(truths(depth - 1, ("person.age", "rent"), False))
        return f"count({text})", f"sum(1 for person in people if {python})"
    text, python = draw(numbers(depth - 1, ("person.age", "rent"), False))
    name = {"sum": "sum", "min": "lowest", "max": "highest"}[function]
    return f"{function}({text})", f"{name}([{python} for person in people])"


def _joined(operators: list[str], parts: list[Texts]) -> Texts:
    text, python = parts[0]
    for operator, (more, also) in zip(operators, parts[1:], strict=False):
        text, python = f"{text} {operator} {more}", f"{python} {operator} {also}"
    return text, python


def random_records(rng: np.random.Generator) -> Records:
    """Seven households, some without persons."""
    size = np.array([0, 2, 1, 0, 3, 2, 0])
    root = {"size": size, "rent": rng.choice([0.0, 0.5, 1, 18, 99.25], 7)}
    root |= {name: rng.integers(0, 3, 7).astype(np.int8) for name in ("tenure", "landlord")}
    members = {"age": rng.integers(0, 40, 8), "sex": rng.integers(0, 2, 8).astype(np.int8)}
    return Records(7, root, members, np.repeat(np.arange(7), size))


def in_python(python: str, records: Records, of_members: bool) -> list[object]:
    """The expression's value for each record, one by one."""
    people = [
        SimpleNamespace(age=int(records.members["age"][m]), sex=SEXES[records.members["sex"][m]], row=int(row))
        for m, row in enumerate(records.parent)
    ]
    values = []
    for row in records.parent if of_members else range(records.count):
        names = {"size": int(records.root["size"][row]), "rent": float(records.root["rent"][row])}
        names |= {name: TENURES[records.root[name][row]] for name in ("tenure", "landlord")}
        names["people"] = [person for person in people if person.row == row]
        if of_members:
            names |= vars(people[len(values)])
        values.append(eval(python, {**FUNCTIONS, **names}))
    return values


@settings(max_examples=250, derandomize=True, deadline=None)
@given(st.data(), st.sampled_from(["number", "truth"]), st.booleans(), st.integers(0, 2**32 - 1))
def test_an_expression_yields_what_python_yields_record_by_record(
    data: st.DataObject, kind: str, of_members: bool, random_seed: int
) -> None:
    names = ("age", "rent", "size") if of_members else ("rent", "size")
    text, python = data.draw({"number": numbers, "truth": truths}[kind](2, names, not of_members))
    records = random_records(np.random.default_rng(random_seed))
    node = parse(text, PERSON if of_members else HOUSEHOLD, kind)
    expected = in_python(python, records, of_members)

    value = evaluate(node, records, of_members)
    assert np.broadcast_to(value, (len(expected),)).tolist() == expected
    if kind == "truth":
        assert holds(node, records, of_members).tolist() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count(person.age >= 18)", [0, 1, 1]),
        ("any(person.age >= 18)", [False, True, True]),
        ("all(person.age >= 18)", [True, False, True]),
        ("sum(person.age)", [0, 45, 18]),
        ("min(person.age)", [0, 5, 18]),
        ("max(person.age)", [0, 40, 18]),
        ("sum(person.age) / size", [0, 22.5, 18]),
        ("count(person.age > rent)", [0, 1, 0]),
        ("any(1 > 0)", [False, True, True]),
        ("sum(1)", [0, 2, 1]),
    ],
)
def test_aggregates_go_over_the_members_of_each_root_record(text: str, expected: list[float]) -> None:
    root = {"size": np.array([0, 2, 1]), "rent": np.array([1.0, 18.0, 18.0])}
    records = Records(3, root, {"age": np.array([40, 5, 18])}, np.array([1, 1, 2]))

    assert evaluate(parse(text, HOUSEHOLD, "any"), records, False).tolist() == expected


def test_without_any_member_aggregates_are_those_of_nobody() -> None:
    records = Records(2, {"size": np.zeros(2, int)}, {"age": np.zeros(0, int)}, np.zeros(0, dtype=np.int64))
    texts = ["count(person.age > 1)", "sum(person.age)", "min(person.age)", "max(person.age)", "all(person.age > 1)"]

    values = [evaluate(parse(text, HOUSEHOLD, "any"), records, False).tolist() for text in texts]
    assert values == [[0, 0], [0, 0], [0, 0], [0, 0], [True, True]]


def test_a_rule_binds_only_where_its_condition_holds() -> None:
    records = Records(3, {"size": np.array([1, 2, 3]), "rent": np.array([5.0, 5.0, 50.0])})
    then = Compare(">", RENT, Constant(10.0))

    assert obeys(Rule("dear", "household", then), records, False).tolist() == [False, False, True]
    dear_if_large = Rule("dear", "household", then, Compare(">", SIZE, Constant(1.0)))
    assert obeys(dear_if_large, records, False).tolist() == [True, False, True]


def test_derived_variables_build_on_each_other_members_first() -> None:
    is_adult = Derived("is_adult", "category", Choice(Compare(">=", AGE, Constant(18.0)), Constant(1), Constant(0)))
    adults = Derived("adults", "integer", Aggregate("count", Compare("==", Column("person", "is_adult"), Constant(1))))
    has_two = Derived("has_two", "number", Choice(Compare(">", Column("household", "adults"), Constant(1)), SIZE, RENT))
    household = Entity("household", (Variable("size", "integer"), Variable("rent", "number")), (adults, has_two))
    person = Entity("person", (Variable("age", "integer"),), (is_adult,), "household", "size")
    root = {"size": np.array([2, 1]), "rent": np.array([0.5, 1.5])}
    bare = Records(2, root, {"age": np.array([18, 40, 3])}, np.array([0, 0, 1]))
    records = with_derived(Scenario("two", household, (), person), bare)

    assert records.members["is_adult"].tolist() == [1, 1, 0]
    assert records.root["adults"].tolist() == [2, 0]
    assert records.root["has_two"].tolist() == [2.0, 1.5]
    assert [records.members["is_adult"].dtype, records.root["adults"].dtype] == [np.int16, np.int64]
    assert bare.root is root


def test_cuts_are_the_comparisons_with_constants_seen_from_the_column() -> None:
    node = parse("1 < size <= 3 and (count(person.age >= 18) > 1 or rent * 2 > 5)", HOUSEHOLD, "truth")

    assert cuts(node) == [(SIZE, ">", 1.0), (SIZE, "<=", 3.0), (AGE, ">=", 18.0)]
    assert free_columns(node) == {RENT}
    assert columns(node) == {SIZE, RENT, AGE}


def test_a_category_test_frees_no_column_and_two_compared_columns_are_free() -> None:
    assert free_columns(parse('tenure == "owned" and size > 1', HOUSEHOLD, "truth")) == set()
    assert free_columns(parse("size > rent", HOUSEHOLD, "truth")) == {SIZE, RENT}
    assert {c.variable for c in columns(parse('tenure == "owned"', HOUSEHOLD, "truth"))} == {"tenure"}
