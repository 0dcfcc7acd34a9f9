"""`synthor export`: published records in other tools' file formats, with a data card."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.completion import complete_run
from schemas.errors import UserError


def export(
    run: Annotated[str, typer.Argument(help="Run folder.", show_default=False, autocompletion=complete_run)],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the files.", show_default=False)],
    form: Annotated[str, typer.Option("--format", help="csv, populationsim or activitysim.")] = "csv",
    rename: Annotated[
        list[str] | None, typer.Option(metavar="VARIABLE=NAME", help="Another name, repeatable.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files as JSON.")] = False,
) -> None:
    """Published records as CSV, for PopulationSim's or ActivitySim's users, with a data card."""
    from adapters.data_card import write_data_card
    from adapters.export import LAYOUTS
    from adapters.export import export as write_files
    from adapters.object_path import location
    from adapters.run_folder import RunFolder
    from synthesis.expressions import nearest

    if form not in LAYOUTS:
        raise UserError(f"--format {form}: no such format{nearest(form, LAYOUTS)}")
    folder = RunFolder(location(run).absolute())
    record = folder.read_run()
    if record.get("status") != "published":
        raise UserError(f"{run}: its status is {record.get('status')!r}, expected a run that is published")
    if to.exists() and not to.is_dir():
        raise UserError(f"--to {to}: is a file, expected a folder")
    scenario = folder.read_scenario()
    written = write_files(folder, scenario, form, to, _renamed(rename or []))
    card = write_data_card(folder, scenario, to)
    if as_json:
        files: list[dict[str, Any]] = [{"path": str(one.path), "records": one.records} for one in written]
        typer.echo(json.dumps({"files": files, "data_card": str(card)}, indent=2))
    else:
        for one in written:
            typer.echo(f"{one.path}: {one.records:,} records")
        typer.echo(str(card))


def _renamed(assignments: list[str]) -> dict[str, str]:
    renamed = {}
    for assignment in assignments:
        old, sign, new = assignment.partition("=")
        if not (sign and old and new):
            raise UserError(f"--rename {assignment!r}: expected VARIABLE=NAME")
        renamed[old] = new
    return renamed
