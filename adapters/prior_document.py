"""One file of `prior/`, validated against its schema, with the place of every value for error messages."""

from pathlib import Path

from pydantic import BaseModel

from adapters.located_yaml import Location, line_of, one_line, read_located_yaml
from adapters.scenario_document import place, validated
from schemas import prior_file as specs
from schemas.errors import ScenarioError, UserError
from schemas.expression import Node
from schemas.prior_file import PriorSpec
from synthesis.expressions import Scope, parse


class PriorDocument:
    """A prior's file with its lines: where an error is told."""

    def __init__(self, path: Path) -> None:
        self.shown = str(path)
        self.name = path.name
        value, self.lines = read_located_yaml(path, self.shown)
        holds = "author, date and archetypes"
        self.spec = validated(PriorSpec, value, self.lines, self.shown, holds, _known_keys)

    def error(self, message: str, *location: str | int) -> ScenarioError:
        """An error at a place in the file."""
        told = one_line(f"{place(location)}: {message}" if location else message)
        return ScenarioError(told, self.shown, line_of(self.lines, location))

    def parse(self, text: str, scope: Scope, *location: str | int) -> Node:
        """The checked condition; its errors are located in the file."""
        try:
            return parse(text, scope, "truth")
        except UserError as exc:
            raise self.error(str(exc), *location) from exc


def _known_keys(location: Location) -> list[str]:
    model: type[BaseModel] = PriorSpec
    match location:
        case ("archetypes", _):
            model = specs.ArchetypeSpec
        case ("archetypes", _, "members", _):
            model = specs.MemberSpec
        case ("relations", _):
            model = specs.RelationSpec
        case ("relations", _, "difference"):
            model = specs.DifferenceSpec
        case ("relations", _, "same"):
            model = specs.SameSpec
    return list(model.model_fields)
