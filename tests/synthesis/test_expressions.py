"""Text becomes checked nodes or one clear error; nothing outside the language is accepted, however odd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import UserError
from schemas.expression import Aggregate, Arithmetic, CategoryTest, Column, Compare, Constant, Logic, Negation
from synthesis.evaluation import evaluate
from synthesis.expressions import MAX_LENGTH, ExpressionError, Scope, nearest, parse
from synthesis.records import Records

TENURES = ("owned", "rented", "other")
SIZE, RENT = Column("household", "size"), Column("household", "rent")
TENURE, LANDLORD = Column("household", "tenure"), Column("household", "landlord")
AGE, SEX = Column("person", "age"), Column("person", "sex")
OWN = {"size": (SIZE, None), "rent": (RENT, None), "tenure": (TENURE, TENURES), "landlord": (LANDLORD, TENURES)}
BELOW = {"age": (AGE, None), "sex": (SEX, ("male", "female"))}
HOUSEHOLD = Scope("household", OWN, "person", {**OWN, **BELOW})
PERSON = Scope("person", {**OWN, **BELOW})


def truth(text: str, scope: Scope = HOUSEHOLD) -> object:
    return parse(text, scope, "truth")


MESSAGES = {
    "sizes > 3": "unknown variable 'sizes' of household (did you mean 'size'?)",
    "pets > 3": "unknown variable 'pets' of household (expected one of: size, rent, tenure, landlord)",
    "any(person.pets > 3)": "unknown variable 'pets' of person "
    "(expected one of: size, rent, tenure, landlord, age, sex)",
    "any(persons.age > 3)": "unknown entity 'persons' (did you mean 'person'?)",
    "age > 3": "unknown variable 'age' of household "
    "(it is one of person: write person.age inside count, any, all, sum, min, max)",
    "tenure == rented": "unknown variable 'rented' of household (a category is quoted: \"rented\")",
    "cont(person.age > 3) > 1": "unknown function 'cont' (did you mean 'count'?)",
    "person.age > 3": "person.age has one value per person: expected it inside one of count, any, all, sum, min, max",
    "size": "expression 'size' yields a number, expected a truth",
    "tenure": "expression 'tenure' yields a category, expected a truth",
    "size and rent > 1": "'size' is a number, expected a truth",
    "not tenure": "'tenure' is a category, expected a truth",
    "tenure + 1 > 2": "'tenure' is a category, expected a number",
    "any(person.age)": "'person.age' is a number, expected a truth",
    "sum(person.age > 3) > 1": "'person.age > 3' is a truth, expected a number",
    "any(any(person.age > 3))": "any(…) needs members to go over; household has none here",
    "size == (rent > 1)": "'size' is a number, 'rent > 1' a truth: not comparable",
    'tenure == "rent"': "'rent' is no category of tenure (did you mean 'rented'?)",
    'tenure in ("owned", "Rented")': "'Rented' is no category of tenure (did you mean 'rented'?)",
    'tenure < "owned"': "categories are compared with == or != or in, not <",
    'size == "two"': "'size' is a number, not comparable with text 'two'",
    'size + "two" > 3': "text 'two' must be compared with a category variable",
    '"owned" == "owned"': "\"'owned'\" is not a variable",
    "any(person.sex == tenure)": "'person.sex' and 'tenure' have different categories",
    "size in 3": 'expected a list after "in", such as ("a", "b")',
    "size in ()": 'expected a list after "in", such as ("a", "b")',
    "size is 3": "comparison Is is unknown",
    "size > 1e16": "number 1e+16 is out of range, expected at most 1e15",
    "size > 1e999": "number inf is out of range, expected at most 1e15",
    "size ** 2 > 4": "'size ** 2' is not part of the expression language",
    "size >": "cannot read expression 'size >': invalid syntax",
    "(size > 1": "cannot read expression '(size > 1': '(' was never closed",
}


@pytest.mark.parametrize(("text", "message"), MESSAGES.items(), ids=MESSAGES)
def test_a_mistake_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        truth(text)

    assert str(raised.value) == message
    assert isinstance(raised.value, UserError)


FOREIGN = [
    "__import__('os').system('true')",
    "open('x')",
    "exec('1')",
    "eval('1')",
    "print(size)",
    "size.bit_length()",
    "size.__class__",
    "person.age.real > 1",
    "(lambda: size)()",
    "lambda: size > 1",
    "[size for size in (1, 2)]",
    "any(x > 1 for x in (1, 2))",
    "all([size > 1])",
    "{size}",
    "{size: 1}",
    "{}",
    "()",
    "(size > 1, rent > 1)",
    "f'{size}'",
    "f'{\"\x01\"}'",
    'tenure == f"owned"',
    'tenure == b"owned"',
    "size[0] > 1",
    "'owned'[0]",
    "size // 2 > 1",
    "size % 2 == 1",
    "size ** 2 > 1",
    "size @ 2",
    "size << 2 > 1",
    "size & 1",
    "~size > 1",
    "+size > 1",
    "-True > 0",
    "(x := 3) > 1",
    "size = 3",
    "size > 1; rent > 1",
    "import os",
    "await size",
    "(yield size)",
    "*size",
    "None",
    "...",
    "size is None",
    "size > 1j",
    "size not in (1, None)",
    "size in (*sizes, 1)",
    "count(*person)",
    "count()",
    "count(person.age > 1, 2)",
    "count(cond=person.age > 1)",
    "count",
    "person",
    "size\x00 > 1",
    "",
    " ",
    "# size > 1",
    "\\",
]


@pytest.mark.parametrize("text", FOREIGN)
@pytest.mark.parametrize("scope", [HOUSEHOLD, PERSON], ids=["household", "person"])
def test_nothing_outside_the_language_is_accepted(text: str, scope: Scope) -> None:
    with pytest.raises(ExpressionError):
        parse(text, scope, "any")


HUGE = {
    "parentheses": "(" * 10_000 + "size > 1" + ")" * 10_000,
    "fewer parentheses": "(" * 900 + "size > 1" + ")" * 900,
    "open parentheses": "(" * 1999,
    "not": "not " * 490 + "size > 1",
    "minus": "-" * 1980 + "1 > size",
    "tilde": "~" * 1980 + "size > 1",
    "sum": "+".join(["size"] * 390) + " > 1",
    "attributes": "size" + ".a" * 900,
    "calls": "any" + "(1)" * 600,
    "choices": "1 if size > 1 else " * 100 + "2",
    "aggregates": "any(" * 190 + "size > 1" + ")" * 190,
    "strings": "f'" * 900,
    "digits": "size > " + "9" * 1980,
    "hexadecimal digits": "size > 0x" + "f" * 1980,
    "text": "x" * (MAX_LENGTH + 1),
}


@pytest.mark.parametrize("text", HUGE.values(), ids=HUGE)
def test_huge_or_deep_text_is_one_error(text: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        parse(text, HOUSEHOLD, "any")

    assert len(str(raised.value)) < 3 * MAX_LENGTH


def test_the_deepest_accepted_text_can_be_evaluated() -> None:
    records = Records(2, {"size": np.array([1, 2])})
    terms = max(n for n in range(2, 390) if is_accepted(" + ".join(["size"] * n)))
    assert evaluate(parse(" + ".join(["size"] * terms), HOUSEHOLD, "number"), records, False).tolist() == [
        terms,
        2 * terms,
    ]
    assert terms > 50


def is_accepted(text: str, scope: Scope = HOUSEHOLD) -> bool:
    try:
        parse(text, scope, "any")
    except ExpressionError:
        return False
    return True


def test_a_text_beyond_the_limit_is_told_its_length() -> None:
    with pytest.raises(ExpressionError, match=r"^expression is 20008 characters long, expected at most 2000$"):
        truth(HUGE["parentheses"])


TOKENS = st.sampled_from(
    [
        *("size", "rent", "tenure", "person.age", "person.sex", "count", "any", "all", "sum", "min", "max"),
        *("and", "or", "not", "in", "is", "if", "else", "lambda", "for", "await", "yield", "True", "None"),
        *("(", ")", "[", "]", "{", "}", ",", ".", ":", ";", "=", "==", "!=", "<", "<=", ">", ">=", ":="),
        *("+", "-", "*", "/", "**", "//", "%", "@", "0", "1", "2.5", "1e400", "0x1", "1j"),
        *("'owned'", '"male"', "f'{", "b''", "\\", "\n", "'''", "#", "_", "é", "\x01"),
    ]
)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.one_of(st.lists(TOKENS, max_size=14).map(" ".join), st.lists(TOKENS, max_size=8).map("".join), st.text()))
def test_any_text_is_a_node_or_an_expression_error(text: str) -> None:
    for scope in (HOUSEHOLD, PERSON):
        is_accepted(text, scope)


@pytest.mark.parametrize(
    ("text", "grouped"),
    [
        ("not size > 1 and rent < 2 or size == 3", "((not (size > 1)) and (rent < 2)) or (size == 3)"),
        ("size > 1 or rent < 2 and size == 3", "(size > 1) or ((rent < 2) and (size == 3))"),
        ("size + rent * 2 - 1 > 0", "((size + (rent * 2)) - 1) > 0"),
        ("size / rent / 2 > size - 1 - 2", "((size / rent) / 2) > ((size - 1) - 2)"),
        ("1 if size > 1 else 2 if rent > 1 else 3", "1 if (size > 1) else (2 if (rent > 1) else 3)"),
        ("count(person.age >= 18) >= 1 and size > 0", "(count((person.age >= 18)) >= 1) and (size > 0)"),
        ("not size in (1, 2)", "size not in (1, 2)"),
    ],
)
def test_operators_bind_as_in_python(text: str, grouped: str) -> None:
    assert parse(text, HOUSEHOLD, "any") == parse(grouped, HOUSEHOLD, "any")


def test_a_chained_comparison_is_the_conjunction_of_its_pairs() -> None:
    assert truth("1 < size <= rent != 5") == truth("1 < size and size <= rent and rent != 5")
    assert truth('"owned" != tenure == landlord') == truth('tenure != "owned" and tenure == landlord')


def test_a_list_of_categories_is_one_test_and_a_list_of_numbers_an_alternative() -> None:
    assert truth('tenure in ("rented", "owned")') == CategoryTest(TENURE, (1, 0))
    assert truth('tenure not in ["rented"]') == Negation(CategoryTest(TENURE, (1,)))
    one, two = Compare("==", SIZE, Constant(1.0)), Compare("==", SIZE, Constant(2.0))
    assert truth("size in (1, 2)") == Logic("or", (one, two))
    assert truth("size in (1,)") == one


def test_names_are_columns_of_the_entity_they_are_read_from() -> None:
    inside = Compare(">", AGE, Arithmetic("*", RENT, Constant(-2.0)))
    assert truth("any(person.age > rent * -2)") == Aggregate("any", inside)
    assert truth("any(person.age > household.rent * -2)") == Aggregate("any", inside)
    assert parse("age > rent * -2", PERSON, "truth") == inside
    assert parse("  sex\t", PERSON, "any") == SEX


def test_the_wanted_kind_is_checked() -> None:
    assert parse("size > 1", HOUSEHOLD, "any") == parse("size > 1", HOUSEHOLD, "truth")
    with pytest.raises(ExpressionError, match=r"^expression 'size > 1' yields a truth, expected a number$"):
        parse("size > 1", HOUSEHOLD, "number")


def test_a_hint_names_the_nearest_or_lists_a_dozen() -> None:
    assert nearest("tenur", (*TENURES, "tenure")) == " (did you mean 'tenure'?)"
    assert nearest("zzz", TENURES) == " (expected one of: owned, rented, other)"
    assert nearest("zzz", [str(i) for i in range(13)]).endswith("10, 11, …)")
