"""YAML with line numbers: plain values, and the line on which each of them stands."""

import re
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any

import yaml

from schemas.errors import ScenarioError

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_NUMBER_LENGTH = 100
MAX_MESSAGE_LENGTH = 600
Location = tuple[Hashable, ...]
Lines = dict[Location, int]

_TEXT_TAG = "tag:yaml.org,2002:str"
_NUMBER_TAGS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_UNUSABLE_TEXT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PROBLEMS = (
    (r"'\\t' that cannot start any token", "a tab, expected spaces"),
    (r"character (.+) that cannot start any token", "text that begins with {0} has to be quoted"),
    (r"mapping values are not allowed", "a second ': ' in a line, or a line indented too far (quote text with ': ')"),
    (
        r"expected <block end>, but found '<scalar>'",
        "text after a closing quote (is an earlier quote left open, or one inside the text not doubled?)",
    ),
    (r"expected <block end>, but found '([\]},])'", "{0!r} outside any brackets"),
    (r"expected <block end>", "indented unlike the lines above"),
    (r"expected ',' or '(.)'", "bracket without its closing {0!r}"),
    (r"could not find expected ':'", "expected 'key: value'"),
    (r"found unexpected end of stream", "a quote that is never closed"),
    (r"but found another document", "a second document, expected one"),
)
"""What people are told instead of the parser's own words."""
_TOLD_WHERE_IT_BEGAN = re.compile(r"could not find expected ':'|end of stream|expected ',' or")


def read_located_yaml(path: Path, shown: str) -> tuple[Any, Lines]:
    """The document's value and the line of every key and item; aliases and repeated keys are refused."""
    text = _read_text(path, shown)
    try:
        node = yaml.compose(text, Loader=_PlainLoader)
    except yaml.MarkedYAMLError as exc:
        raise _located(exc, shown) from exc
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        raise ScenarioError(f"not valid YAML: character {chr(exc.character)!r} is not allowed", shown, line) from exc
    if node is None:
        raise ScenarioError("the file is empty, expected a mapping", shown, 1)
    lines: Lines = {}
    return _convert(node, (), lines, shown), lines


def line_of(lines: Lines, location: Location) -> int | None:
    """The line of the deepest part of `location` that the document has."""
    while location and location not in lines:
        location = location[:-1]
    return lines.get(location)


def one_line(message: str) -> str:
    """The message with line breaks and other unprintable characters escaped, cut if it is very long."""
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in message)
    return shown if len(shown) <= MAX_MESSAGE_LENGTH else shown[:MAX_MESSAGE_LENGTH] + "…"


def not_utf8(lines: Iterable[bytes], shown: str) -> ScenarioError:
    """The error for a file that is not UTF-8, located at the first line that is not."""
    for number, line in enumerate(lines, 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError:
            return ScenarioError("not UTF-8 text, expected the file saved as UTF-8", shown, number)
    return ScenarioError("not UTF-8 text, expected the file saved as UTF-8", shown)


class _Refused(yaml.MarkedYAMLError):
    """Valid YAML that a scenario may not hold."""


class _PlainLoader(yaml.SafeLoader):
    """Refuses aliases, tags, and a depth that would exhaust the stack."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs
        if getattr(event, "anchor", None) is not None:
            message = "anchors and aliases (&name, *name) are not supported, expected the value written out"
            raise _Refused(problem=message, problem_mark=event.start_mark)
        if getattr(event, "tag", None) is not None:
            shown = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"tags ({shown}) are not supported, expected a plain value"
            raise _Refused(problem=one_line(message), problem_mark=event.start_mark)
        if self.depth > MAX_DEPTH:
            raise _Refused(problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=event.start_mark)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _read_text(path: Path, shown: str) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ScenarioError(f"the file has {path.stat().st_size} bytes, expected at most {MAX_BYTES}", shown)
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise not_utf8(content.split(b"\n"), shown) from exc
    except OSError as exc:
        raise ScenarioError(f"cannot read the file: {exc.strerror}", shown) from exc


def _located(error: yaml.MarkedYAMLError, shown: str) -> ScenarioError:
    problem, mark = str(error.problem), error.problem_mark
    if isinstance(error, _Refused):
        return ScenarioError(problem, shown, mark.line + 1 if mark else None)
    if _TOLD_WHERE_IT_BEGAN.search(problem) and error.context_mark:
        mark = error.context_mark
    for pattern, told in _PROBLEMS:
        if found := re.search(pattern, problem):
            problem = told.format(*found.groups())
            break
    return ScenarioError(one_line(f"not valid YAML: {problem}"), shown, mark.line + 1 if mark else None)


def _convert(node: yaml.Node, location: Location, lines: Lines, shown: str) -> Any:
    lines.setdefault(location, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, location, lines, shown)
    if isinstance(node, yaml.SequenceNode):
        return [_convert(child, (*location, i), lines, shown) for i, child in enumerate(node.value)]
    return _scalar(node, shown)


def _mapping(node: yaml.MappingNode, location: Location, lines: Lines, shown: str) -> dict[Any, Any]:
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = _key(key_node, shown)
        line = key_node.start_mark.line + 1
        if key in result:
            first = lines[(*location, key)]
            raise ScenarioError(one_line(f"key {key!r} appears twice, first on line {first}"), shown, line)
        lines[(*location, key)] = line
        result[key] = _convert(value_node, (*location, key), lines, shown)
    return result


def _key(node: yaml.Node, shown: str) -> str:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.ScalarNode):
        raise ScenarioError("a list or mapping is used as a key, expected text", shown, line)
    if node.tag == "tag:yaml.org,2002:merge":
        raise ScenarioError("merge keys (<<) are not supported, expected the keys written out", shown, line)
    key = _scalar(node, shown)
    if not isinstance(key, str):
        raise ScenarioError(one_line(f"key {node.value} is not text, expected it in quotes"), shown, line)
    return key


def _scalar(node: yaml.Node, shown: str) -> Any:
    line = node.start_mark.line + 1
    if node.tag in _NUMBER_TAGS and len(node.value) > MAX_NUMBER_LENGTH:
        raise ScenarioError(f"a number of {len(node.value)} digits, expected at most {MAX_NUMBER_LENGTH}", shown, line)
    if node.tag == _TEXT_TAG:
        if found := _UNUSABLE_TEXT.search(node.value):
            raise ScenarioError(f"text holds the unusable character {found[0]!r}", shown, line)
        return node.value
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, LookupError, OverflowError) as exc:
        message = f"cannot read {str(node.value)[:80]!r} as a plain value, expected it in quotes"
        raise ScenarioError(one_line(message), shown, line) from exc
