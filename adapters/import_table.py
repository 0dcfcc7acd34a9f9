"""A plain CSV as a target table: of a new scenario, or added to one that is there, whose comments are kept."""

import io
import math
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from adapters.published_rows import Shape, number, read_published
from adapters.scenario_files import read_scenario
from adapters.scenario_writer import write_scenario, write_table
from adapters.target_files import Rows
from schemas.errors import ScenarioError, UserError
from schemas.imports import Draft, DraftTable, Finding
from schemas.model import Scenario
from synthesis.control_domains import assumed_end
from synthesis.control_variables import safe_name
from synthesis.expressions import nearest
from synthesis.labels import integer_span

_TEXT_TAG = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Answers to the questions that a CSV leaves open."""

    entity: str
    variables: tuple[str, ...]
    measure: str = "count"
    value: str | None = None
    moe: str | None = None
    zone: str | None = None
    universe: str | None = None
    name: str | None = None
    parent: str | None = None
    count: str | None = None
    source: str | None = None
    across: str | None = None
    """What the file's other columns are categories of, if it has a column for each."""
    totals: tuple[str, ...] = ()
    tolerance: float | None = None
    """Records per cell of a table of counts, total variation of one of shares."""
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Table:
    """The CSV's columns under their names in the scenario."""

    name: str
    variables: tuple[str, ...]
    zone: str | None
    file: DraftTable
    rows: Rows
    columns: dict[str, str]
    """The CSV's column of each variable."""


def import_table(path: Path, options: TableOptions, out: Path) -> tuple[Draft, Scenario]:
    """The table as a draft, and the scenario that has it."""
    if options.measure not in ("count", "share", "percent"):
        raise UserError(f"--measure {options.measure}: expected count, share or percent")
    if options.across is not None and options.moe is not None:
        raise UserError("--across: a margin of error would need a column of its own, expected no --moe")
    rows, findings, rounding = read_published(path, _shape(options))
    if options.across is not None:
        options = replace(options, variables=(*options.variables, options.across))
    if options.measure == "percent":
        options = replace(options, measure="share", value=options.value or "percent")
        options = _with_tolerance(path, options, rounding, findings)
    table = _read(rows, path, options)
    try:
        return _import(path, table, options, out, findings)
    except ScenarioError as exc:
        raise _in_its_own_file(exc, table) from exc


def _with_tolerance(path: Path, options: TableOptions, rounding: float, findings: list[Finding]) -> TableOptions:
    """A tolerance for what percentages are rounded by, if none is given: met exactly, they are at odds with counts."""
    if options.tolerance is not None:
        return options
    text = f"percentages are rounded: may be missed by a TVD of {rounding:g}; --tolerance states another"
    findings.append(Finding("assumed", safe_name(options.name or path.stem), text, str(path)))
    return replace(options, tolerance=rounding)


def _shape(options: TableOptions) -> Shape:
    value = options.value or options.measure
    is_percent = options.measure == "percent"
    return Shape(options.variables, options.zone, value, options.across, options.totals, is_percent)


def _in_its_own_file(error: ScenarioError, table: "_Table") -> ScenarioError:
    """A mistake in the table as the user has it: the scenario's own copy of it was never written."""
    if not error.path.endswith(table.file.file):
        return error
    line = None if error.line is None else table.rows.lines[error.line - 2] if error.line > 1 else 1
    return ScenarioError(error.message, table.rows.path, line)


def _import(
    path: Path, table: "_Table", options: TableOptions, out: Path, findings: list[Finding]
) -> tuple[Draft, Scenario]:
    if (out / "scenario.yaml").is_file():
        return _add(table, options, out, findings)
    document = _new_document(table, options, out, path, findings)
    files = [table.file]
    if table.zone is not None:
        zones = dict.fromkeys(str(row[0]) for row in table.file.rows)
        files.append(DraftTable("zones.csv", (table.zone,), [(zone,) for zone in zones]))
    draft = Draft(document, tuple(files), tuple(findings), f"Import of {path.name}")
    return draft, write_scenario(draft, out)


def _read(rows: Rows, path: Path, options: TableOptions) -> _Table:
    most = 1e15 if options.measure == "count" else 1
    if options.tolerance is not None and not 0 <= options.tolerance <= most:
        raise UserError(f"--tolerance {options.tolerance:g}: expected 0 or more{'' if most > 1 else ', and at most 1'}")
    value = options.value or options.measure
    moe = options.moe or ("moe" if "moe" in rows.columns else None)
    wanted = [("--zone", options.zone), *(("--variables", v) for v in options.variables), ("--value", value)]
    for flag, column in [*wanted, ("--moe", moe)]:
        if column is not None and column not in rows.columns:
            wide = "; if each column is a category, say of what with --across NAME" if flag == "--value" else ""
            raise UserError(f"{flag} {column}: no such column in {path}{nearest(column, rows.columns)}{wide}")
    name = safe_name(options.name or path.stem)
    variables = tuple(safe_name(variable) for variable in options.variables)
    zone = None if options.zone is None else safe_name(options.zone)
    used = [c for c in (options.zone, *options.variables) if c is not None]
    cells = zip(*(rows.columns[c] for c in used), strict=True)
    values = [_number(rows, value, i) for i in range(len(rows.lines))]
    header = (*([zone] if zone else []), *variables, options.measure, *(["moe"] if moe else []))
    body: list[tuple[object, ...]] = []
    for i, cell in enumerate(cells):
        margin = () if moe is None else (_number(rows, moe, i, may_miss=True),)
        body.append((*cell, values[i], *margin))
    columns = dict(zip(variables, options.variables, strict=True))
    return _Table(name, variables, zone, DraftTable(f"targets/{name}.csv", header, body), rows, columns)


def _number(rows: Rows, column: str, row: int, may_miss: bool = False) -> object:
    """The number, thousands separators taken out."""
    text = rows.columns[column][row]
    if may_miss and not text:
        return ""
    value = number(text)
    if not 0 <= value <= 1e15:
        raise rows.error(f"{column} is {text!r}, expected a number of 0 or more", row)
    return int(value) if value == int(value) else value


def _target(table: _Table, options: TableOptions) -> dict[str, Any]:
    target: dict[str, Any] = {"entity": options.entity, "variables": list(table.variables)}
    if table.zone is not None:
        target["zone"] = table.zone
    target |= {"file": table.file.file, "measure": options.measure}
    if options.universe is not None:
        target["universe"] = options.universe
    if options.tolerance is not None:
        held = int(options.tolerance) if options.tolerance == int(options.tolerance) else options.tolerance
        target["tolerance"] = {"records" if options.measure == "count" else "share_tvd": held}
    return target


def _variable(table: _Table, variable: str, options: TableOptions, findings: list[Finding]) -> dict[str, Any]:
    """An integer where every value is a number or a range of numbers, else a category."""
    labels = list(dict.fromkeys(table.rows.columns[table.columns[variable]]))
    spans = [integer_span(label) for label in labels]
    told = f"from table {table.name}"
    if any(span is None for span in spans):
        return {"type": "category", "categories": labels, "description": told}
    found = [span for span in spans if span is not None]
    low, high = min(span[0] for span in found), max(span[1] for span in found)
    assumed = []
    if math.isinf(low):
        low = 0.0
        assumed.append("the lowest class begins at 0")
    if math.isinf(high):
        high = assumed_end("AGE" if variable == "age" else variable.upper(), max(span[0] for span in found))
        assumed.append(f"the open class ends at {high:,.0f}")
    given = options.ranges.get(table.columns[variable]) or options.ranges.get(variable)
    if given is not None:
        (low, high), assumed = given, []
    if assumed:
        text = f'{", ".join(assumed)}; state it with --range "{table.columns[variable]}={low:.0f}:{high:.0f}"'
        findings.append(Finding("assumed", variable, text, table.rows.path))
        told += f"; importer's assumption: {', '.join(assumed)}"
    return {"type": "integer", "range": [int(low), int(high)], "description": told}


def _new_document(
    table: _Table, options: TableOptions, out: Path, path: Path, findings: list[Finding]
) -> dict[str, Any]:
    if options.parent is not None:
        raise UserError(f"--parent {options.parent}: {out} is new, expected a scenario that has this entity")
    variables = {variable: _variable(table, variable, options, findings) for variable in table.variables}
    document: dict[str, Any] = {
        "name": safe_name(out.name),
        "title": f"{safe_name(out.name)}, from {path.name}",
        "sources": {"table": {"publisher": "whoever published it", "title": options.source or path.name}},
        "entities": {options.entity: {"variables": variables}},
    }
    if table.zone is not None:
        document["zones"] = {"variable": table.zone, "crosswalk": "zones.csv"}
    document["targets"] = {table.name: _target(table, options) | {"source": "table"}}
    return document


def _add(table: _Table, options: TableOptions, out: Path, findings: list[Finding]) -> tuple[Draft, Scenario]:
    """The scenario with the table in it; nothing of it changes unless the whole can be read."""
    before = read_scenario(out)
    keeping = YAML()
    keeping.preserve_quotes = True
    keeping.width = 4096
    keeping.indent(mapping=2, sequence=4, offset=2)
    document = keeping.load((out / "scenario.yaml").read_text(encoding="utf-8-sig"))
    findings += _change(document, before, table, options, out)
    text = io.StringIO()
    keeping.dump(document, text)
    scenario = _checked(out, table.file, text.getvalue())
    write_table(table.file, out)
    staged = out / ".scenario.yaml.new"
    staged.write_text(text.getvalue(), encoding="utf-8")
    staged.replace(out / "scenario.yaml")
    return Draft({}, (table.file,), tuple(findings), f"Import into {out}"), scenario


def _change(document: CommentedMap, before: Scenario, table: _Table, options: TableOptions, out: Path) -> list[Finding]:
    findings: list[Finding] = []
    if table.name in document["targets"]:
        raise UserError(f"{out}: has a table {table.name!r} already, expected another --name")
    if table.zone is not None and before.zones is None:
        raise UserError(f"--zone {options.zone}: {out} has no zones")
    if table.zone is not None and before.zones is not None and table.zone not in before.zones.levels:
        raise UserError(f"--zone {options.zone}: no level of {out}{nearest(table.zone, before.zones.levels)}")
    entity = _entity(document, before, options, out)
    known = {variable.name for e in before.entities for variable in e.all_variables}
    for variable in table.variables:
        if variable not in known:
            spec = _quoted(_variable(table, variable, options, findings))
            entity.setdefault("variables", CommentedMap())[variable] = spec
            findings.append(Finding("noted", variable, f"is a new variable of {options.entity}"))
    target = _target(table, options)
    if options.source is not None:
        if options.source not in before.sources:
            hint = nearest(options.source, before.sources) if before.sources else " (it lists none)"
            raise UserError(f"--source {options.source}: no source of {out}{hint}")
        target["source"] = options.source
    document["targets"][table.name] = _quoted(target)
    return findings


def _quoted(value: Any) -> Any:
    """The value with text in quotes where scenarios, which are YAML 1.1, would read it as something else: yes, 1."""
    if isinstance(value, dict):
        return {key: _quoted(held) for key, held in value.items()}
    if isinstance(value, list):
        return [_quoted(held) for held in value]
    if not isinstance(value, str):
        return value
    tag = yaml.SafeLoader("").resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]
    return value if tag == _TEXT_TAG else DoubleQuotedScalarString(value)


def _entity(document: CommentedMap, before: Scenario, options: TableOptions, out: Path) -> Any:
    known = [entity.name for entity in before.entities]
    if options.entity in known:
        return document["entities"][options.entity]
    if before.member is not None or options.parent is None or options.count is None:
        hint = nearest(options.entity, known)
        more = "" if before.member is not None else "; a new member entity needs --parent and --count"
        raise UserError(f"--entity {options.entity}: no entity of {out}{hint}{more}")
    document["entities"][options.entity] = CommentedMap(
        {"parent": options.parent, "count": options.count, "variables": CommentedMap()}
    )
    return document["entities"][options.entity]


def _checked(out: Path, table: DraftTable, text: str) -> Scenario:
    """The changed scenario, read from a copy."""
    with tempfile.TemporaryDirectory(prefix="synthor-") as name:
        copy = Path(name) / out.resolve().name
        shutil.copytree(out, copy)
        write_table(table, copy)
        (copy / "scenario.yaml").write_text(text, encoding="utf-8")
        try:
            return read_scenario(copy)
        except ScenarioError as exc:
            raise ScenarioError(exc.message, exc.path.replace(str(copy), str(out)), exc.line) from exc
