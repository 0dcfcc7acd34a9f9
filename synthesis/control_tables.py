"""Groups of controls as target tables of a scenario: classes to bins, categories or cases, counts to rows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from schemas.expression import Arithmetic, Column, Compare, Constant, Logic, Negation
from schemas.imports import DraftTable, Finding
from schemas.model import BoolArray, FloatArray
from synthesis.control_atoms import NOT_COUNTED, class_labels
from synthesis.control_expressions import IsIn, Term, Test
from synthesis.control_variables import ENTITIES, ImportedVariable, Variables, atoms_where, safe_name
from synthesis.controls import Control, Group, Published, names

MEMBER_TOLERANCE = 0.02
"""Assumed total variation of shares by zone: published persons include those in group quarters, who live in no
household, so none is met exactly."""

Row = tuple[str, FloatArray]
"""A cell's label, and its count per unit."""


@dataclass(slots=True)
class Tables:
    """Targets and derived variables as they gather, in the order of scenario.yaml."""

    levels: Mapping[str, str]
    """Zone level by geography."""
    units: Mapping[str, Sequence[str]]
    """Names of a geography's units, in the order of the counts."""
    binds_members: str
    member_tolerance: float = MEMBER_TOLERANCE
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: list[DraftTable] = field(default_factory=list)
    derived: dict[str, dict[str, Any]] = field(default_factory=lambda: {"household": {}, "person": {}})
    findings: list[Finding] = field(default_factory=list)


def add_total(tables: Tables, control: Control, counts: FloatArray, anybody: str) -> None:
    """The table of a control that counts everybody; members' is one only where their counts bind.

    `anybody` is a condition that every record of the entity fulfils.
    """
    entity = ENTITIES[control.table]
    if entity == "person" and tables.binds_members == "share":
        text = (
            f"{counts.sum():,.0f} {control.table}: the base of their shares; their number follows from household sizes"
        )
        tables.findings.append(Finding("noted", control.target, text, control.where))
        return
    name = f"all_{control.table}"
    cases = [{"when": anybody, "value": "all"}, {"otherwise": "all"}]
    described = f"one class that holds every {entity}: what the total is counted over"
    tables.derived[entity][name] = {"type": "category", "cases": cases, "description": described}
    spec = {"entity": entity, "variables": [name]}
    if entity == "person":
        spec["binds"] = "count"
    _add(tables, control.target, spec, [("all", counts)], [control])


def add_group(tables: Tables, group: Group, variables: Variables, published: Published) -> None:
    """The target table of a group."""
    counts = published.of(group.controls)
    group = _without_gaps(group, tables.findings)
    variable, labels = _direct(group, variables) or _derived_classes(tables, group, variables)
    name = variable if isinstance(variable, str) else variable.name
    spec: dict[str, Any] = {"entity": ENTITIES[group.table], "variables": [name]}
    rows = list(zip(labels, counts, strict=True))
    rest = _rest(tables, group, published, counts)
    if rest is not None and (label := _rest_label(group, variable)) is not None:
        rows.append((label, rest))
    elif group.state != "complete":
        spec["universe"] = _universe(name, group, variable, labels)
        if group.table == "persons":
            spec["binds"] = "count"
    if group.table == "persons" and tables.binds_members == "count":
        spec["binds"] = "count"
    _add(tables, name, spec, rows, group.controls)


def _direct(group: Group, variables: Variables) -> tuple[ImportedVariable | str, list[str]] | None:
    """The one variable of which the group's classes are bins or categories, with their labels."""
    if len(group.columns) > 1:
        return None
    variable = variables[group.table, group.columns[0]]
    labels = _direct_labels(group, variable)
    return None if labels is None else (variable, labels)


def _direct_labels(group: Group, variable: ImportedVariable) -> list[str] | None:
    """The variable's own label of each class: a bin or a category; None if one is neither."""
    if variable.is_category:
        atoms = {held: label for label, held in variable.atoms}
        found = [atoms.get(frozenset(np.flatnonzero(row).tolist())) for row in group.truth]
        return None if None in found else [str(label) for label in found]
    bins = [_bin(variable, row) for row in group.truth]
    return None if None in bins else [str(label) for label in bins]


def _without_gaps(group: Group, findings: list[Finding]) -> Group:
    """A complete table of one number whose inner gaps belong to the class below them."""
    regions = [point[group.columns[0]] for point in group.points]
    if group.state != "complete" or len(group.columns) > 1 or math.isnan(regions[0].low):
        return group
    truth = group.truth.copy()
    inside = np.flatnonzero(truth.any(axis=0))
    for i in range(inside[0], inside[-1]):
        if not truth[:, i].any():
            truth[:, i] = truth[:, i - 1]
            span = (
                f"{regions[i].low:,.15g}"
                if regions[i].low == regions[i].high
                else f"{regions[i].low:,.15g} to {regions[i].high:,.15g}"
            )
            below = group.controls[int(truth[:, i].argmax())]
            text = f"{group.columns[0]} of {span} is in no class although the classes add up: read as part of this one"
            findings.append(Finding("repaired", below.target, text, below.where))
    return replace(group, truth=truth)


def _bin(variable: ImportedVariable, row: BoolArray) -> str | None:
    chosen = np.flatnonzero(row)
    if len(chosen) != chosen[-1] - chosen[0] + 1:
        return None
    regions = variable.domain.regions
    low, high = max(regions[chosen[0]].low, variable.low), min(regions[chosen[-1]].high, variable.high)
    if variable.domain.kind == "number":
        return f"[{low:.15g}, {high:.15g})"
    if math.isinf(regions[chosen[-1]].high):
        return f"{low:.0f}+"
    if low == high:
        return f"{low:.0f}"
    return f"{low:.0f}-{high:.0f}" if low >= 0 else f"[{low:.0f}, {high:.0f}]"


def _derived_classes(tables: Tables, group: Group, variables: Variables) -> tuple[ImportedVariable | str, list[str]]:
    """A derived variable whose cases are the group's classes."""
    entity = ENTITIES[group.table]
    taken = [variable.name for variable in variables.values()] + [name for d in tables.derived.values() for name in d]
    stem = "_".join(group.columns) if len(group.columns) > 1 else f"{group.columns[0]}_{group.geography}"
    name, labels = safe_name(stem, taken), class_labels(group.controls)
    tests = [translate(control.test, group.table, variables) for control in group.controls]
    cases = [{"when": test, "value": label} for test, label in zip(tests, labels, strict=True)]
    if group.state == "complete":
        cases[-1] = {"otherwise": labels[-1]}
    else:
        cases.append({"otherwise": NOT_COUNTED})
    described = f"classes of {', '.join(group.columns)}; the first that holds"
    tables.derived[entity][name] = {"type": "category", "cases": cases, "description": described}
    return name, labels


def _rest(tables: Tables, group: Group, published: Published, counts: FloatArray) -> FloatArray | None:
    """What a members' table leaves of their total, per unit."""
    total = published.total(group)
    if group.state != "rest" or total is None or group.table != "persons":
        return None
    rest = total - counts.sum(axis=0)
    over = rest < 0
    told = f"count {counts.sum():,.0f} of {total.sum():,.0f} {group.table}; the rest is total minus classes"
    if over.any():
        told += f", 0 in {over.sum()} of {len(over)} {group.geography} units where it would be negative"
    where = group.controls[0].where
    tables.findings.append(Finding("noted", names(group.controls), told, where))
    return np.maximum(rest, 0)


def _rest_label(group: Group, variable: ImportedVariable | str) -> str | None:
    if isinstance(variable, str):
        return NOT_COUNTED
    uncovered = set(np.flatnonzero(~group.truth.any(axis=0)).tolist())
    left = [label for label, held in variable.atoms if held <= uncovered or label == NOT_COUNTED]
    return left[0] if len(left) == 1 else None


def _universe(name: str, group: Group, variable: ImportedVariable | str, labels: Sequence[str]) -> str:
    """The condition that a record is in one of the classes."""
    if isinstance(variable, str):
        return f'{name} != "{NOT_COUNTED}"'
    if variable.is_category:
        return _membership(name, labels)
    spans = []
    for row in group.truth:
        chosen = [variable.domain.regions[i] for i in np.flatnonzero(row)]
        low, high = max(chosen[0].low, variable.low), min(chosen[-1].high, variable.high)
        spans.append(f"{low:.15g} <= {name} <= {high:.15g}")
    return " or ".join(dict.fromkeys(spans))


def _membership(name: str, labels: Sequence[str]) -> str:
    quoted = [f'"{label}"' for label in labels]
    return f"{name} == {quoted[0]}" if len(quoted) == 1 else f"{name} in ({', '.join(quoted)})"


def translate(test: Test, table: str, variables: Variables) -> str:
    """The test in the scenario's expression language."""
    match test:
        case Constant(value=value):
            return str(bool(value))
        case IsIn(column=column, values=values):
            variable = variables[table, column.variable]
            if variable.is_category:
                labels = atoms_where(variable, test)
                known = [label for label, _ in variable.atoms]
                return _membership(variable.name, labels) if labels else f"not ({_membership(variable.name, known)})"
            return " or ".join(f"{variable.name} == {value:.15g}" for value in values if isinstance(value, int | float))
        case Negation(term=term):
            return f"not ({translate(term, table, variables)})"  # type: ignore[arg-type]
        case Logic(operator=operator, terms=terms):
            joined = [f"({translate(term, table, variables)})" for term in terms]  # type: ignore[arg-type]
            return f" {operator} ".join(joined)
        case Compare(operator=symbol, left=left, right=right):
            sides = [_term(side, table, variables) for side in (left, right)]  # type: ignore[arg-type]
            return f"{sides[0]} {symbol} {sides[1]}"


def _term(node: Term, table: str, variables: Variables) -> str:
    match node:
        case Constant(value=value):
            return f"{value:.15g}"
        case Column(variable=name):
            return variables[table, name].name
        case Arithmetic(operator=operator, left=left, right=right):
            return f"({_term(left, table, variables)} {operator} {_term(right, table, variables)})"  # type: ignore[arg-type]


def _add(tables: Tables, name: str, spec: dict[str, Any], rows: Sequence[Row], controls: Sequence[Control]) -> None:
    geography = controls[0].geography
    level, units = tables.levels[geography], tables.units[geography]
    table = safe_name(name)
    if table in tables.targets:
        table = safe_name(f"{name}_{level}", list(tables.targets))
    spec |= {"zone": level, "file": f"targets/{table}.csv", "measure": "count", "source": "controls"}
    if spec["entity"] == "person" and spec.get("binds") != "count":
        spec["tolerance"] = {"share_tvd": tables.member_tolerance}
    importances = sorted({control.importance for control in controls})
    spec["importance"] = importances[-1]
    if len(importances) > 1:
        text = f"importances {', '.join(f'{i:.15g}' for i in importances)} in one table: the highest is taken"
        tables.findings.append(Finding("noted", table, text, controls[0].where))
    spec["note"] = f"Controls {names(controls)}: fields {', '.join(control.field for control in controls)}."
    tables.targets[table] = spec
    cells = [(unit, label, _plain(counts[i])) for i, unit in enumerate(units) for label, counts in rows]
    tables.files.append(DraftTable(spec["file"], (level, spec["variables"][0], "count"), cells))


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else float(value)
