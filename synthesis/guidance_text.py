"""Guidance as text: fenced blocks of JSON lines inside a prompt.

    ```guidance
    {"asked": {"proposals": 20, "records": 2000, "root": "purchase"}}
    {"variable": {"name": "gender", "entity": "purchase", "kind": "category", "categories": ["Male", "Female"]}}
    {"cell": {"table": "gender", "entity": "purchase", "where": {"gender": "Male"}, "target": 0.45, "missing": 0.02}}
    ```

A scenario's own text cannot end a block: JSON keeps it on its line, and backquotes are escaped.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.guidance import Asked, Guidance, GuidedCell, GuidedVariable

_BLOCK = re.compile(r"^```guidance\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def write_block(lines: Iterable[Asked | GuidedVariable | GuidedCell]) -> str:
    """A fenced block with one JSON object a line."""
    return "\n".join(["```guidance", *(_line(line) for line in lines), "```"])


def read_guidance(prompt: str) -> Guidance:
    """All guidance blocks of a prompt together."""
    found: dict[str, list[Mapping[str, Any]]] = {"asked": [], "variable": [], "cell": []}
    for block in _BLOCK.findall(prompt):
        for line in block.splitlines():
            name, content = next(iter(json.loads(line).items()))
            found[name].append(content)
    if len(found["asked"]) != 1:
        raise ValueError(f"prompt with {len(found['asked'])} lines that say what is asked, expected one")
    return Guidance.model_validate({"asked": found["asked"][0], "variables": found["variable"], "cells": found["cell"]})


def _line(line: Asked | GuidedVariable | GuidedCell) -> str:
    name = {Asked: "asked", GuidedVariable: "variable", GuidedCell: "cell"}[type(line)]
    text = json.dumps({name: line.model_dump(mode="json", exclude_defaults=True)}, ensure_ascii=False)
    return escape_line(text)


def escape_line(text: str) -> str:
    """JSON that stays on its line and cannot end a fenced block."""
    # Line separators that JSON lets through would break the line for readers that split at them.
    for character in "`\u2028\u2029\x85":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
