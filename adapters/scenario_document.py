"""scenario.yaml validated against its schema, with the place of every value for error messages."""

import difflib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from adapters.located_yaml import Lines, Location, line_of, read_located_yaml
from schemas import scenario as specs
from schemas.errors import ScenarioError, UserError
from schemas.expression import Node
from schemas.scenario import ScenarioSpec
from synthesis.expressions import Scope, parse

FILE_NAME = "scenario.yaml"


class Document:
    """scenario.yaml with its lines: where an error is told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.shown = str(folder / FILE_NAME)
        self.value, self.lines = read_located_yaml(folder / FILE_NAME, self.shown)
        self.spec = _validated(self.value, self.lines, self.shown)

    def error(self, message: str, *location: str | int) -> ScenarioError:
        """An error at a place in scenario.yaml."""
        place = ".".join(str(part) for part in location)
        return ScenarioError(f"{place}: {message}" if place else message, self.shown, line_of(self.lines, location))

    def input_path(self, name: str, *location: str | int) -> Path:
        """The file `name` inside the folder; names that leave it are refused."""
        path = (self.folder / name).resolve()
        if ".." in Path(name).parts or not path.is_relative_to(self.folder.resolve()):
            raise self.error(f"file {name!r} lies outside the scenario folder", *location)
        if not path.is_file():
            raise self.error(f"no such file: {name!r}", *location)
        return path


def located_parse(document: Document, text: str, scope: Scope, kind: str, *location: str | int) -> Node:
    """The checked expression; its errors are located in scenario.yaml."""
    try:
        return parse(text, scope, kind)
    except UserError as exc:
        raise document.error(str(exc), *location) from exc


def _validated(value: Any, lines: Lines, shown: str) -> ScenarioSpec:
    if not isinstance(value, dict):
        raise ScenarioError("expected a mapping with name, entities and targets", shown, 1)
    try:
        return ScenarioSpec.model_validate(value)
    except ValidationError as exc:
        first = exc.errors()[0]
        raise ScenarioError(_explain(first), shown, line_of(lines, first["loc"])) from exc


def _explain(error: Any) -> str:
    location: Location = error["loc"]
    place = ".".join(str(part) for part in location)
    if error["type"] == "missing":
        return f"{'.'.join(str(p) for p in location[:-1]) or 'scenario'}: missing key {location[-1]!r}"
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown key {location[-1]!r}{_nearest_key(str(location[-1]))}"
    message = error["msg"].replace("Input should be ", "expected ").replace("String should", "should")
    hint = (
        " (YAML reads bare yes, no, on, off as true or false: quote them)" if isinstance(error["input"], bool) else ""
    )
    return f"{place}: {message}, got {str(error['input'])[:80]!r}{hint}"


def _nearest_key(key: str) -> str:
    models = [m for m in vars(specs).values() if isinstance(m, type) and issubclass(m, BaseModel)]
    known = {name for model in models for name in model.model_fields}
    close = difflib.get_close_matches(key, sorted(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
