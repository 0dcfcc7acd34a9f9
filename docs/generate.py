"""Writes the reference pages of the documentation from the code: `make docs`, or `python -m docs.generate`.

A test compares them with what this writes, so none of them is edited by hand.
"""

import inspect
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.core import TyperGroup, TyperOption

from cli.main import app
from schemas import scenario
from schemas.settings import RunSettings

FOLDER = Path(__file__).parent / "reference"
WORDS = {
    "str": "text",
    "StrictStr": "text",
    "int": "whole number",
    "StrictInt": "whole number",
    "float": "number",
    "StrictFloat": "number",
    "bool": "true or false",
    "StrictBool": "true or false",
}
METAVARS = {"str": "TEXT", "int": "N", "float": "NUMBER", "Path": "PATH"}
ENDING = "Spec"
NAME_FORM = get_args(scenario.Name)[1].description
"""Told once, at the top of the page."""


def build_pages() -> dict[str, str]:
    """Text of every generated page by its file name."""
    return {"scenario.md": scenario_page(), "settings.md": settings_page(), "commands.md": commands_page()}


def scenario_page() -> str:
    """Every key of scenario.yaml."""
    lines = [
        "# scenario.yaml",
        "",
        "Generated from the models that read the file; `synthor schema` prints the same as JSON Schema, for editors.",
        "An unknown key or a value of another type is refused with its line. Names consist of lower-case letters,",
        "digits and `_`, and begin with a letter. [How tables and expressions are written](../scenarios.md) is a page",
        "of its own.",
        "",
    ]
    for model in _models(scenario.ScenarioSpec):
        lines += [f"## {_heading(model)}", "", _docstring(model), "", *_field_table(model), ""]
    return "\n".join(lines)


def settings_page() -> str:
    """Every setting of a run."""
    lines = [
        "# Settings of a run",
        "",
        "`synthor run SCENARIO --out RUN --set KEY=VALUE`, repeated as needed. Those that have an option of their own",
        "are in [Commands](commands.md) too. All of them are kept in `run.json`.",
        "",
        *_field_table(RunSettings),
        "",
    ]
    return "\n".join(lines)


def commands_page() -> str:
    """Every command with its arguments and options."""
    lines = [
        "# Commands",
        "",
        "Exit code 0: done; 1: the run or its validation failed; 2: a mistake in the command or the scenario, told in",
        "one line; 130 or 143: interrupted. `synthor --install-completion` sets up completion on Tab for bash, zsh and",
        "fish; `synthor --show-completion` prints it.",
        "",
    ]
    root = typer.main.get_command(app)
    for name, command in _commands(root, "synthor"):
        lines += [f"## {name}", "", inspect.cleandoc(command.help or ""), ""]
        lines += [f"`{_usage(name, command)}`", ""]
        lines += [*_parameter_table(command), ""]
        if command.epilog:
            lines += [f"Example: `{command.epilog.removeprefix('Example: ')}`", ""]
    return "\n".join(lines)


def _models(root: type[BaseModel]) -> list[type[BaseModel]]:
    """The model and those its fields hold, each once, in the order in which they are met."""
    found = [root]
    for model in found:
        held = (one for info in model.model_fields.values() for one in _held_models(info.annotation))
        found += [one for one in dict.fromkeys(held) if one not in found]
    return found


def _held_models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _held_models(part)


def _heading(model: type[BaseModel]) -> str:
    return model.__name__.removesuffix(ENDING).lower()


def _docstring(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


def _field_table(model: type[BaseModel]) -> Iterator[str]:
    yield from ("| key | type | default | meaning |", "|---|---|---|---|")
    for name, info in model.model_fields.items():
        cells = (f"`{name}`", _type_text(_annotated(model, name)), _default(info), _meaning(info))
        yield f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _annotated(model: type[BaseModel], name: str) -> Any:
    """The annotation as written, for pydantic strips the names of strict types."""
    held = [inspect.get_annotations(one) for one in model.__mro__]
    return next(annotations[name] for annotations in held if name in annotations)


def _type_text(annotation: Any) -> str:
    origin, parts = get_origin(annotation), get_args(annotation)
    if annotation is scenario.Name:
        return "name"
    if origin is Annotated:
        return _type_text(parts[0]) + _limits(parts[1:])
    if origin is Literal:
        return " or ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        texts = dict.fromkeys(_type_text(part) for part in parts if part is not type(None))
        return "number" if {"whole number", "number"} == set(texts) else " or ".join(texts)
    if origin is list or parts[1:] == (...,):
        return f"list of {_type_text(parts[0])}"
    if origin is dict:
        return f"mapping of {_type_text(parts[0])} to {_type_text(parts[1])}"
    if origin is tuple:
        return f"[{', '.join(_type_text(part) for part in parts)}]"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{_heading(annotation)}](#{_heading(annotation)})"
    return WORDS[annotation.__name__]


def _limits(metadata: tuple[Any, ...]) -> str:
    """Bounds of a number, in words."""
    signs = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    constraints = [part for one in metadata if isinstance(one, FieldInfo) for part in one.metadata]
    told = [
        f"{word} {getattr(one, sign):,.15g}"
        for one in constraints
        for sign, word in signs.items()
        if getattr(one, sign, None) is not None and abs(getattr(one, sign)) < 1e12
    ]
    return f", {' and '.join(told)}" if told else ""


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value in ("", [], {}) or isinstance(value, BaseModel):
        return ""
    return f"{value:,}" if isinstance(value, int) else str(value)


def _meaning(info: FieldInfo) -> str:
    """The field's description, else what the models it holds are."""
    if info.description and info.description != NAME_FORM:
        return info.description
    held = list(_held_models(info.annotation))
    return _docstring(held[0]).split("\n\n")[0].rstrip(".") if held else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(command, TyperGroup):
        for child, held in command.commands.items():
            yield from _commands(held, f"{name} {child}")
    else:
        yield name, command


def _usage(name: str, command: Any) -> str:
    arguments = [_metavar(one) for one in command.params if not isinstance(one, TyperOption)]
    required = [
        f"{one.opts[0]} {_metavar(one)}" for one in command.params if isinstance(one, TyperOption) and one.required
    ]
    return " ".join([name, *arguments, *required, "[OPTIONS]"])


def _metavar(parameter: Any) -> str:
    """What stands for the value: PATH, N, …; an argument's own name."""
    if parameter.metavar:
        return str(parameter.metavar)
    if not isinstance(parameter, TyperOption):
        return str(parameter.name).upper()
    annotation = parameter.type_descriptor.annotation
    held = get_args(annotation) or (annotation,)
    return METAVARS[held[0].__name__]


def _parameter_table(command: Any) -> Iterator[str]:
    yield from ("| argument or option | meaning |", "|---|---|")
    for one in command.params:
        if not isinstance(one, TyperOption):
            yield f"| `{_metavar(one)}` | {_cell(one.help or '')} |"
        elif one.name != "help":
            value = "" if one.is_flag else f" {_metavar(one)}"
            default = f" Default: {one.default}." if _shows_default(one) else ""
            yield f"| `{'`, `'.join(one.opts)}{value}` | {_cell((one.help or '') + default)} |"


def _shows_default(option: Any) -> bool:
    return bool(option.show_default) and option.default not in (None, False, ()) and not option.required


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in build_pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
