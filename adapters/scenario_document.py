"""scenario.yaml validated against its schema, with the place of every value for error messages."""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from adapters.located_yaml import Lines, Location, line_of, one_line, read_located_yaml
from schemas import scenario as specs
from schemas.errors import ScenarioError, UserError
from schemas.expression import Node
from schemas.scenario import ScenarioSpec
from synthesis.expressions import Scope, nearest, parse

FILE_NAME = "scenario.yaml"
Spec = TypeVar("Spec", bound=BaseModel)
_EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "tuple_type": "[low, high]",
    "too_long": "[low, high]",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "too_short": "at least one",
}
"""What pydantic's kinds of error say to somebody who writes YAML."""


class Document:
    """scenario.yaml with its lines: where an error is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = str(folder / FILE_NAME)
        self.value, self.lines = read_located_yaml(folder / FILE_NAME, self.shown)
        holds = "name, entities and targets"
        self.spec = validated(ScenarioSpec, self.value, self.lines, self.shown, holds, _known_keys)

    def error(self, message: str, *location: str | int) -> ScenarioError:
        """An error at a place in scenario.yaml."""
        told = one_line(f"{place(location)}: {message}" if location else message)
        return ScenarioError(told, self.shown, line_of(self.lines, location))

    def input_path(self, name: str, *location: str | int) -> Path:
        """The file `name` inside the folder; names that leave it are refused."""
        try:
            path = (self.folder / name).resolve()
            is_inside = path.is_relative_to(self.folder.resolve())
            is_file = path.is_file()
        except (OSError, ValueError, RuntimeError) as exc:  # too long, NUL inside, a loop of links
            raise self.error(f"{name!r} is not usable as a file name", *location) from exc
        if Path(name).is_absolute() or ".." in Path(name).parts or not is_inside:
            message = f"file {name!r} lies outside the scenario folder, expected one inside it"
            raise self.error(message, *location)
        if path.is_dir():
            raise self.error(f"{name!r} is a folder, expected a file", *location)
        if not is_file:
            raise self.error(f"no such file: {name!r}{_nearest_file(path, name)}", *location)
        return path


def located_parse(document: Document, text: str, scope: Scope, kind: str, *location: str | int) -> Node:
    """The checked expression; its errors are located in scenario.yaml."""
    try:
        return parse(text, scope, kind)
    except UserError as exc:
        raise document.error(str(exc), *location) from exc


def validated(
    model: type[Spec],
    value: Any,
    lines: Lines,
    shown: str,
    holds: str,
    known_keys: Callable[[Location], list[str]],
) -> Spec:
    """The document as its model; the first thing wrong with it is told with its line."""
    if not isinstance(value, dict):
        raise ScenarioError(f"expected a mapping with {holds}", shown, 1)
    try:
        return model.model_validate(value)
    except ValidationError as exc:
        # A mistyped key is told before the key that is missing because of it.
        first = min(exc.errors(), key=lambda e: (e["type"] != "extra_forbidden", line_of(lines, e["loc"]) or 0))
        raise ScenarioError(one_line(_explain(first, lines, known_keys)), shown, line_of(lines, first["loc"])) from exc


def place(location: tuple[Any, ...] | list[Any]) -> str:
    """A location as people read it."""
    return ".".join(str(part) for part in location)


def _explain(error: Mapping[str, Any], lines: Lines, known_keys: Callable[[Location], list[str]]) -> str:
    location: Location = error["loc"]
    *above, last = location
    if error["type"] == "missing" and isinstance(last, str):
        return f"{place(above) or 'scenario'}: missing key {last!r}"
    if error["type"] == "extra_forbidden":
        return f"{place(location)}: unknown key {last!r}{nearest(str(last), known_keys(tuple(above)))}"
    while location and location not in lines:  # pydantic adds parts of its own, such as [key]
        location = location[:-1]
    return f"{place(location)}: expected {_expected(error)}, got {_given(error)}"


def _expected(error: Mapping[str, Any]) -> str:
    kind, limits = error["type"], error.get("ctx", {})
    if kind == "string_pattern_mismatch":
        marks = "digits, _ and -" if "-]" in limits["pattern"] else "digits and _"
        return f"a name of lower-case letters, {marks} that begins with a letter"
    if kind == "greater_than_equal":
        return f"at least {limits['ge']}"
    if kind == "less_than_equal":
        return f"at most {limits['le']}"
    if kind == "greater_than":
        return f"more than {limits['gt']}"
    if kind == "less_than":
        return f"less than {limits['lt']}"
    if kind == "missing":
        return "[low, high]"
    if kind == "int_type" and error["loc"][-1] == "int":  # the first of "whole number or number"
        return "a number"
    return str(limits.get("expected") or _EXPECTED.get(kind) or error["msg"])


def _given(error: Mapping[str, Any]) -> str:
    match error["input"]:
        case bool(value):
            trap = " (YAML reads bare yes, no, on, off as true or false: quote it)"
            return str(value).lower() + (trap if error["type"] == "string_type" else "")
        case None:
            return "nothing"
        case [] | {} if error["type"] == "too_short":
            return "none"
        case [*items]:
            return f"a list of {len(items)}"
        case {}:
            return "a mapping"
        case str(value):
            hint = " (write digits only, without quotes)" if error["type"] == "int_type" and value[:1].isdigit() else ""
            return repr(value[:80]) + hint
        case value:
            return str(value)[:80] + (" (quote it)" if error["type"] == "string_type" else "")


def _known_keys(place: Location) -> list[str]:
    model: type[BaseModel] = ScenarioSpec
    match place:
        case ("sources", _):
            model = specs.SourceSpec
        case ("entities", _):
            model = specs.EntitySpec
        case ("entities", _, "variables", _):
            model = specs.VariableSpec
        case ("entities", _, "derived", _):
            model = specs.DerivedSpec
        case ("entities", _, "derived", _, "cases", _):
            model = specs.CaseSpec
        case ("zones",):
            model = specs.ZonesSpec
        case ("targets", _):
            model = specs.TargetSpec
        case ("targets", _, "tolerance"):
            model = specs.ToleranceSpec
        case ("rules", _):
            model = specs.RuleSpec
        case ("reconcile",):
            model = specs.ReconcileSpec
    return list(model.model_fields)


def _nearest_file(path: Path, name: str) -> str:
    beside = [entry.name for entry in path.parent.iterdir() if entry.is_file()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, beside, n=1)
    return f" (did you mean {(Path(name).parent / close[0]).as_posix()!r}?)" if close else ""
