"""A scenario folder, read and checked: scenario.yaml, its target tables and its crosswalk."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import numpy as np

from adapters.crosswalk_rows import distinct_rows
from adapters.nearby import nearby_folder
from adapters.prior_files import prior_files, read_prior
from adapters.scenario_document import FILE_NAME, Document, located_parse
from adapters.scenario_entities import read_entities, reserved, scope_of
from adapters.scenario_moments import read_moments
from adapters.scenario_tables import read_tables
from adapters.target_files import Rows, read_rows
from schemas.errors import UserError
from schemas.model import Entity, IntArray, Reconcile, Rule, Scenario, TargetTable, Zones
from schemas.scenario import RuleSpec
from synthesis.expressions import nearest

MAX_SIZE = 10**12
LONGEST_NAME = 200
_LEVEL_NAME = re.compile(r"[a-z][a-z0-9_]*")


def read_scenario(folder: Path) -> Scenario:
    """The checked scenario in `folder`; any mistake in it is a ScenarioError with file and line."""
    _check_folder(folder)
    document = Document(folder)
    spec = document.spec
    if spec.size is not None and spec.size > MAX_SIZE:
        raise document.error(f"expected at most {MAX_SIZE}, got {spec.size}", "size")
    zones = _zones(document)
    root, member = read_entities(document, zones)
    tables = read_tables(document, root, member, zones)
    return Scenario(
        name=spec.name,
        root=root,
        tables=tables,
        member=member,
        zones=zones,
        rules=tuple(_rule(document, root, member, i, rule) for i, rule in enumerate(spec.rules)),
        size=spec.size,
        title=spec.title or spec.name,
        description=spec.description,
        context=spec.context,
        sources={key: source.model_dump() for key, source in spec.sources.items()},
        fingerprint=fingerprint(document),
        reconcile=_reconcile(document, root, zones, tables),
        prior=read_prior(folder, root, member, zones),
        moments=read_moments(document, root, member, zones),
    )


def _reconcile(document: Document, root: Entity, zones: Zones | None, tables: tuple[TargetTable, ...]) -> Reconcile:
    spec = document.spec.reconcile
    level = zones.variable if zones else None
    able = [
        t.name for t in tables if (t.entity, t.measure, t.universe, t.zone_level) == (root.name, "count", None, level)
    ]
    if spec.sizes_from is not None and spec.sizes_from not in able:
        where = f" by {level}" if level else ""
        message = f"expected a table that counts all {root.name} records{where}, got {spec.sizes_from!r}"
        raise document.error(message + nearest(spec.sizes_from, able), "reconcile", "sizes_from")
    return Reconcile(spec.totals, spec.contradictions, spec.sizes_from)


def _check_folder(folder: Path) -> None:
    try:
        if folder.is_file():
            raise UserError(f"{folder}: is a file, expected the scenario folder that holds {FILE_NAME}")
        if not folder.is_dir():
            raise UserError(f"{folder}: no such scenario folder{nearby_folder(folder, FILE_NAME)}")
        if not (folder / FILE_NAME).is_file():
            raise UserError(f"{folder}: no {FILE_NAME} in this folder")
    except OSError as exc:  # a name too long, a folder that may not be entered
        raise UserError(f"{folder}: cannot read the scenario folder ({exc.strerror})") from exc


def input_files(document: Document) -> list[str]:
    """The files that make up the scenario, scenario.yaml first, relative to its folder."""
    spec = document.spec
    names = [FILE_NAME] + ([spec.zones.crosswalk] if spec.zones else [])
    names += [target.file for target in spec.targets.values()]
    return list(
        dict.fromkeys(
            [*names, *(path.relative_to(document.folder).as_posix() for path in prior_files(document.folder))]
        )
    )


def fingerprint(document: Document) -> str:
    """SHA-256 over names and bytes of the scenario's files."""
    digest = hashlib.sha256()
    for name in input_files(document):
        path = document.folder / name
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _zones(document: Document) -> Zones | None:
    spec = document.spec.zones
    if spec is None:
        return None
    reason = reserved(document, spec.variable)
    if reason:
        raise document.error(reason, "zones", "variable")
    rows = read_rows(document.input_path(spec.crosswalk, "zones", "crosswalk"), str(document.folder / spec.crosswalk))
    if spec.variable not in rows.columns:
        raise rows.error(f"missing column {spec.variable!r}, expected the zone variable")
    levels = [spec.variable] + [n for n in rows.columns if n != spec.variable and not n.endswith("_name")]
    rows, remarks = distinct_rows(rows)
    _check_levels(document, rows, levels)
    names = {level: tuple(dict.fromkeys(rows.columns[level])) for level in levels}
    lookup = {level: _positions(names[level], rows.columns[level]) for level in levels}
    partition_by = spec.partition_by or spec.variable
    if partition_by not in levels:
        raise document.error(f"unknown level {partition_by!r}{nearest(partition_by, levels)}", "zones", "partition_by")
    return Zones(spec.variable, tuple(levels), names, lookup, partition_by, remarks)


def _check_levels(document: Document, rows: Rows, levels: list[str]) -> None:
    variable = levels[0]
    for level in levels[1:]:
        reason = reserved(document, level)
        if not _LEVEL_NAME.fullmatch(level):
            reason = "expected a name of lower-case letters, digits and _ (labels: a column that ends in _name)"
        if reason:
            raise rows.error(f"column {level!r} is not usable as a zone level: {reason}")
    first: dict[str, int] = {}
    for i, zone in enumerate(rows.columns[variable]):
        if zone in first:
            raise rows.error(f"zone {zone!r} appears twice, first on line {rows.lines[first[zone]]}", i)
        for name in (zone, *(rows.columns[level][i] for level in levels[1:])):
            if name and not _is_folder_name(name):
                raise rows.error(f"{name[:80]!r} is not usable as a zone name", i)
        if not zone or "/" in zone:
            raise rows.error(f"{zone!r} is not usable as a zone name", i)
        first[zone] = i
        for level in levels[1:]:
            if not rows.columns[level][i]:
                raise rows.error(f"zone {zone!r} has no {level}", i)


def _is_folder_name(name: str) -> bool:
    """Whether a partition's folder can be named so; `/` is quoted there."""
    return name not in (".", "..") and name.isprintable() and len(quote(name)) <= LONGEST_NAME


def _positions(names: Sequence[str], values: Sequence[str]) -> IntArray:
    position = {name: i for i, name in enumerate(names)}
    return np.array([position[value] for value in values], dtype=np.int64)


def _rule(document: Document, root: Entity, member: Entity | None, i: int, spec: RuleSpec) -> Rule:
    if spec.entity not in document.spec.entities:
        known = list(document.spec.entities)
        raise document.error(f"unknown entity {spec.entity!r}{nearest(spec.entity, known)}", "rules", i, "entity")
    if any(rule.name == spec.name for rule in document.spec.rules[:i]):
        raise document.error(f"a rule named {spec.name!r} exists already", "rules", i, "name")
    scope = scope_of(root, member, spec.entity)
    then = located_parse(document, spec.then, scope, "truth", "rules", i, "then")
    when = located_parse(document, spec.when, scope, "truth", "rules", i, "when") if spec.when is not None else None
    text = spec.then if spec.when is None else f"when {spec.when} then {spec.then}"
    return Rule(spec.name, spec.entity, then, when, text, spec.reason)
