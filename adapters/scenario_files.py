"""A scenario folder, read and checked: scenario.yaml, its target tables and its crosswalk."""

import hashlib
from pathlib import Path

import numpy as np

from adapters.scenario_document import FILE_NAME, Document, located_parse
from adapters.scenario_entities import read_entities, scope_of
from adapters.scenario_tables import read_tables
from adapters.target_files import read_rows
from schemas.errors import UserError
from schemas.model import Entity, Rule, Scenario, Zones
from schemas.scenario import RuleSpec
from synthesis.expressions import nearest


def read_scenario(folder: Path) -> Scenario:
    """The checked scenario in `folder`; any mistake in it is a ScenarioError with file and line."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such scenario folder")
    if not (folder / FILE_NAME).is_file():
        raise UserError(f"{folder}: no {FILE_NAME} in this folder")
    document = Document(folder)
    spec = document.spec
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
    )


def input_files(document: Document) -> list[str]:
    """The files that make up the scenario, scenario.yaml first, relative to its folder."""
    spec = document.spec
    names = [FILE_NAME] + ([spec.zones.crosswalk] if spec.zones else [])
    return list(dict.fromkeys(names + [target.file for target in spec.targets.values()]))


def fingerprint(document: Document) -> str:
    """SHA-256 over names and bytes of the scenario's files."""
    digest = hashlib.sha256()
    for name in input_files(document):
        content = (document.folder / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _zones(document: Document) -> Zones | None:
    spec = document.spec.zones
    if spec is None:
        return None
    rows = read_rows(document.input_path(spec.crosswalk, "zones", "crosswalk"), str(document.folder / spec.crosswalk))
    if spec.variable not in rows.columns:
        raise rows.error(f"missing column {spec.variable!r}, expected the zone variable")
    levels = [spec.variable] + [n for n in rows.columns if n != spec.variable and not n.endswith("_name")]
    zones = rows.columns[spec.variable]
    for i, zone in enumerate(zones):
        if zone in zones[:i]:
            raise rows.error(f"zone {zone!r} appears twice", i)
        if not zone or "/" in zone or zone in (".", ".."):
            raise rows.error(f"{zone!r} is not usable as a zone name", i)
    names = {level: tuple(dict.fromkeys(rows.columns[level])) for level in levels}
    lookup = {level: np.array([names[level].index(v) for v in rows.columns[level]]) for level in levels}
    partition_by = spec.partition_by or spec.variable
    if partition_by not in levels:
        raise document.error(f"unknown level {partition_by!r}{nearest(partition_by, levels)}", "zones", "partition_by")
    return Zones(spec.variable, tuple(levels), names, lookup, partition_by)


def _rule(document: Document, root: Entity, member: Entity | None, i: int, spec: RuleSpec) -> Rule:
    if spec.entity not in document.spec.entities:
        known = list(document.spec.entities)
        raise document.error(f"unknown entity {spec.entity!r}{nearest(spec.entity, known)}", "rules", i, "entity")
    if any(rule.name == spec.name for rule in document.spec.rules[:i]):
        raise document.error(f"a rule named {spec.name!r} exists already", "rules", i, "name")
    scope = scope_of(root, member, spec.entity)
    then = located_parse(document, spec.then, scope, "truth", "rules", i, "then")
    when = located_parse(document, spec.when, scope, "truth", "rules", i, "when") if spec.when else None
    text = f"when {spec.when} then {spec.then}" if spec.when else spec.then
    return Rule(spec.name, spec.entity, then, when, text, spec.reason)
