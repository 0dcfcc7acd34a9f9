"""Columns that seed tables of the American Community Survey's micro-data commonly hold: what they mean.

General knowledge of the field's naming, used where control files leave a bound or a meaning open; every use of it is
stated in the imported scenario.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Known:
    """A column's meaning; a bound that is None is not known."""

    description: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""
    is_weight: bool = False
    is_member_count: bool = False
    value: str | None = None
    """An expression over members that yields the column; `{AGEP}` stands for the variable made of that column."""
    codes: Mapping[str, str] = field(default_factory=dict)
    """For a category: the condition over members of each code."""


_CHILD, _SMALL, _LARGE = "{AGEP} < 18", "{AGEP} < 6", "{AGEP} >= 6 and {AGEP} < 18"
_KNOWN = {
    "WGTP": Known("household weight", is_weight=True),
    "PWGTP": Known("person weight", is_weight=True),
    "NP": Known("persons in the household", 1, 7, is_member_count=True),
    "NP_ADULTS": Known("members of 18 or more", 0, value="count({AGEP} >= 18)"),
    "NP_CHILDREN": Known("members under 18", 0, value="count({AGEP} < 18)"),
    "HUPAC": Known(
        "presence of children under 18 and their ages",
        codes={
            "1": f"any({_SMALL}) and not any({_LARGE})",
            "2": f"any({_LARGE}) and not any({_SMALL})",
            "3": f"any({_SMALL}) and any({_LARGE})",
            "4": f"not any({_CHILD})",
        },
    ),
    "AGEP": Known("age in completed years", 0, 99, "years"),
    "AGEHOH": Known("age of the householder", 15, 99, "years"),
    "HINCP": Known("household income", 0, unit="USD per year"),
    "HHINCADJ": Known("household income, adjusted", 0, unit="USD per year"),
    "VEH": Known("vehicles available to the household", 0, 6),
    "NWESR": Known("workers in the household", 0, 6),
    "HTYPE": Known("type of housing"),
    "TEN": Known("tenure"),
    "SEX": Known("sex"),
    "RAC1P": Known("race"),
    "HISP": Known("Hispanic origin"),
    "SCHG": Known("grade attending"),
    "SCHL": Known("educational attainment"),
    "ESR": Known("employment status"),
    "WKHP": Known("hours worked per week", 0, 99, "hours per week"),
    "JWTRNS": Known("means of transportation to work"),
    "JWTR": Known("means of transportation to work"),
    "OCCP": Known("occupation"),
    "INDP": Known("industry"),
    "OSUTAG": Known("university student by type of housing"),
}
_AGE = re.compile(r"AGE($|[^A-Z])|AGE(P|HOH)")
_MEMBER_COUNT = re.compile(r"NP|HH_?SIZE|PERSONS|NUM_?PERSONS|HHPERS")


def known(column: str) -> Known:
    """What is known of a column; nothing, for most."""
    name = column.upper()
    if name in _KNOWN:
        return _KNOWN[name]
    if _MEMBER_COUNT.fullmatch(name):
        return _KNOWN["NP"]
    return Known("", 0, 99, "years") if _AGE.search(name) else Known()
