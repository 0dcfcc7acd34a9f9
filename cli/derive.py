"""`synthor derive`: target tables from micro-data, as a scenario."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.microdata import Ids, Mapping, Maps, Parents, read_files, read_joints, read_pairs
from schemas.errors import UserError

if TYPE_CHECKING:
    from adapters.derived_scenario import Derivation, DeriveSettings
    from adapters.microdata import MicroSources
    from schemas.model import Scenario


def derive(
    micro: Annotated[
        list[str], typer.Option(help="Micro-data of an entity (CSV or parquet), the root first.", metavar="ENTITY=FILE")
    ],
    out: Annotated[Path, typer.Option(help="Scenario folder to be written.", show_default=False)],
    scenario: Annotated[
        Path | None, typer.Option(help="Scenario whose definitions are kept; only its figures are computed.")
    ] = None,
    ids: Ids = None,
    parents: Parents = None,
    maps: Maps = None,
    mapping: Mapping = None,
    joint: Annotated[list[str] | None, typer.Option(help="Variables of a joint table.", metavar="A,B")] = None,
    zone: Annotated[str | None, typer.Option(help="Column of the root: every table is counted by it.")] = None,
    count: Annotated[str | None, typer.Option(help="Variable of the root that counts its members.")] = None,
    keep: Annotated[str | None, typer.Option(help="The only variables to be kept.", metavar="A,B,…")] = None,
    drop: Annotated[str | None, typer.Option(help="Variables to be left out.", metavar="A,B,…")] = None,
    bins: Annotated[int, typer.Option(min=1, max=1000, help="Quantile bins of a number.")] = 6,
    sub_bins: Annotated[int, typer.Option(min=1, max=1000, help="Equal parts of a bin that is cut.")] = 8,
    cut: Annotated[
        int | None, typer.Option(min=0, help="Main bins to be cut, least uniform first; default: all.")
    ] = None,
    tolerance: Annotated[int, typer.Option(min=0, help="Records by which a root's cell may be missed.")] = 2,
    name: Annotated[str | None, typer.Option(help="The scenario's name; default: the folder's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Count target tables in micro-data and write them as a scenario."""
    files = read_files(micro, "--micro")
    if scenario is not None and any((joint, zone, count, keep, drop)):
        raise UserError("--scenario: its own tables are computed, expected no --joint, --zone, --count, --keep, --drop")
    from adapters.mapping_file import read_mapping
    from adapters.microdata import MicroSources

    links, pairs = read_pairs(parents, "--parent"), read_pairs(maps, "--map")
    files = _root_first(files, links)
    mapped = read_mapping(mapping, list(files), list(pairs.items()))
    sources = MicroSources(files, read_pairs(ids, "--id"), links, mapped, (zone,) if zone else ())
    if scenario is not None:
        _tell(_refigure(scenario, sources, out), as_json)
        return
    from adapters.derived_scenario import DeriveSettings
    from adapters.inferred_variables import BinSettings

    wanted = DeriveSettings(
        name=_name(name, out),
        joints=read_joints(joint),
        zone=zone,
        count=count,
        keep=_names(keep),
        drop=_names(drop),
        bins=BinSettings(bins, sub_bins, cut),
        tolerance_records=tolerance,
    )
    _tell(_derive(sources, wanted, out), as_json)


def _root_first(files: dict[str, Path], parents: dict[str, str]) -> dict[str, Path]:
    if len(files) > 2:
        raise UserError(f"--micro: expected one root and at most one member entity, got {len(files)} entities")
    for entity in parents:
        if entity not in files:
            raise UserError(f"--parent {entity}=…: no --micro {entity}=FILE is given")
    return dict(sorted(files.items(), key=lambda item: item[0] in parents))


def _names(given: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (given or "").split(",") if part.strip())


def _name(given: str | None, out: Path) -> str:
    from adapters.microdata import slug

    return given or slug(out.absolute().name)


def _derive(sources: "MicroSources", wanted: "DeriveSettings", out: Path) -> dict[str, Any]:
    from adapters.derived_scenario import derive as derive_scenario
    from adapters.derived_scenario import write_derivation
    from adapters.microdata import read_micro

    frames = read_micro(sources)
    held = {*map(str, frames.root.columns), *(map(str, frames.member.columns) if frames.member is not None else ())}
    _check_known("--keep", wanted.keep, held)
    _check_known("--drop", wanted.drop, held)
    derivation = derive_scenario(sources, frames, wanted)
    described = " and ".join(path.name for path in sources.files.values())
    write_derivation(derivation, out, described)
    return _describe(derivation, out)


def _check_known(option: str, names: tuple[str, ...] | Any, held: set[str]) -> None:
    from synthesis.expressions import nearest

    for name in names:
        if name not in held:
            raise UserError(f"{option} {name}: no such variable{nearest(name, sorted(held))}")


def _describe(derivation: "Derivation", out: Path) -> dict[str, Any]:
    from adapters.derived_scenario import FEW, small_cells

    variables = [
        {
            "entity": entity,
            "name": name,
            "type": held.variable.kind,
            "distinct": held.distinct,
            **({"categories": list(held.variable.categories)} if held.variable.categories else {}),
            **({} if held.variable.categories else {"range": [held.variable.low, held.variable.high]}),
            "note": held.note,
        }
        for entity, names in derivation.variables.items()
        for name, held in names.items()
    ]
    tables = [
        {"name": t.name, "entity": t.entity, "cells": int(t.counts.size), "records": int(t.counts.sum())}
        for t in derivation.tables
    ]
    few = f"{small_cells(derivation):,} cells hold fewer than {FEW} records"
    notes = [*derivation.notes, f"{few}; figures are exact counts, nothing is perturbed"]
    return {
        "scenario": str(out),
        "size": derivation.size,
        "zones": len(derivation.zones),
        "variables": variables,
        "tables": tables,
        "notes": notes,
    }


def _refigure(scenario: Path, sources: "MicroSources", out: Path) -> dict[str, Any]:
    from adapters.refigured_scenario import refigure

    found, notes = refigure(scenario, sources, out)
    return {"scenario": str(out), "size": found.size, "variables": [], "tables": _tables(found), "notes": list(notes)}


def _tables(scenario: "Scenario") -> list[dict[str, Any]]:
    return [
        {"name": t.name, "entity": t.entity, "cells": t.cells, "records": float(t.target.sum())}
        for t in scenario.tables
    ]


def _tell(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for variable in found["variables"]:
        values = variable.get("range") or f"{len(variable['categories'])} categories"
        span = values if isinstance(values, str) else f"{values[0]:,.10g} to {values[1]:,.10g}"
        note = f"; {variable['note']}" if variable["note"] else ""
        typer.echo(f"{variable['entity']}.{variable['name']}: {variable['type']}, {span}{note}")
    for note in found["notes"]:
        typer.echo(note)
    cells = sum(table["cells"] for table in found["tables"])
    typer.echo(f"{len(found['tables'])} tables with {cells:,} cells: {found['scenario']}")
