"""A scenario derived from micro-data: its variables inferred, its tables counted, its folder written."""

import csv
import itertools
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from adapters.inferred_variables import BinSettings, Inferred, infer_variable, safe_name
from adapters.microdata import MicroFrames, MicroSources, as_text
from adapters.scenario_document import FILE_NAME
from adapters.scenario_files import read_scenario
from schemas.errors import UserError
from schemas.model import Axis, IntArray, Variable
from synthesis.expressions import nearest
from synthesis.tabulation import tabulate

FEW = 5
"""Cells of fewer records than this are told: they may point at single people."""


@dataclass(frozen=True, slots=True)
class DeriveSettings:
    """What is to be derived besides the marginals."""

    name: str
    joints: Sequence[tuple[str, ...]] = ()
    zone: str | None = None
    count: str | None = None
    keep: Sequence[str] = ()
    drop: Sequence[str] = ()
    bins: BinSettings = field(default_factory=lambda: BinSettings(6, 8, None))
    tolerance_records: int = 2
    """How far each cell of root records may be missed."""


@dataclass(frozen=True, slots=True)
class DerivedTable:
    """A counted table; `counts` has shape (zones, *axes)."""

    name: str
    entity: str
    axes: tuple[Axis, ...]
    counts: IntArray


@dataclass(frozen=True, slots=True)
class Derivation:
    """Everything that the folder will hold."""

    settings: DeriveSettings
    size: int
    variables: dict[str, dict[str, Inferred]]
    """Per entity, root first."""
    tables: tuple[DerivedTable, ...]
    zones: tuple[str, ...]
    count: str | None
    notes: tuple[str, ...]


def derive(sources: MicroSources, frames: MicroFrames, settings: DeriveSettings) -> Derivation:
    """The derivation of a scenario from micro-data alone."""
    notes = list(frames.notes)
    root_name, *others = sources.files
    zones, unit_of_root = _zones(frames, settings, sources)
    variables = {root_name: _infer(frames.root, root_name, sources, settings, notes)}
    count = None
    if others and frames.member is not None:
        member = _without_repeats(frames, root_name, others[0], settings, notes)
        variables[others[0]] = _infer(member, others[0], sources, settings, notes)
        count = _count_variable(variables[root_name], frames, others[0], settings, notes)
    for entity, held in variables.items():
        if not held:
            raise UserError(f"{sources.files[entity]}: no column is left for {entity}, expected at least one")
    tables = _tables(variables, frames, settings, len(zones), unit_of_root)
    return Derivation(settings, len(frames.root), variables, tuple(tables), zones, count, tuple(notes))


def write_derivation(derivation: Derivation, out: Path, described: str) -> None:
    """The scenario folder, written whole or not at all, and read back as `synthor check` would."""
    with_folder(out, lambda folder: _write(derivation, folder, described))


def with_folder(out: Path, write: Any) -> None:
    """Call `write` on a temporary folder that becomes `out` if what it holds can be read as a scenario."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"--out {out}: exists already, expected a new folder")
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    temporary = out.absolute().with_name(f".{out.absolute().name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir()
        write(temporary)
        read_scenario(temporary)
        if out.exists():
            out.rmdir()
        temporary.rename(out.absolute())
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def small_cells(derivation: Derivation) -> int:
    """Cells of one to four records."""
    return sum(int(np.count_nonzero((t.counts > 0) & (t.counts < FEW))) for t in derivation.tables)


def write_cells(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A target table as CSV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def cell_rows(zones: Sequence[str], axes: Sequence[Axis], values: np.ndarray) -> Iterable[tuple[object, ...]]:
    """One row per cell; without zones, `values` has one unit."""
    labels = itertools.product(*([zones] if zones else []), *(axis.labels for axis in axes))
    return ((*cell, value) for cell, value in zip(labels, values.ravel().tolist(), strict=True))


def _zones(
    frames: MicroFrames, settings: DeriveSettings, sources: MicroSources
) -> tuple[tuple[str, ...], IntArray | None]:
    if settings.zone is None:
        return (), None
    if settings.zone not in frames.root:
        root = next(iter(sources.files))
        hint = nearest(settings.zone, map(str, frames.root.columns))
        raise UserError(f"--zone {settings.zone}: no such column of {root}{hint}")
    text = as_text(frames.root[settings.zone])
    names, units = np.unique(text.to_numpy(dtype=str), return_inverse=True)
    return tuple(names.tolist()), units.astype(np.int64)


def _infer(
    frame: Any, entity: str, sources: MicroSources, settings: DeriveSettings, notes: list[str]
) -> dict[str, Inferred]:
    found = {}
    for name in map(str, frame.columns):
        if name == settings.zone or name in settings.drop or (settings.keep and name not in settings.keep):
            continue
        called = safe_name(name, list(sources.files), entity)
        if called != name:
            notes.append(f"{entity}.{name} is called {called}: the name is reserved")
        found[called] = infer_variable(called, frame[name], str(sources.files[entity]), settings.bins)
    return found


def _without_repeats(frames: MicroFrames, root: str, member: str, settings: DeriveSettings, notes: list[str]) -> Any:
    """The members' frame without columns that repeat the root's; others of the same name are renamed."""
    assert frames.member is not None
    frame = frames.member
    for name in [name for name in map(str, frame.columns) if name in frames.root]:
        if settings.keep and name not in settings.keep:
            continue
        above = frames.root[name].to_numpy()[frames.parent]
        if name == settings.zone or np.array_equal(above, frame[name].to_numpy()):
            frame = frame.drop(columns=name)
            notes.append(f"{member}.{name} repeats {root}.{name} and is left out")
        else:
            frame = frame.rename(columns={name: f"{member}_{name}"})
            notes.append(f"{member}.{name} is called {member}_{name}: {root} has a variable of that name")
    return frame


def _count_variable(
    root: dict[str, Inferred], frames: MicroFrames, member: str, settings: DeriveSettings, notes: list[str]
) -> str:
    """The root's integer that counts its members: the one named, one that does so everywhere, or a new one."""
    listed = np.bincount(frames.parent, minlength=len(frames.root))
    if settings.count is not None:
        if settings.count not in root:
            raise UserError(f"--count {settings.count}: no such variable{nearest(settings.count, root)}")
        off = int(np.count_nonzero(root[settings.count].column != listed))
        if off:
            raise UserError(f"--count {settings.count}: differs from the listed {member} records in {off:,} records")
        return settings.count
    for name, inferred in root.items():
        if inferred.variable.kind == "integer" and np.array_equal(inferred.column, listed):
            notes.append(f"{name} counts the {member} records")
            return name
    import pandas as pd

    name = f"{member}_count"
    root[name] = infer_variable(name, pd.Series(listed), member, settings.bins)
    notes.append(f"{name} is added: how many {member} records are listed")
    return name


def _tables(
    variables: dict[str, dict[str, Inferred]],
    frames: MicroFrames,
    settings: DeriveSettings,
    zone_count: int,
    unit_of_root: IntArray | None,
) -> Iterable[DerivedTable]:
    root, *others = variables
    columns = {root: {name: inferred.column for name, inferred in variables[root].items()}}
    units = {root: unit_of_root}
    for member in others:
        above = {name: column[frames.parent] for name, column in columns[root].items()}
        columns[member] = above | {name: inferred.column for name, inferred in variables[member].items()}
        units[member] = None if unit_of_root is None else unit_of_root[frames.parent]
    for entity, names, axes in _axes(variables, settings):
        counts = tabulate(columns[entity], axes, units[entity], max(zone_count, 1))
        yield DerivedTable("__".join(names), entity, axes, counts)


def _axes(
    variables: dict[str, dict[str, Inferred]], settings: DeriveSettings
) -> Iterable[tuple[str, tuple[str, ...], tuple[Axis, ...]]]:
    """Marginals of every variable over fine bins, then the named joints over main bins."""
    for entity, held in variables.items():
        yield from ((entity, (name,), (inferred.fine,)) for name, inferred in held.items())
    owner = {name: entity for entity, held in variables.items() for name in held}
    root = next(iter(variables))
    for names in settings.joints:
        for name in names:
            if name not in owner:
                raise UserError(f"--joint {','.join(names)}: no variable {name!r}{nearest(name, owner)}")
        entity = next((owner[name] for name in names if owner[name] != root), root)
        yield entity, names, tuple(variables[owner[name]][name].main for name in names)


def _write(derivation: Derivation, folder: Path, described: str) -> None:
    zone = derivation.settings.zone
    for table in derivation.tables:
        header = [*([zone] if zone else []), *(axis.variable for axis in table.axes), "count"]
        write_cells(
            folder / "targets" / f"{table.name}.csv", header, cell_rows(derivation.zones, table.axes, table.counts)
        )
    if zone:
        write_cells(folder / "zones.csv", [zone], [(name,) for name in derivation.zones])
    text = yaml.safe_dump(_document(derivation, described), sort_keys=False, allow_unicode=True, width=120)
    (folder / FILE_NAME).write_text(text, encoding="utf-8")


def _document(derivation: Derivation, described: str) -> dict[str, Any]:
    root, *others = derivation.variables
    settings = derivation.settings
    entities: dict[str, Any] = {}
    for entity, held in derivation.variables.items():
        link = {"parent": root, "count": derivation.count} if entity in others else {}
        entities[entity] = {**link, "variables": {name: _spec(each.variable) for name, each in held.items()}}
    document: dict[str, Any] = {
        "name": settings.name,
        "title": f"Derived from {described}",
        "description": "Tables counted by `synthor derive`; every figure is the exact count in the micro-data.",
        "size": derivation.size,
        "entities": entities,
    }
    if settings.zone:
        document["zones"] = {"variable": settings.zone, "crosswalk": "zones.csv"}
    document["targets"] = {table.name: _target(table, root, settings) for table in derivation.tables}
    return document


def _spec(variable: Variable) -> dict[str, Any]:
    if variable.kind == "category":
        return {"type": "category", "categories": list(variable.categories)}
    ends = [variable.low, variable.high]
    return {"type": variable.kind, "range": [int(e) for e in ends] if variable.kind == "integer" else ends}


def _target(table: DerivedTable, root: str, settings: DeriveSettings) -> dict[str, Any]:
    target: dict[str, Any] = {"entity": table.entity, "variables": [axis.variable for axis in table.axes]}
    target |= {"file": f"targets/{table.name}.csv", "measure": "count"}
    target |= {"zone": settings.zone} if settings.zone else {}
    if table.entity == root:
        target["tolerance"] = {"records": settings.tolerance_records}
    return target
