"""`synthor init`: a commented scenario that runs, to start from."""

import json
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import UserError


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder.", show_default=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print the files as JSON.")] = False,
) -> None:
    """Write a commented scenario that runs."""
    from adapters.starter_files import write_starter

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: exists already, expected a new or empty folder")
    files = write_starter(folder)
    if as_json:
        typer.echo(json.dumps({"files": [str(path) for path in files]}, indent=2))
        return
    for path in files:
        typer.echo(str(path))
    typer.echo(f"\nnext: synthor check {folder}; synthor run {folder} --out run")
