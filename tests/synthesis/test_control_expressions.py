"""Control expressions: the same answer as pandas gives, nothing executed, the unknown refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import UserError
from schemas.expression import Constant
from synthesis.control_expressions import columns_of, holds, parse_control

constants = st.integers(-2, 8)
lists = st.lists(constants, min_size=1, max_size=3)
operators = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
columns = st.sampled_from(["persons.A", "persons['B']"])
simple = st.one_of(
    st.builds("({} {} {})".format, columns, operators, constants),
    st.builds("({} {} {})".format, constants, operators, columns),
    st.builds("({} {} {})".format, columns, operators, columns),
    st.builds("{}.isin({})".format, columns, lists),
    st.builds("{}.between({}, {})".format, columns, constants, constants),
    st.builds("({} + 2 * {} > {})".format, columns, columns, constants),
    st.builds("({} < np.inf)".format, columns),
    st.builds("({} >= -999999999)".format, columns),
    st.builds("{}.isnull()".format, columns),
    st.builds("{}.ne({})".format, columns, constants),
)
expressions = st.recursive(
    simple,
    lambda inner: st.one_of(
        st.builds("({} & {})".format, inner, inner),
        st.builds("({} | {})".format, inner, inner),
        st.builds("~({})".format, inner),
    ),
    max_leaves=5,
)
RECORDS = pd.DataFrame(
    [(a, b) for a in range(-3, 10, 2) for b in (-3, -1, 0, 1, 2, 4, 7, 9)], columns=["A", "B"], dtype=float
)


@settings(deadline=None)  # reading an expression takes a moment, a busy machine more than that
@given(expressions)
def test_answers_are_those_of_pandas(text):
    expected = eval(text, {"persons": RECORDS, "np": np})
    test = parse_control(text, "persons")
    found = [holds(test, {"A": a, "B": b}) for a, b in RECORDS.itertuples(index=False)]
    assert found == np.broadcast_to(expected, len(RECORDS)).tolist()


@pytest.mark.parametrize("text", ["persons.A < 3", "persons.A >= 3", "persons.A == 3", "persons.A.isin([1, 3])"])
def test_missing_values_pass_no_test_but_a_negated_one(text):
    record = {"A": None}
    assert not holds(parse_control(text, "persons"), record)
    assert holds(parse_control(f"~({text})", "persons"), record)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "persons.A.apply(print)",
        "persons.A.isin(open('x'))",
        "(lambda: True)()",
        "[x for x in persons.A]",
        "persons.A if True else persons.B",
        "persons.A ** 999999999 > 1",
        "persons.A @ persons.B > 1",
        "persons.A.map({1: 2}) == 2",
        "households.A == 1",
        "persons.A == 1 & persons.B == 2",
        "persons.A is 1",
        "persons.A ==",
        "",
        "persons.A < 'x'",
        "persons.A == 1e999999999 ** 2",
        "(" * 300 + "persons.A == 1" + ")" * 300,
        "~" * 5000 + "persons.A",
        "persons.A == " + "1" * 5000,
    ],
)
def test_what_is_not_known_is_refused(text):
    with pytest.raises(UserError):
        parse_control(text, "persons")


def test_forgotten_brackets_are_explained():
    with pytest.raises(UserError, match="put each comparison in brackets"):
        parse_control("persons.A == 1 & persons.B == 2", "persons")


def test_infinite_bounds_leave_nothing_to_test():
    assert parse_control("(households.HINC > -999999999) & (households.HINC < np.inf)", "households") == Constant(True)


def test_bare_names_and_columns_compared_are_columns():
    assert set(columns_of(parse_control("NP_ADULTS > VEH", "households"))) == {"NP_ADULTS", "VEH"}
