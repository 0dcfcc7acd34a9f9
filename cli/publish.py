"""`synthor publish`: make a run the current publication of a folder, or go back to the one before."""

import json
from typing import Annotated

import typer

from cli.completion import complete_run
from schemas.errors import UserError


def publish(
    folder: Annotated[
        str,
        typer.Argument(metavar="RUN|ROOT", help="Run folder; with --rollback, the root.", autocompletion=complete_run),
    ],
    to: Annotated[str | None, typer.Option(metavar="ROOT", help="Folder of publications.", show_default=False)] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the publication before.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print ROOT/current.json.")] = False,
) -> None:
    """Make a validated run the current publication, or go back to the one before."""
    from adapters.object_path import location
    from adapters.publications import publish_to, roll_back
    from adapters.run_folder import RunFolder

    if rollback == (to is not None):
        raise UserError("publish: expected either RUN --to ROOT, or ROOT --rollback")
    if to is not None:
        entry, root = publish_to(RunFolder(location(folder).absolute()), location(to).absolute()), location(to)
    else:
        entry, root = roll_back(location(folder).absolute()), location(folder)
    if as_json:
        typer.echo(json.dumps(entry, indent=2, ensure_ascii=False))
    else:
        typer.echo(f"{root / 'current.json'}: publication {entry['publication']}, {entry['dataset']}")
