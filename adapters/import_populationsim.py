"""A PopulationSim folder as a draft scenario: every control is carried, or it is said why not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.populationsim_controls import (
    counts_everybody,
    finest_geography,
    read_all_totals,
    read_controls,
    within_part,
)
from adapters.populationsim_files import Inputs, read_inputs
from adapters.populationsim_zones import ZonePart, build_zones
from schemas.errors import UserError
from schemas.imports import Draft, DraftTable, Finding
from schemas.model import FloatArray
from schemas.scenario import TargetSpec
from synthesis.control_domains import Domain, build_domains
from synthesis.control_glossary import known
from synthesis.control_groups import form_groups
from synthesis.control_overlaps import tell_overlaps
from synthesis.control_tables import MEMBER_TOLERANCE, Tables, add_group, add_total
from synthesis.control_universes import doubt_universes
from synthesis.control_variables import ENTITIES, Assumptions, Variables, build_variables, safe_name
from synthesis.controls import Control, Published
from synthesis.expressions import nearest

DEFAULT_MEMBERS = (1.0, 7.0)
MAX_IMPORTANCE = 1_000_000.0


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the user adds to the files."""

    where: tuple[tuple[str, str], ...] = ()
    ranges: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    definitions: Mapping[tuple[str, str], str] = field(default_factory=dict)
    binds_members: str = "share"
    member_tolerance: float | None = None
    """Total variation by which a zone's shares of persons may be missed; default: an assumed one."""
    name: str | None = None


def draft_populationsim(folder: Path, options: ImportOptions) -> Draft:
    """The draft scenario of a PopulationSim folder."""
    findings: list[Finding] = []
    inputs = read_inputs(folder)
    controls = read_controls(inputs, findings)
    totals = read_all_totals(inputs, controls, findings)
    zones = build_zones(inputs.crosswalk(), totals, finest_geography(inputs, controls, totals), options.where, findings)
    controls = within_part(controls, zones, findings)
    counts = {c.target: totals[c.geography].counts(c.field, zones.units[c.geography]) for c in controls}
    everybody = {c.target for c in controls if counts_everybody(c, controls, inputs)}
    return _draft(inputs, options, controls, everybody, counts, zones, findings)


def _draft(
    inputs: Inputs,
    options: ImportOptions,
    controls: Sequence[Control],
    everybody: set[str],
    counts: Mapping[str, FloatArray],
    zones: ZonePart,
    findings: list[Finding],
) -> Draft:
    classes = [c for c in controls if c.target not in everybody]
    domains = _domains(classes, options)
    published = Published(dict(counts), _totals(controls, everybody, counts, zones))
    findings.extend(_homeless(published, zones))
    groups, noticed = form_groups(classes, domains, published)
    findings.extend(noticed)
    findings.extend(doubt_universes(groups, published))
    findings.extend(tell_overlaps(groups, published))
    assumptions = Assumptions(options.ranges, options.definitions)
    variables = build_variables(groups, domains, assumptions, list(zones.levels.values()), findings)
    tolerance = MEMBER_TOLERANCE if options.member_tolerance is None else options.member_tolerance
    tables = Tables(zones.levels, zones.units, options.binds_members, tolerance, findings=findings)
    controls = _described(controls, everybody, variables, findings)
    member_count = _member_count(controls, variables, zones, findings)
    for control in controls:
        if control.target in everybody:
            add_total(tables, control, counts[control.target], _anybody(control.table, variables, member_count))
    for group in groups:
        add_group(tables, group, variables, published)
    if any("tolerance" in spec for spec in tables.targets.values()):
        why = "for persons in group quarters" if options.member_tolerance is None else "as stated"
        text = f"tables of shares may be missed by a TVD of {tolerance:g} per zone, {why}"
        findings.append(Finding("assumed" if options.member_tolerance is None else "noted", "persons", text))
    document = _document(inputs, options, controls, tables, variables, member_count, zones)
    files = (_crosswalk(zones), *tables.files)
    return Draft(document, files, tuple(_sorted(findings)), f"Import of PopulationSim's inputs: {document['name']}")


def _domains(controls: Sequence[Control], options: ImportOptions) -> dict[tuple[str, str], Domain]:
    found: dict[tuple[str, str], Domain] = {}
    for table in ENTITIES:
        ranges = {column: given for (of, column), given in options.ranges.items() if of == table}
        tests = [control.test for control in controls if control.table == table]
        found |= {(table, name): domain for name, domain in build_domains(tests, ranges).items()}
    for of, column in (*options.ranges, *options.definitions):
        if (of, column) not in found:
            known_columns = [f"{table}.{name}" for table, name in found]
            raise UserError(f"{of}.{column}: no control uses this column{nearest(f'{of}.{column}', known_columns)}")
    return found


def _totals(
    controls: Sequence[Control], everybody: set[str], counts: Mapping[str, FloatArray], zones: ZonePart
) -> dict[tuple[str, str], FloatArray]:
    """Everybody per geography and seed table: as published there, else summed from the finest zones."""
    totals: dict[tuple[str, str], FloatArray] = {}
    for control in controls:
        if control.target in everybody:
            totals.setdefault((control.geography, control.table), counts[control.target])
    for table in ENTITIES:
        if (zones.finest, table) in totals:
            for geography in zones.levels:
                summed = zones.sums(totals[zones.finest, table], geography)
                totals.setdefault((geography, table), summed)
    return totals


def _homeless(published: Published, zones: ZonePart) -> list[Finding]:
    """Persons counted where no household is."""
    households, persons = (published.totals.get((zones.finest, table)) for table in ENTITIES)
    if households is None or persons is None or not (alone := (households == 0) & (persons > 0)).any():
        return []
    text = (
        f"{persons[alone].sum():,.0f} are counted in {alone.sum()} {zones.finest} units without a household, "
        "presumably in group quarters: they are not synthesised"
    )
    return [Finding("doubtful", "persons", text)]


def _described(
    controls: Sequence[Control], everybody: set[str], variables: Variables, findings: list[Finding]
) -> list[Control]:
    """The controls without a total of persons of whom nothing else is told."""
    if any(table == "persons" for table, _ in variables):
        return list(controls)
    for control in controls:
        if control.table == "persons" and control.target in everybody:
            text = "nothing else that is imported describes persons: only households are synthesised"
            findings.append(Finding("left out", control.target, text, control.where))
    return [control for control in controls if control.table != "persons"]


def _member_count(
    controls: Sequence[Control], variables: Variables, zones: ZonePart, findings: list[Finding]
) -> str | None:
    """The name of the variable that counts a household's persons; None without persons."""
    if not any(control.table == "persons" for control in controls):
        return None
    for (table, column), variable in variables.items():
        if table == "households" and known(column).is_member_count and variable.domain.kind == "integer":
            return variable.name
    low, high = DEFAULT_MEMBERS
    text = f"no control tells a household's size: {low:.0f} to {high:.0f}, each half as frequent as the one before"
    findings.append(Finding("assumed", "household_size", text))
    return safe_name("household_size", [variable.name for variable in variables.values()] + list(zones.levels.values()))


def _anybody(table: str, variables: Variables, member_count: str | None) -> str:
    """A condition that every record of the entity fulfils."""
    if table == "households" and member_count is not None:
        return f"{member_count} >= 0"
    for (of, _), variable in variables.items():
        if of == table and not variable.is_derived and not variable.is_category:
            return f"{variable.name} >= {min(variable.low, 0):.15g}"
    for (of, _), variable in variables.items():
        if of == table and not variable.is_derived:
            return f'{variable.name} == "{variable.atoms[0][0]}" or {variable.name} != "{variable.atoms[0][0]}"'
    raise UserError(f"no control that can be used describes {table}, expected at least one beside their total")


def _document(
    inputs: Inputs,
    options: ImportOptions,
    controls: Sequence[Control],
    tables: Tables,
    variables: Variables,
    member_count: str | None,
    zones: ZonePart,
) -> dict[str, Any]:
    part = ", ".join(f"{column}={value}" for column, value in options.where)
    name = safe_name(options.name or inputs.folder.resolve().name)
    document: dict[str, Any] = {
        "name": name,
        "title": f"{inputs.folder.resolve().name}{f', {part}' if part else ''}, from PopulationSim's inputs",
        "description": _description(inputs, zones),
        "sources": {
            "controls": {
                "publisher": "whoever made the control totals",
                "title": "control totals in PopulationSim's input format",
            },
            "importer": {"publisher": "synthor", "title": "importer's assumption, not a published figure"},
        },
        "entities": _entities(controls, tables, variables, member_count),
        "zones": {
            "variable": zones.levels[zones.finest],
            "crosswalk": "zones.csv",
            "partition_by": zones.partition_by,
        },
        "targets": with_importances(tables.targets, "importance" in TargetSpec.model_fields),
    }
    return document


def _description(inputs: Inputs, zones: ZonePart) -> str:
    seed = inputs.settings.seed_geography
    seed_text = f" The seed geography was {seed}; no seed sample is used." if seed else " No seed sample is used."
    return f"Imported; IMPORT.md says what was left out, repaired and assumed.{seed_text}"


def with_importances(targets: Mapping[str, dict[str, Any]], is_known: bool) -> dict[str, dict[str, Any]]:
    """The targets with importances relative to the most common one, if scenarios know them; notes keep the given."""
    counted = Counter(spec["importance"] for spec in targets.values())
    usual = min(counted, key=lambda importance: (-counted[importance], importance))
    result = {}
    for name, spec in targets.items():
        given = spec["importance"]
        kept = {key: value for key, value in spec.items() if key not in ("importance", "note")}
        if is_known and given != usual:
            kept["importance"] = float(f"{min(given / usual, MAX_IMPORTANCE):.6g}")
        result[name] = kept | {"note": f"{spec['note']} Importance {given:.15g}."}
    return result


def _entities(
    controls: Sequence[Control], tables: Tables, variables: Variables, member_count: str | None
) -> dict[str, Any]:
    entities: dict[str, Any] = {"household": {"variables": {}, "derived": {}}}
    if member_count is not None:
        entities["person"] = {"parent": "household", "count": member_count, "variables": {}, "derived": {}}
    for variable in variables.values():
        kind = "derived" if variable.is_derived else "variables"
        entities[variable.entity][kind][variable.name] = dict(variable.spec)
    if member_count is not None and member_count not in entities["household"]["variables"]:
        low, high = (int(bound) for bound in DEFAULT_MEMBERS)
        weights = {str(size): 0.5 ** (size - low) for size in range(low, high + 1)}
        described = "persons in the household (importer's assumption: range and weights)"
        spec = {"type": "integer", "range": [low, high], "description": described, "prior_weights": weights}
        entities["household"]["variables"][member_count] = spec
    for name, entity in entities.items():
        entity["derived"] |= tables.derived[name]
        if not entity["derived"]:
            del entity["derived"]
    return entities


def _crosswalk(zones: ZonePart) -> DraftTable:
    columns = [zones.unit_of_zone[geography] for geography in zones.levels]
    return DraftTable("zones.csv", tuple(zones.levels.values()), list(zip(*columns, strict=True)))


def _sorted(findings: Sequence[Finding]) -> list[Finding]:
    order = ("left out", "repaired", "doubtful", "assumed", "noted")
    return sorted(dict.fromkeys(findings), key=lambda finding: order.index(finding.kind))
