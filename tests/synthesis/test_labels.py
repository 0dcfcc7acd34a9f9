"""Cell labels of numeric variables mean half-open intervals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import UserError
from synthesis.labels import parse_bin

INTEGER = {
    "3": (3, 4),
    " 3 ": (3, 4),
    "-3": (-3, -2),
    "0-4": (0, 5),
    "0 - 4": (0, 5),
    "0–4": (0, 5),
    "0 to 4": (0, 5),
    "4-4": (4, 5),
    "[0, 4)": (0, 4),
    "[0,4]": (0, 5),
    "[-5, 0)": (-5, 0),
    "65+": (65, 100),
    "65 or more": (65, 100),
    "65 and over": (65, 100),
    "65 years and over": (65, 100),
    "65 Years or older": (65, 100),
    "18 to 24 years": (18, 25),
    "Under 18 years": (-5, 18),
    "40 years old": (40, 41),
    "<5": (-5, 5),
    "under 5": (-5, 5),
    "less than 5": (-5, 5),
    "99": (99, 100),
    "1e1": (10, 11),
    "[-5, 100)": (-5, 100),
}
NUMBER = {
    "[0, 25000)": (0, 25000),
    "[ 0.5 , 1e3 )": (0.5, 1000),
    "0.5+": (0.5, 99999.5),
    "25000 or more": (25000, 99999.5),
    "<25000": (-1.5, 25000),
    "under -1": (-1.5, -1),
    "[-1.5, 99999.5)": (-1.5, 99999.5),
}
WRONG = [
    ("integer", "100", "bin '100' leaves the variable's range -5–99"),
    ("integer", "-6", "bin '-6' leaves the variable's range -5–99"),
    ("integer", "[0, 1e400)", "bin '[0, 1e400)' leaves the variable's range -5–99"),
    ("integer", "4-3", "bin '4-3' is empty"),
    ("integer", "[3, 3)", "bin '[3, 3)' is empty"),
    ("integer", "100+", "bin '100+' is empty"),
    ("integer", "<-5", "bin '<-5' is empty"),
    ("integer", "0.5", "bin '0.5' of an integer has a fractional end"),
    ("integer", "[0, 2.5)", "bin '[0, 2.5)' of an integer has a fractional end"),
    ("integer", "young", "cannot read bin 'young', expected '3', '0-4', '[0, 5)' or '65+'"),
    ("integer", "", "cannot read bin '', expected '3', '0-4', '[0, 5)' or '65+'"),
    ("integer", "nan", "cannot read bin 'nan', expected '3', '0-4', '[0, 5)' or '65+'"),
    ("integer", "(0, 5)", "cannot read bin '(0, 5)', expected '3', '0-4', '[0, 5)' or '65+'"),
    ("number", "3", "cannot read bin '3', expected '[0, 5)', '65+' or '<5'"),
    ("number", "0-4", "cannot read bin '0-4', expected '[0, 5)', '65+' or '<5'"),
    ("number", "[0, 4]", "cannot read bin '[0, 4]', expected '[0, 5)', '65+' or '<5'"),
    ("number", "[0, 1e6)", "bin '[0, 1e6)' leaves the variable's range -1.5–99999.5"),
]
RANGES = {"integer": (-5, 99), "number": (-1.5, 99999.5)}


@pytest.mark.parametrize(("label", "interval"), INTEGER.items())
def test_an_integers_label_includes_the_ends_it_shows(label: str, interval: tuple[float, float]) -> None:
    assert parse_bin(label, "integer", -5, 99) == interval


@pytest.mark.parametrize(("label", "interval"), NUMBER.items())
def test_a_numbers_label_is_half_open_and_closes_at_the_range(label: str, interval: tuple[float, float]) -> None:
    assert parse_bin(label, "number", -1.5, 99999.5) == interval


@pytest.mark.parametrize(("kind", "label", "message"), WRONG)
def test_a_wrong_label_is_told_with_what_was_expected(kind: str, label: str, message: str) -> None:
    with pytest.raises(UserError) as raised:
        parse_bin(label, kind, *RANGES[kind])

    assert str(raised.value) == message


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.integers(0, 50), st.integers(0, 49))
def test_equal_spans_are_equal_however_they_are_written(low: int, width: int) -> None:
    high = low + width
    spellings = [f"{low}-{high}", f"{low} to {high}", f"[{low}, {high}]", f"[{low}, {high + 1})"]

    assert {parse_bin(text, "integer", 0, 99) for text in spellings} == {(low, high + 1)}


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.text(alphabet="0123456789 -–+.,eE[]()<>tonrmder", max_size=12), st.sampled_from(["integer", "number"]))
def test_any_label_is_an_interval_inside_the_range_or_an_error(label: str, kind: str) -> None:
    low, high = RANGES[kind]
    try:
        lower, upper = parse_bin(label, kind, low, high)
    except UserError:
        return
    assert low <= lower < upper <= high + (kind == "integer")
