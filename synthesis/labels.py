"""Cell labels of numeric variables: `3`, `0-4`, `[0, 25000)`, `65+`, `65 or more`, `<25000`, `under 25000`.

Of integers, `years` may stand behind a number, as tables of ages have it: `18 to 24 years`, `65 years and over`.
"""

import math
import re

from schemas.errors import UserError

_NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_HALF_OPEN = re.compile(rf"^\[\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)$")
_CLOSED = re.compile(rf"^\[\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\]$")
_YEARS = r"(?:\s+years?(?:\s+old)?)?"
_MORE = r"(?:or|and) (?:more|over|older|above)"
_SPAN = re.compile(rf"^(\d+)\s*(?:-|–|to)\s*(\d+){_YEARS}$", re.IGNORECASE)
_OPEN_ABOVE = re.compile(rf"^{_NUMBER}(?:\s*\+{_YEARS}|{_YEARS}\s*{_MORE})$", re.IGNORECASE)
_OPEN_BELOW = re.compile(rf"^(?:<|under|less than|below)\s*{_NUMBER}{_YEARS}$", re.IGNORECASE)
_SINGLE = re.compile(rf"^{_NUMBER}{_YEARS}$", re.IGNORECASE)


def parse_bin(label: str, kind: str, low: float, high: float) -> tuple[float, float]:
    """The half-open interval [lower, upper) that a label means for a variable of range low..high.

    Open-ended classes close at the range; an integer's upper end is the last value + 1.
    """
    text = label.strip()
    end = high + 1 if kind == "integer" else high
    lower, upper = _interval(text, kind, low, end)
    if not lower < upper:
        raise UserError(f"bin {label!r} is empty")
    if lower < low or upper > end:
        raise UserError(f"bin {label!r} leaves the variable's range {low:.15g}–{high:.15g}")
    if kind == "integer" and (lower != int(lower) or upper != int(upper)):
        raise UserError(f"bin {label!r} of an integer has a fractional end")
    return lower, upper


def integer_span(label: str) -> tuple[float, float] | None:
    """The first and last whole number that a label means, infinite where it is open; None if it is none of theirs."""
    try:
        lower, upper = _interval(label.strip(), "integer", -math.inf, math.inf)
    except UserError:
        return None
    is_whole = all(math.isinf(one) or one == math.floor(one) for one in (lower, upper))
    return (lower, upper - 1) if lower < upper and is_whole else None


def is_open_above(label: str) -> bool:
    """Whether a class has no upper end of its own."""
    return _OPEN_ABOVE.match(label.strip()) is not None


def _interval(text: str, kind: str, low: float, end: float) -> tuple[float, float]:
    if found := _HALF_OPEN.match(text):
        return float(found[1]), float(found[2])
    if found := _OPEN_ABOVE.match(text):
        return float(found[1]), end
    if found := _OPEN_BELOW.match(text):
        return low, float(found[1])
    if kind == "integer":
        if found := _CLOSED.match(text) or _SPAN.match(text):
            return float(found[1]), float(found[2]) + 1
        if found := _SINGLE.match(text):
            return float(found[1]), float(found[1]) + 1
    expected = "'3', '0-4', '[0, 5)' or '65+'" if kind == "integer" else "'[0, 5)', '65+' or '<5'"
    raise UserError(f"cannot read bin {text!r}, expected {expected}")
