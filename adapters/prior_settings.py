"""How a prior says that a variable is drawn: a value, a range, a mix or a distribution, checked."""

from collections.abc import Mapping
from math import isfinite, log
from typing import Any

from adapters.prior_document import PriorDocument
from schemas.errors import UserError
from schemas.model import Variable
from schemas.prior import Distribution, Mix, Normal
from synthesis.expressions import nearest
from synthesis.labels import parse_bin

SHAPES = ("normal", "lognormal")
MAX_PARTS = 1000
At = tuple[str | int, ...]


def read_distribution(document: PriorDocument, variable: Variable, given: Any, at: At) -> Distribution:
    """The distribution that `given` means for a variable."""
    if isinstance(given, Mapping):
        if variable.kind != "category" and any(shape in given for shape in SHAPES):
            return _normal(document, variable, given, at)
        return _mix(document, variable, given, at)
    if isinstance(given, bool):
        raise document.error("got true or false (YAML reads bare yes, no, on, off so: quote it)", *at)
    if variable.kind == "category":
        return _one(*_category(document, variable, given, at))
    if isinstance(given, (list, tuple)):
        return _one(*_range(document, variable, given, at))
    value = _number(document, variable, given, at)
    return _one(value, value + 1 if variable.kind == "integer" else value)


def difference_of(variable: Variable) -> Variable:
    """What the difference of two values of a variable can be."""
    span = variable.high - variable.low
    return Variable(variable.name, variable.kind, low=-span, high=span)


def _one(low: float, high: float) -> Mix:
    return Mix((low,), (high,), (1.0,))


def _category(document: PriorDocument, variable: Variable, given: Any, at: At) -> tuple[float, float]:
    if not isinstance(given, str):
        raise document.error("expected a category, or a mapping of categories to weights", *at)
    if given not in variable.categories:
        message = f"{given!r} is no category of {variable.name}{nearest(given, variable.categories)}"
        raise document.error(message, *at)
    code = float(variable.categories.index(given))
    return code, code + 1


def _range(document: PriorDocument, variable: Variable, given: Any, at: At) -> tuple[float, float]:
    low, high = _pair(document, variable, given, at)
    if low > high or (low == high and variable.kind == "number"):
        raise document.error(f"expected [low, high] with low below high, got [{low:.15g}, {high:.15g}]", *at)
    return low, high + 1 if variable.kind == "integer" else high


def _pair(document: PriorDocument, variable: Variable, given: Any, at: At) -> tuple[float, float]:
    if not isinstance(given, (list, tuple)) or len(given) != 2:
        raise document.error("expected [low, high]", *at)
    low, high = (_number(document, variable, value, (*at, i)) for i, value in enumerate(given))
    return low, high


def _number(document: PriorDocument, variable: Variable, given: Any, at: At) -> float:
    value = _finite(document, given, at)
    if not variable.low <= value <= variable.high:
        message = f"{value:.15g} leaves the range {variable.low:.15g} to {variable.high:.15g} of {variable.name}"
        raise document.error(message, *at)
    if variable.kind == "integer" and value != int(value):
        raise document.error(f"{variable.name} is an integer, got {value:.15g}", *at)
    return value


def _finite(document: PriorDocument, given: Any, at: At) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not isfinite(given):
        raise document.error("expected a number, [low, high], a mix or a distribution", *at)
    return float(given)


def _mix(document: PriorDocument, variable: Variable, given: Mapping[str, Any], at: At) -> Mix:
    if not 1 <= len(given) <= MAX_PARTS:
        raise document.error(f"{len(given)} parts, expected 1 to {MAX_PARTS}", *at)
    lows, highs, weights = [], [], []
    for label, weight in given.items():
        low, high = _part(document, variable, label, (*at, label))
        value = _finite(document, weight, (*at, label))
        if not 0 <= value <= 1e9:
            raise document.error(f"weight {value:.15g}, expected 0 to 1e9", *at, label)
        lows.append(low)
        highs.append(high)
        weights.append(value)
    if sum(weights) <= 0:
        raise document.error("expected at least one positive weight", *at)
    return Mix(tuple(lows), tuple(highs), tuple(weight / sum(weights) for weight in weights))


def _part(document: PriorDocument, variable: Variable, label: str, at: At) -> tuple[float, float]:
    if variable.kind == "category":
        return _category(document, variable, label, at)
    try:
        return parse_bin(label, variable.kind, variable.low, variable.high)
    except UserError as exc:
        raise document.error(str(exc), *at) from exc


def _normal(document: PriorDocument, variable: Variable, given: Mapping[str, Any], at: At) -> Normal:
    shape = next(shape for shape in SHAPES if shape in given)
    for key in given:
        if key not in (shape, "within"):
            raise document.error(f"unknown key {key!r}, expected {shape} and within", *at, key)
    values = given[shape]
    if not isinstance(values, (list, tuple)) or len(values) != 2:
        expected = "[mean, deviation]" if shape == "normal" else "[median, deviation of the logarithm]"
        raise document.error(f"expected {expected}", *at, shape)
    mean, deviation = (_finite(document, value, (*at, shape)) for value in values)
    if deviation <= 0:
        raise document.error(f"expected a positive deviation, got {deviation:.15g}", *at, shape)
    low, high = variable.low, variable.high
    if "within" in given:
        low, high = _pair(document, variable, given["within"], (*at, "within"))
        if low >= high:
            raise document.error(
                f"expected [low, high] with low below high, got [{low:.15g}, {high:.15g}]", *at, "within"
            )
    if shape == "normal":
        return Normal(mean, deviation, low, high)
    if mean <= 0 or high <= 0:
        raise document.error("a lognormal needs a positive median and room above 0", *at, shape)
    return Normal(log(mean), deviation, max(low, 0.0), high, is_log=True)
