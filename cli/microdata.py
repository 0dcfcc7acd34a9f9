"""Options that name micro-data: `household=FILE`, the columns that link members to their root, and the mapping."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import UserError

Ids = Annotated[
    list[str] | None, typer.Option("--id", help="household=COLUMN: the root's id.", metavar="ENTITY=COLUMN")
]
Parents = Annotated[
    list[str] | None,
    typer.Option("--parent", help="person=COLUMN: the members' column with that id.", metavar="ENTITY=COLUMN"),
]
Maps = Annotated[
    list[str] | None, typer.Option("--map", help="What a column is called as a variable.", metavar="COLUMN=VARIABLE")
]
Mapping = Annotated[Path | None, typer.Option("--mapping", help="YAML file that renames, recodes and drops columns.")]


def read_pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """`left=right` options as a mapping."""
    found: dict[str, str] = {}
    for text in given or []:
        left, sign, right = text.partition("=")
        if not (sign and left.strip() and right.strip()):
            raise UserError(f"{option} {text!r}: expected NAME=VALUE")
        if left.strip() in found:
            raise UserError(f"{option}: {left.strip()!r} is given twice")
        found[left.strip()] = right.strip()
    return found


def read_files(given: Sequence[str], option: str) -> dict[str, Path]:
    """`entity=FILE` options, each file checked to be there."""
    files = {entity: Path(path) for entity, path in read_pairs(given, option).items()}
    for entity, path in files.items():
        if not path.is_file():
            raise UserError(f"{option} {entity}={path}: no such file")
    return files


def read_joints(given: Sequence[str] | None) -> list[tuple[str, ...]]:
    """`a,b` options as tuples of two or more different names."""
    found = []
    for text in given or []:
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        if len(names) < 2 or len(set(names)) < len(names):
            raise UserError(f"--joint {text!r}: expected two or more different variables, such as age,gender")
        found.append(names)
    return found
