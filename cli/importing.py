"""`synthor import …`: control totals and tables that other tools use, as a scenario."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from schemas.errors import UserError

if TYPE_CHECKING:
    from schemas.imports import Draft
    from schemas.model import Scenario

importing = typer.Typer(name="import", help="Make a scenario from tables that are there already.", no_args_is_help=True)

Out = Annotated[Path, typer.Option(help="Scenario folder: new or empty.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@importing.command(
    epilog="Example: synthor import populationsim inputs --where STATE=50 --out scenarios/vermont_bg",
)
def populationsim(
    folder: Annotated[Path, typer.Argument(help="Folder with controls.csv, totals and crosswalk.", show_default=False)],
    out: Out,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=VALUE",
            help="Only zones with this value in the crosswalk or the totals; repeatable: values of one column are "
            "alternatives, columns are conditions.",
            show_default=False,
        ),
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option(
            "--range", metavar="TABLE.COLUMN=LOW:HIGH", help="A column's lowest and highest value.", show_default=False
        ),
    ] = None,
    definitions: Annotated[
        list[str] | None,
        typer.Option(
            "--define",
            metavar="TABLE.COLUMN=EXPRESSION",
            help='What a column is made of, such as "households.NP_ADULTS=count(person.agep >= 18)".',
            show_default=False,
        ),
    ] = None,
    members: Annotated[str, typer.Option(help="What tables of persons bind: share, or count as published.")] = "share",
    as_json: AsJson = False,
) -> None:
    """Read PopulationSim's controls, totals and crosswalk as they are."""
    from adapters.import_populationsim import ImportOptions, draft_populationsim
    from adapters.scenario_writer import check_free, write_scenario

    if members not in ("share", "count"):
        raise UserError(f"--members {members}: expected share or count")
    options = ImportOptions(
        where=tuple(_split("--where", text) for text in where or ()),
        ranges={_column("--range", text): _bounds(text) for text in ranges or ()},
        definitions={_column("--define", text): _split("--define", text)[1] for text in definitions or ()},
        binds_members=members,
    )
    check_free(out)
    draft = draft_populationsim(folder, options)
    _tell(draft, write_scenario(draft, out), out, as_json)


def _split(flag: str, text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (sign and name.strip() and value.strip()):
        raise UserError(f"{flag} {text!r}: expected NAME=VALUE")
    return name.strip(), value.strip()


def _column(flag: str, text: str) -> tuple[str, str]:
    table, dot, column = _split(flag, text)[0].partition(".")
    if not dot or table not in ("households", "persons"):
        raise UserError(f"{flag} {text!r}: expected households.COLUMN=… or persons.COLUMN=…")
    return table, column


def _bounds(text: str) -> tuple[float, float]:
    low, _, high = _split("--range", text)[1].partition(":")
    try:
        bounds = float(low), float(high)
    except ValueError:
        bounds = 1.0, 0.0
    if not bounds[0] <= bounds[1] or max(map(abs, bounds)) > 1e15:
        raise UserError(f"--range {text!r}: expected LOW:HIGH, for example households.NP=1:9")
    return bounds


def _tell(draft: "Draft", scenario: "Scenario", out: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_as_json(draft, scenario, out), indent=2, ensure_ascii=False))
        return
    for finding in draft.findings:
        typer.echo(str(finding))
    cells = sum(table.cells for table in scenario.tables)
    zones = ""
    if scenario.zones is not None:
        zones = f", {len(scenario.zones.names[scenario.zones.variable]):,} {scenario.zones.variable} zones"
    typer.echo(f"{out}: {len(scenario.tables)} tables with {cells:,} cells{zones}; the above is in {out / 'IMPORT.md'}")
    typer.echo(f"next: synthor check {out}")


def _as_json(draft: "Draft", scenario: "Scenario", out: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "scenario": str(out),
        "name": scenario.name,
        "tables": {table.name: table.cells for table in scenario.tables},
        "zones": None if scenario.zones is None else {k: len(v) for k, v in scenario.zones.names.items()},
        "findings": [asdict(finding) for finding in draft.findings],
    }
