"""YAML with line numbers: plain values, and the line on which each of them stands."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import ScenarioError

MAX_BYTES = 8_000_000
MAX_DEPTH = 40
Location = tuple[Hashable, ...]
Lines = dict[Location, int]


def read_located_yaml(path: Path, shown: str) -> tuple[Any, Lines]:
    """The document's value and the line of every key and item; aliases and repeated keys are refused."""
    text = _read_text(path, shown)
    try:
        node = yaml.compose(text, Loader=_NoAliasLoader)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        problem = (exc.problem or "not valid YAML").replace("\n", " ")
        raise ScenarioError(f"not valid YAML: {problem}", shown, mark.line + 1 if mark else None) from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise ScenarioError(f"not valid YAML: {str(exc).splitlines()[0]}", shown) from exc
    if node is None:
        raise ScenarioError("the file is empty, expected a mapping", shown, 1)
    lines: Lines = {}
    return _convert(node, (), lines, shown), lines


def line_of(lines: Lines, location: Location) -> int | None:
    """The line of the deepest part of `location` that the document has."""
    best = lines.get(())
    reached: Location = ()
    for part in location:
        if (*reached, part) in lines:
            reached = (*reached, part)
            best = lines[reached]
    return best


class _NoAliasLoader(yaml.SafeLoader):
    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # PyYAML's stubs
            raise yaml.MarkedYAMLError(None, None, "aliases (*name) are not supported, write the value out", mark)
        return super().compose_node(parent, index)


def _read_text(path: Path, shown: str) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ScenarioError(f"the file has {path.stat().st_size} bytes, expected at most {MAX_BYTES}", shown)
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise ScenarioError(f"not UTF-8 text at byte {exc.start}", shown) from exc
    except OSError as exc:
        raise ScenarioError(f"cannot read the file: {exc.strerror}", shown) from exc


def _convert(node: yaml.Node, location: Location, lines: Lines, shown: str) -> Any:
    lines.setdefault(location, node.start_mark.line + 1)
    if len(location) > MAX_DEPTH:
        raise ScenarioError(f"nested deeper than {MAX_DEPTH} levels", shown, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, location, lines, shown)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(child, (*location, i), lines, shown) for i, child in enumerate(node.value)]
    return _scalar(node, shown)


def _mapping(node: yaml.MappingNode, location: Location, lines: Lines, shown: str) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key = _scalar(key_node, shown) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise ScenarioError(f"key {key!r} is not text, expected it in quotes", shown, line)
        if key in result:
            raise ScenarioError(f"key {key!r} appears twice", shown, line)
        lines[(*location, key)] = line
        result[key] = _convert(value_node, (*location, key), lines, shown)
    return result


def _scalar(node: yaml.Node, shown: str) -> Any:
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, OverflowError) as exc:
        raise ScenarioError(f"not valid YAML: {str(exc).splitlines()[0]}", shown, node.start_mark.line + 1) from exc
