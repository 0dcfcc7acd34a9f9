"""One value of a reply: read in its short or long form, and checked against the variable it is for."""

import json
from collections.abc import Mapping, Set
from typing import Any, TypeGuard

from schemas.model import Entity, TextVariable, Variable
from schemas.proposal import Category, Exact, Mix, Range, Text, Value, WeightedCategory

MAX_TEXTS = 20
FORMULA = "=+-@"
"""With which no text begins: spreadsheets that open a CSV would take it for a formula."""


class FaultError(Exception):
    """Why a piece of a reply is left out: the fault's name and a sentence for whoever wrote it."""

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(fault, message)
        self.fault = fault
        self.message = message


def read_values(entity: Entity, written: Mapping[str, Any], optional: Set[str]) -> dict[str, Value]:
    """A value for every variable of the entity, but for those in `optional`."""
    known = {variable.name: variable for variable in entity.asked}
    for name in written:
        if name not in known:
            raise FaultError("unknown_variable", f"{entity.name} has no variable {show(name)}")
    missing = [name for name in known if name not in written and name not in optional]
    if missing:
        raise FaultError("missing_variable", f"no value for {', '.join(missing[:5])}")
    return {name: read_value(known[name], value) for name, value in written.items()}


def read_value(variable: Variable | TextVariable, written: Any) -> Value:
    """The value, in its long form."""
    if isinstance(written, Mapping) and len(written) == 1:
        # {"category": "A"}, {"value": 3}, {"mix": [...]}, {"texts": [...]} are their content's short forms.
        key, value = next(iter(written.items()))
        written = value if key in ("category", "value", "mix", "text", "texts") else written
    if isinstance(variable, TextVariable):
        return _read_texts(variable, written)
    if variable.kind == "category":
        return _read_category(variable, written)
    return _read_number(variable, written)


def _read_texts(variable: TextVariable, written: Any) -> Value:
    """One line each: no control or direction characters, no markup's line breaks, nothing a spreadsheet computes."""
    given = written if isinstance(written, list) else [written]
    if not 0 < len(given) <= MAX_TEXTS or not all(isinstance(one, str) for one in given):
        raise _wrong(variable, written, f"a text, or a list of at most {MAX_TEXTS}")
    texts = [" ".join(clean_text(one).split()).lstrip(FORMULA + " ") for one in given]
    for text in texts:
        if not 0 < len(text) <= variable.max_length:
            message = f"{variable.name} has {len(text)} characters, expected 1 to {variable.max_length}"
            raise FaultError("outside_bounds", message)
    return Text(texts=tuple(dict.fromkeys(texts)))


def _read_category(variable: Variable, written: Any) -> Value:
    if isinstance(written, str):
        _check_category(variable, written)
        return Category(category=written)
    if not isinstance(written, list) or not written:
        raise _wrong(variable, written, "a category")
    parts: dict[str, float] = {}
    for part in written:
        if not isinstance(part, Mapping) or not isinstance(part.get("category"), str):
            raise _wrong(variable, part, '{"category": ..., "weight": ...}')
        name, weight = part["category"], part.get("weight")
        _check_category(variable, name)
        if not _is_number(weight) or not 0 < weight < 1e15:
            raise FaultError("not_positive", f"weight of {variable.name} {show(name)} is {show(weight)}")
        parts[name] = parts.get(name, 0.0) + weight
    if len(parts) == 1:
        return Category(category=next(iter(parts)))
    return Mix(mix=tuple(WeightedCategory(category=name, weight=weight) for name, weight in parts.items()))


def _check_category(variable: Variable, name: str) -> None:
    if name not in variable.categories:
        known = ", ".join(variable.categories[:12]) + (", ..." if len(variable.categories) > 12 else "")
        raise FaultError("unknown_category", f"{variable.name} is {show(name)}, expected one of {known}")


def _read_number(variable: Variable, written: Any) -> Value:
    if _is_number(written):
        _check_bounds(variable, written, written)
        return Exact(value=_whole(variable, written))
    if isinstance(written, Mapping) and set(written) == {"low", "high"}:
        written = [written["low"], written["high"]]
    if not isinstance(written, list) or len(written) != 2 or not all(_is_number(end) for end in written):
        raise _wrong(variable, written, "a number or a range [low, high]")
    low, high = written
    _check_bounds(variable, low, high)
    if low == high:
        return Exact(value=_whole(variable, low))
    return Range(low=_whole(variable, low), high=_whole(variable, high))


def _check_bounds(variable: Variable, low: float, high: float) -> None:
    """Both ends inside the variable's bounds; a number's range may end at its excluded upper bound."""
    fits = variable.low <= low <= high <= variable.high
    if variable.kind == "number" and low == variable.high:
        fits = False
    if not fits:
        given = f"{low:.15g}" if low == high else f"{low:.15g} to {high:.15g}"
        bounds = f"{variable.low:.15g} to {variable.high:.15g}"
        raise FaultError("outside_bounds", f"{variable.name} is {given}, expected within {bounds}")


def _whole(variable: Variable, value: float) -> float:
    if variable.kind == "integer" and value != int(value):
        raise FaultError("wrong_type", f"{variable.name} is {value:.15g}, expected a whole number")
    return float(value)


def _is_number(value: Any) -> TypeGuard[float]:
    # An integer too large for a float is no bound of anything.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _wrong(variable: Variable | TextVariable, written: Any, expected: str) -> FaultError:
    return FaultError("wrong_type", f"{variable.name} is {show(written)}, expected {expected}")


def show(value: Any) -> str:
    """The value as short JSON."""
    text = clean_text(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 60 else text[:57] + "..."


def clean_text(text: str) -> str:
    """The text without lone surrogates, which JSON allows and no file takes, and without control characters."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() else " " for character in clean)
