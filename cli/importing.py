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
    member_tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="TVD",
            help="By which total variation a zone's shares of persons may be missed, 0 to 1.",
            show_default="0.02, assumed",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read PopulationSim's controls, totals and crosswalk as they are."""
    from adapters.import_populationsim import ImportOptions, draft_populationsim
    from adapters.scenario_writer import check_free, write_scenario

    if members not in ("share", "count"):
        raise UserError(f"--members {members}: expected share or count")
    if member_tolerance is not None and not 0 <= member_tolerance <= 1:
        raise UserError(f"--member-tolerance {member_tolerance:g}: expected 0 to 1")
    if member_tolerance is not None and members == "count":
        raise UserError("--member-tolerance: --members count binds no shares, expected one of the two")
    options = ImportOptions(
        where=tuple(_split("--where", text) for text in where or ()),
        ranges={_column("--range", text): _bounds(text) for text in ranges or ()},
        definitions={_column("--define", text): _split("--define", text)[1] for text in definitions or ()},
        binds_members=members,
        member_tolerance=member_tolerance,
    )
    check_free(out)
    draft = draft_populationsim(folder, options)
    _tell(draft, write_scenario(draft, out), out, as_json)


@importing.command(
    name="census-table", epilog="Example: synthor import census-table ACSDT5Y2022.B19001-Data.csv --out town"
)
def census_table(
    files: Annotated[list[Path], typer.Argument(help="CSV or API JSON files, one table each.", show_default=False)],
    out: Out,
    entities: Annotated[
        list[str] | None,
        typer.Option(
            "--entity", metavar="TABLE=ENTITY", help="What a table counts: household or person.", show_default=False
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE=NAME,NAME", help="Names of a table's variables.", show_default=False),
    ] = None,
    universes: Annotated[
        list[str] | None,
        typer.Option(
            "--universe", metavar="TABLE=EXPRESSION", help='Whom a table counts: "age >= 16".', show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read tables of data.census.gov or the Census API, with their margins of error."""
    from adapters.import_census import CensusOptions, draft_census
    from adapters.scenario_writer import check_free, write_scenario

    listed = dict(_split("--names", text) for text in names or ())
    options = CensusOptions(
        entities=dict(_split("--entity", text) for text in entities or ()),
        names={table: _list(text) for table, text in listed.items()},
        universes=dict(_split("--universe", text) for text in universes or ()),
    )
    check_free(out)
    draft = draft_census(files, options, out)
    _tell(draft, write_scenario(draft, out), out, as_json)


@importing.command(
    name="table",
    epilog="Example: synthor import table age.csv --entity person --variables age --zone county --out village",
)
def plain_table(
    file: Annotated[Path, typer.Argument(help="CSV or parquet: one row per cell.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Scenario folder: new, or one to add to.", show_default=False)],
    entity: Annotated[str, typer.Option(help="What is counted: household, person, …", show_default=False)],
    variables: Annotated[str, typer.Option(help="Columns that say what a cell is, by comma.", show_default=False)],
    zone: Annotated[str | None, typer.Option(help="Column of the zones.", show_default=False)] = None,
    measure: Annotated[str, typer.Option(help="count, share or percent.")] = "count",
    value: Annotated[str | None, typer.Option(help="Column of the values; default: the measure's name.")] = None,
    across: Annotated[
        str | None, typer.Option(help="What the other columns are categories of.", show_default=False)
    ] = None,
    total: Annotated[
        list[str] | None, typer.Option(help="A label that is a total, beside Total and All.", show_default=False)
    ] = None,
    moe: Annotated[str | None, typer.Option(help="Column of the 90 % margins of error.", show_default=False)] = None,
    universe: Annotated[str | None, typer.Option(help='Whom it counts: "age >= 16".', show_default=False)] = None,
    name: Annotated[str | None, typer.Option(help="The table's name; default: the file's.", show_default=False)] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="COLUMN=LOW:HIGH", help="Bounds of open classes.", show_default=False),
    ] = None,
    parent: Annotated[str | None, typer.Option(help="Of a new member entity: its root.", show_default=False)] = None,
    count: Annotated[
        str | None, typer.Option(help="Of a new member entity: the variable that counts it.", show_default=False)
    ] = None,
    source: Annotated[str | None, typer.Option(help="Where it was published.", show_default=False)] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(help="By how much it may be missed: records per cell, or TVD of shares.", show_default="0"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a plain CSV as a target table to a new scenario or one that is there."""
    from adapters.import_table import TableOptions, import_table
    from adapters.scenario_writer import check_free

    options = TableOptions(
        entity=entity,
        variables=_list(variables),
        measure=measure,
        value=value,
        moe=moe,
        across=across,
        totals=tuple(total or ()),
        zone=zone,
        universe=universe,
        name=name,
        parent=parent,
        count=count,
        source=source,
        tolerance=tolerance,
        ranges={_split("--range", text)[0]: _bounds(text) for text in ranges or ()},
    )
    if not (out / "scenario.yaml").is_file():
        check_free(out)
    draft, scenario = import_table(file, options, out)
    _tell(draft, scenario, out, as_json)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


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
        raise UserError(f"--range {text!r}: expected NAME=LOW:HIGH, for example households.NP=1:9")
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
    told = f"; the above is in {out / 'IMPORT.md'}" if draft.document and draft.findings else ""
    count = len(scenario.tables)
    typer.echo(f"{out}: {count} table{'s' * (count != 1)} with {cells:,} cells{zones}{told}")
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
