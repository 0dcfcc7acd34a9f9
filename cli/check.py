"""`synthor check`: what a scenario holds, where its tables contradict each other, and how a run reconciles them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.check_findings import show_findings, summarise_evidence, verdict
from cli.completion import complete_scenario
from cli.settings import build_settings

if TYPE_CHECKING:
    from schemas.model import Derived, Entity, MomentTable, Scenario, TargetTable, Variable
    from synthesis.aims import Aims

WIDTH_WHEN_PIPED = 160


def check(
    scenario: Annotated[
        Path, typer.Argument(help="Scenario folder.", show_default=False, autocompletion=complete_scenario)
    ],
    proposer: Annotated[
        str | None,
        typer.Option(help="Estimate what asking it will cost: anthropic or plugin:NAME.", show_default=False),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the run, such as model.", show_default=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Read a scenario, find what contradicts in it and tell how a run reconciles that; nothing is written.

    Exit codes: 0 runnable, 1 not reconcilable, 2 not readable.
    """
    from adapters.scenario_files import read_scenario
    from synthesis.aims import build_aims

    settings = build_settings({"proposer": proposer}, assignments or ())
    checked = read_scenario(scenario)
    aims = build_aims(checked, settings.size)
    found = describe(checked, aims)
    found |= _judge(scenario, checked)
    found["runnable"] = all(finding["outcome"] != "refused" for finding in found["findings"])
    if settings.asks:
        from cli.asking import estimate_run

        found["asking"] = estimate_run(checked, aims, settings)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        _show(found)
    if not found["runnable"]:
        raise typer.Exit(1)


def _judge(folder: Path, scenario: "Scenario") -> dict[str, Any]:
    """The findings with their files and lines, and the evidence of pairs of variables."""
    from adapters.finding_places import Places, crosswalk_findings
    from adapters.import_findings import import_findings
    from synthesis.binning import build_grids
    from synthesis.cells import build_coder
    from synthesis.evidence import describe_evidence, judge_pairs
    from synthesis.feasibility import find_contradictions
    from synthesis.spaces import build_spaces

    coder, places = build_coder(scenario, build_grids(scenario)), Places(folder, scenario)
    spaces = build_spaces(coder)
    located = [(finding, places.of(finding)) for finding in find_contradictions(coder, spaces)]
    located += [*crosswalk_findings(scenario), *import_findings(folder)]
    return {
        "findings": [finding.as_json() | {"at": at} for finding, at in located],
        "evidence": describe_evidence(scenario, judge_pairs(scenario, spaces)),
    }


def describe(scenario: "Scenario", aims: "Aims") -> dict[str, Any]:
    """The scenario as plain JSON."""
    zones = scenario.zones
    return {
        "name": scenario.name,
        "title": scenario.title,
        "fingerprint": scenario.fingerprint,
        "size": int(aims.zone_sizes.sum()),
        "entities": [_describe_entity(entity) for entity in scenario.entities],
        "zones": None
        if zones is None
        else {"levels": {level: len(zones.names[level]) for level in zones.levels}, "partition_by": zones.partition_by},
        "tables": [_describe_table(table) for table in scenario.tables],
        "moments": [_describe_moment(moment) for moment in scenario.moments],
        "rules": [{"name": r.name, "entity": r.entity, "text": r.text, "reason": r.reason} for r in scenario.rules],
        "prior": _describe_prior(scenario),
        "reconciliations": [{"table": r.table, "what": r.what, "magnitude": r.magnitude} for r in aims.reconciliations],
    }


def _describe_prior(scenario: "Scenario") -> dict[str, Any] | None:
    prior = scenario.prior
    if prior is None:
        return None
    sources = [{"file": s.path, "author": s.author, "date": s.date, "model": s.model} for s in prior.sources]
    return {"archetypes": len(prior.archetypes), "relations": len(prior.relations), "sources": sources}


def _describe_entity(entity: "Entity") -> dict[str, Any]:
    return {
        "name": entity.name,
        "parent": entity.parent,
        "count": entity.count,
        "variables": [_describe_variable(variable) for variable in entity.variables],
        "derived": [_describe_variable(derived) for derived in entity.derived],
        "texts": [
            {"name": t.name, "type": "text", "description": t.description, "max_length": t.max_length}
            | {"examples": list(t.examples)}
            for t in entity.texts
        ],
    }


def _describe_variable(variable: "Variable | Derived") -> dict[str, Any]:
    from math import isfinite

    holds: dict[str, Any] = {"name": variable.name, "type": variable.kind, "description": variable.description}
    if variable.kind == "category":
        return holds | {"categories": list(variable.categories)}
    return holds | ({"range": [variable.low, variable.high]} if isfinite(variable.low) else {})


def _describe_table(table: "TargetTable") -> dict[str, Any]:
    return {
        "name": table.name,
        "entity": table.entity,
        "variables": [axis.variable for axis in table.axes],
        "zone": table.zone_level,
        "zones": table.units,
        "cells": table.cells,
        "total": float(table.target.sum()),
        "measure": table.measure,
        "binds": table.binds,
        "tolerance": {table.tolerance.kind: table.tolerance.value},
        "universe": table.universe_text,
        "source": table.source,
        "file": table.path,
    }


def _describe_moment(moment: "MomentTable") -> dict[str, Any]:
    return {
        "name": moment.name,
        "entity": moment.cells.entity,
        "measure": moment.measure,
        "of": moment.of,
        "quantile": moment.quantile if moment.measure == "quantile" else None,
        "variables": [axis.variable for axis in moment.cells.axes],
        "zone": moment.cells.zone_level,
        "cells": moment.cells.cells,
        "tolerance": moment.tolerance,
        "universe": moment.cells.universe_text,
        "file": moment.cells.path,
    }


def _show(found: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    if not console.is_terminal:
        console.width = WIDTH_WHEN_PIPED
    console.print(f"{found['name']}: {found['title']}", style="bold")
    console.print(_summarise(found))
    console.print(_variable_table(found["entities"]))
    console.print(_target_table(found["tables"]))
    for moment in found["moments"]:
        where = f" by {moment['zone']}" if moment["zone"] else ""
        console.print(
            f"{moment['measure']} {moment['name']}: of {moment['of']} ({moment['entity']}){where}, "
            f"{moment['cells']:,} cells, tolerance {moment['tolerance']:.2%}"
        )
    for rule in found["rules"]:
        console.print(f"rule {rule['name']} ({rule['entity']}): {rule['text']}")
    console.print(summarise_evidence(found["evidence"]), soft_wrap=not console.is_terminal)
    if found["prior"]:
        authors = "; ".join(f"{s['file']} by {s['author']}, {s['date']}" for s in found["prior"]["sources"])
        numbers = f"{found['prior']['archetypes']} archetypes, {found['prior']['relations']} relations"
        console.print(f"prior: {numbers} ({authors})")
    if "asking" in found:
        from cli.asking import tell_estimate

        console.print(tell_estimate(found["asking"]))
    if found["findings"]:
        console.print()
    show_findings(console, found["findings"])
    text, style = verdict(found["findings"])
    console.print(text, style=style)


def _summarise(found: dict[str, Any]) -> str:
    root = found["entities"][0]["name"]
    cells = sum(table["cells"] for table in found["tables"])
    text = f"{found['size']:,} {root} records; {len(found['tables'])} tables with {cells:,} cells"
    zones = found["zones"]
    if zones:
        levels = ", ".join(f"{count} × {level}" for level, count in zones["levels"].items())
        text += f"; zones: {levels}, partitioned by {zones['partition_by']}"
    return text


def _variable_table(entities: list[dict[str, Any]]) -> Any:
    grid = _grid("entity", "variable", "type", "values", "description")
    for entity in entities:
        for kind in ("variables", "derived", "texts"):
            for variable in entity[kind]:
                type_text = variable["type"] + (", derived" if kind == "derived" else "")
                grid.add_row(entity["name"], variable["name"], type_text, _values(variable), variable["description"])
    return grid


def _values(variable: dict[str, Any]) -> str:
    categories = variable.get("categories")
    if categories is not None:
        return ", ".join(categories) if len(categories) <= 4 else f"{len(categories)} categories"
    if "max_length" in variable:
        return f"at most {variable['max_length']} characters"
    if "range" not in variable:
        return ""
    low, high = (f"{bound:,g}" if bound < 1e6 else f"{bound:,.0f}" for bound in variable["range"])
    return f"{low} to {high}"


def _target_table(tables: list[dict[str, Any]]) -> Any:
    grid = _grid("table", "entity", "variables", "zone", "cells", "total", "aims at", "tolerance", "universe")
    for column in grid.columns[4:6]:
        column.justify = "right"
    for table in tables:
        kind, value = next(iter(table["tolerance"].items()))
        tolerance = {"records": f"{value:g} records", "moe": f"{value:g} x margin of error"}.get(kind, f"TVD {value:g}")
        zone = f"{table['zones']} × {table['zone']}" if table["zone"] else "whole"
        total = f"{table['total']:,.0f}" if table["measure"] == "count" else "shares"
        variables = " × ".join(table["variables"])
        universe = table["universe"] or "all"
        cells = f"{table['cells']:,}"
        grid.add_row(table["name"], table["entity"], variables, zone, cells, total, table["binds"], tolerance, universe)
    return grid


def _grid(*columns: str) -> Any:
    from rich import box
    from rich.table import Table

    return Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
