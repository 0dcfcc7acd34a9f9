"""`synthor preview`: some records in the terminal, seconds after a scenario was changed."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import complete_scenario
from cli.settings import build_settings
from schemas.errors import UserError

if TYPE_CHECKING:
    from schemas.model import Derived, Entity, Scenario, Variable
    from synthesis.records import Array, Columns, Records
    from tasks.preview import Preview

PIPED_WIDTH = 160
MOST = 10_000

Record = dict[str, Any]


def preview(
    scenario: Annotated[
        Path, typer.Argument(help="Scenario folder.", show_default=False, autocompletion=complete_scenario)
    ],
    records: Annotated[int, typer.Option(help=f"How many root records, at most {MOST:,}.")] = 100,
    random_seed: Annotated[int | None, typer.Option(help="Another number, other records.", show_default="0")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the records as JSON.")] = False,
) -> None:
    """Show some records as a run would draw them, in seconds; nothing is written."""
    if not 1 <= records <= MOST:
        raise UserError(f"--records {records}: expected 1 to {MOST:,}; `synthor run --size` takes more")
    settings = build_settings({"random_seed": random_seed})
    from adapters.scenario_files import read_scenario

    checked = read_scenario(scenario)
    # Reads numbers and tables: a mistake is told without it.
    from tasks.preview import preview_records

    found = preview_records(checked, settings, records)
    if as_json:
        told = {"scenario": checked.name, "random_seed": settings.random_seed, "size": found.size}
        typer.echo(json.dumps(told | {"records": nested(checked, found.records)}, indent=2, ensure_ascii=False))
    else:
        _show(checked, found, settings.random_seed)


def nested(scenario: "Scenario", records: "Records") -> list[Record]:
    """Each root record as a dictionary, its members listed under their entity's name."""
    roots = _rows(scenario.root, records.root)
    if scenario.member is None:
        return roots
    for root in roots:
        root[scenario.member.name] = []
    for parent, member in zip(records.parent.tolist(), _rows(scenario.member, records.members), strict=True):
        roots[parent][scenario.member.name].append(member)
    return roots


def _rows(entity: "Entity", columns: "Columns") -> list[Record]:
    values = {variable.name: _values(variable, columns[variable.name]) for variable in entity.all_variables}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def _values(variable: "Variable | Derived", column: "Array") -> list[Any]:
    if variable.kind == "category":
        return [variable.categories[code] for code in column.tolist()]
    return [int(value) for value in column] if variable.kind == "integer" else column.tolist()


def _show(scenario: "Scenario", found: "Preview", random_seed: int) -> None:
    from rich.console import Console

    from cli.nested_table import nested_lines

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    for text, style in nested_lines(scenario, nested(scenario, found.records), console.width):
        console.print(text, style=style, no_wrap=True, overflow="ellipsis")
    root, shown = scenario.root.name, found.records.count
    text = f"{shown:,} of the {found.size:,} {root} records of a run, drawn at random (random seed {random_seed})"
    if found.units < found.all_units:
        text += f" from {found.units} of {found.all_units:,} groups of zones"
    console.print(f"\n{text}; so few need not meet the tables, and nothing was written")
