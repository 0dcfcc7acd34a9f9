"""The variables of a scenario that a set of controls calls for: kinds, ranges, categories, names."""

import keyword
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schemas.imports import Finding
from schemas.model import BoolArray
from synthesis.control_domains import SMALL_CLASS, Domain, Region, assumed_end, assumed_start, truth_over
from synthesis.control_expressions import Test, columns_of, holds, tests_of
from synthesis.control_glossary import Known, known
from synthesis.controls import Control, Group

ENTITIES = {"households": "household", "persons": "person"}
NOT_COUNTED = "not counted"
MISSING = -1
"""The index of missing values among a domain's regions."""
_DECAY = 0.5
_MAX_WEIGHTED = 40
_RESERVED = ("count", "share", "moe", "batch_id", "plan_row_id", "household_id", "person_id", "household", "person")
_PREFIX = re.compile(r"^(hh|h|p|per|pers|person|persons|household|households|num)_(?=.)")

Atom = tuple[str, frozenset[int]]
"""A category: its label and the regions of the domain that it holds."""


@dataclass(frozen=True, slots=True)
class ImportedVariable:
    """A column as a variable (or derived variable) of the scenario."""

    name: str
    entity: str
    domain: Domain
    spec: Mapping[str, Any]
    low: float = math.nan
    high: float = math.nan
    atoms: tuple[Atom, ...] = ()
    is_derived: bool = False

    @property
    def is_category(self) -> bool:
        """Whether its values are categories, which a numeric column's may have become."""
        return bool(self.atoms)


Variables = dict[tuple[str, str], ImportedVariable]
"""By seed table and column."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the user states: ranges and definitions by (seed table, column), the column that counts members."""

    ranges: Mapping[tuple[str, str], tuple[float, float]]
    definitions: Mapping[tuple[str, str], str]
    member_count: str | None = None


def safe_name(text: str, taken: Sequence[str] = ()) -> str:
    """A name of lower-case letters, digits and _ that is not taken."""
    name = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "value"
    name = name if name[0].isalpha() else f"v_{name}"
    while name in taken or keyword.iskeyword(name) or name in _RESERVED:
        name += "_"
    return name


def class_labels(controls: Sequence[Control]) -> list[str]:
    """The controls' targets without what they have in common: p_male, p_female: male, female."""
    parts = [control.target.split("_") for control in controls]
    if len(parts) == 1:
        return [_PREFIX.sub("", controls[0].target).replace("_", " ")]
    while min(map(len, parts)) > 1 and len({part[0].lower() for part in parts}) == 1:
        parts = [part[1:] for part in parts]
    while min(map(len, parts)) > 2 and len({tuple(part[-2:]) for part in parts}) == 1:
        parts = [part[:-2] for part in parts]
    labels = [" ".join(part).strip() or control.target for part, control in zip(parts, controls, strict=True)]
    return labels if len(set(labels)) == len(labels) else [control.target for control in controls]


def becomes_category(group: Group, groups: Sequence[Group], domain: Domain) -> bool:
    """Whether a numeric column is not known for everybody, so that only classes of it can be a variable."""
    if group.columns != (domain.column,) or not domain.is_numeric or domain.is_compared or group.state != "rest":
        return False
    users = [other for other in groups if other.table == group.table and domain.column in other.columns]
    return group.table == "persons" and len(users) == 1 and known(domain.column).value is None


def build_variables(
    groups: Sequence[Group],
    domains: Mapping[tuple[str, str], Domain],
    assumptions: Assumptions,
    taken: Sequence[str],
    findings: list[Finding],
) -> Variables:
    """The variable of every column that the groups read, members' first."""
    variables: Variables = {}
    names = list(taken)
    used = dict.fromkeys((group.table, column) for group in groups for column in group.columns)
    later = [key for key in used if key in assumptions.definitions or known(key[1]).value or known(key[1]).codes]
    for key in sorted([key for key in used if key not in later], key=lambda key: key[0] != "persons"):
        variables[key] = _variable(key, groups, domains[key], assumptions, names, findings)
        names.append(variables[key].name)
    for key in later:
        variables[key] = _defined(key, groups, domains[key], assumptions, names, variables, findings)
        names.append(variables[key].name)
    return variables


def _variable(
    key: tuple[str, str],
    groups: Sequence[Group],
    domain: Domain,
    assumptions: Assumptions,
    names: Sequence[str],
    findings: list[Finding],
) -> ImportedVariable:
    name, entity = safe_name(key[1], names), ENTITIES[key[0]]
    spec: dict[str, Any]
    users = [group for group in groups if group.table == key[0] and key[1] in group.columns]
    described = known(key[1]).description or f"column {key[1]} of the seed {key[0]}"
    if not domain.is_numeric or any(becomes_category(group, groups, domain) for group in users):
        atoms = _atoms(domain, users)
        described += "; " + "; ".join(f"{label}: {_told(domain, held)}" for label, held in atoms)
        categories = [label for label, _ in atoms]
        spec = {"type": "category", "categories": categories, "description": described}
        return ImportedVariable(name, entity, domain, spec, atoms=atoms)
    low, high, told = _range(key, domain, users, assumptions)
    if told:
        findings.append(Finding("assumed", f"{key[0]}.{key[1]}", f"range {low:,.0f} to {high:,.0f}: {told}"))
        described += f"; importer's assumption: {told}"
    spec = {"type": domain.kind, "range": [_plain(low), _plain(high)], "description": described}
    if known(key[1]).unit:
        spec["unit"] = known(key[1]).unit
    weights = _decaying_weights(domain, low, high)
    if weights:
        spec["prior_weights"] = weights
        text = f"{_top_cut(domain):.0f} or more divides by halves: each further one is half as frequent"
        findings.append(Finding("assumed", f"{key[0]}.{key[1]}", text))
    return ImportedVariable(name, entity, domain, spec, low, high)


def _atoms(domain: Domain, users: Sequence[Group]) -> tuple[Atom, ...]:
    """Sets of regions that no control divides, named after the controls that are just that."""
    alone = [group for group in users if group.columns == (domain.column,)]
    rows = [row for group in alone for row in group.truth]
    tests = [test for group in users if group not in alone for c in group.controls for test in tests_of(c.test)]
    others = [test for test in tests if set(columns_of(test)) == {domain.column}]
    truth = np.array([*rows, *truth_over(others, [domain])[1]], dtype=bool) if others or rows else np.zeros((0, 0))
    patterns: dict[tuple[bool, ...], list[int]] = {}
    for i in range(len(domain.regions)):
        patterns.setdefault(tuple(truth[:, i].tolist()), []).append(i)
    is_partitioned = bool(alone) and len(alone) == len(users) and all(group.state == "complete" for group in alone)
    held = [frozenset(members) for pattern, members in patterns.items() if any(pattern) or not is_partitioned]
    named = _named(alone)
    atoms = [(named.get(members) or _told(domain, members), members) for members in held]
    if any(group.state == "rest" and group.truth.any(axis=0).all() for group in alone):
        atoms.append((NOT_COUNTED, frozenset([MISSING])))
    return tuple(_distinct(atoms))


def _named(groups: Sequence[Group]) -> dict[frozenset[int], str]:
    found: dict[frozenset[int], str] = {}
    for group in groups:
        for label, row in zip(class_labels(group.controls), group.truth, strict=True):
            found.setdefault(frozenset(np.flatnonzero(row).tolist()), label)
    return found


def _distinct(atoms: Sequence[Atom]) -> list[Atom]:
    result: list[Atom] = []
    for label, members in atoms:
        while any(label == other for other, _ in result):
            label += " (2)"
        result.append((label, members))
    return result


def _told(domain: Domain, members: frozenset[int]) -> str:
    """A category's values, for people."""
    if MISSING in members:
        return f"{domain.column} is missing"
    regions = [domain.regions[i] for i in sorted(members)]
    if domain.is_numeric:
        low, high = regions[0].low, regions[-1].high
        if math.isinf(low):
            return f"{high:,.0f} or less"
        return f"{low:,.0f} or more" if math.isinf(high) else f"{low:,.0f} to {high:,.0f}"
    labels = [region.label for region in regions]
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} or {labels[-1]}"


def _range(
    key: tuple[str, str], domain: Domain, users: Sequence[Group], assumptions: Assumptions
) -> tuple[float, float, str]:
    """Lowest and highest value, and what of it is assumed."""
    if key in assumptions.ranges:
        return (*assumptions.ranges[key], "")
    if domain.is_compared:
        low, high = domain.regions[0].low, domain.regions[-1].high
        return low, high, "no table tells its bounds"
    regions = domain.regions
    covered = _covered(domain, users)
    first, last = (int(covered.argmax()), len(covered) - 1 - int(covered[::-1].argmax())) if covered.any() else (0, -1)
    told = []
    low, high = regions[first].low, regions[last].high
    if math.isinf(low):
        low = assumed_start(key[1], regions[0].high)
        told.append(f"the lowest class begins at {low:,.0f}")
    if math.isinf(high):
        high = assumed_end(key[1], regions[-1].low)
        told.append(f"the open class ends at {high:,.0f}")
    return low, high, ", ".join(told)


def _covered(domain: Domain, users: Sequence[Group]) -> BoolArray:
    """Regions that the variable has: all of them unless complete tables leave the outer ones out."""
    alone = [group for group in users if group.columns == (domain.column,)]
    if not alone or len(alone) < len(users) or any(group.state != "complete" for group in alone):
        return np.ones(len(domain.regions), dtype=bool)
    return np.any([group.truth.any(axis=0) for group in alone], axis=0)


def _top_cut(domain: Domain) -> float:
    """Where the highest class begins; a compared column is cut at its constants only."""
    if not domain.is_compared:
        return domain.regions[-1].low
    return domain.regions[min(1, len(domain.regions) - 1)].low


def _decaying_weights(domain: Domain, low: float, high: float) -> dict[str, float]:
    """Weights of a small count's values: within the open class each is half as frequent as the one before."""
    cut = _top_cut(domain)
    if domain.kind != "integer" or not 0 <= cut <= SMALL_CLASS or cut >= high or high - low > _MAX_WEIGHTED:
        return {}
    return {str(v): _DECAY ** max(0.0, v - cut) for v in range(int(low), int(high) + 1)}


def _defined(
    key: tuple[str, str],
    groups: Sequence[Group],
    domain: Domain,
    assumptions: Assumptions,
    names: Sequence[str],
    variables: Variables,
    findings: list[Finding],
) -> ImportedVariable:
    """A derived variable, if what its definition needs is there; otherwise one like the others."""
    entry = known(key[1])
    text = assumptions.definitions.get(key)
    source = "as stated" if text else "importer's assumption"
    members = {column: v for (table, column), v in variables.items() if table == "persons" and not v.is_category}
    filled = text or _filled(entry.value or "", members)
    if entry.codes and text is None:
        return _defined_category(key, groups, domain, assumptions, names, members, findings)
    if filled is None:
        text = f"is not known to any table, and its meaning ({entry.description}) needs columns that no control counts"
        findings.append(Finding("assumed", f"{key[0]}.{key[1]}", f"{text}: left free; state it with --define"))
        return _variable(key, groups, domain, assumptions, names, findings)
    high = max((region.high for region in domain.regions if math.isfinite(region.high)), default=7.0)
    low, high = assumptions.ranges.get(key, (0.0, max(high, known("NP").high or 7.0)))
    findings.append(Finding("assumed", f"{key[0]}.{key[1]}", f"taken as {filled} ({source})"))
    spec = {
        "type": "integer",
        "range": [_plain(low), _plain(high)],
        "value": filled,
        "description": f"{entry.description or key[1]} ({source})",
    }
    return ImportedVariable(safe_name(key[1], names), ENTITIES[key[0]], domain, spec, low, high, is_derived=True)


def _filled(text: str, members: Mapping[str, ImportedVariable]) -> str | None:
    """The definition with the scenario's names in it, None if a column it needs is no variable."""
    needed = set(re.findall(r"\{(\w+)\}", text))
    if not text or not needed <= set(members):
        return None
    return text.format(**{column: f"person.{members[column].name}" for column in needed})


def _defined_category(
    key: tuple[str, str],
    groups: Sequence[Group],
    domain: Domain,
    assumptions: Assumptions,
    names: Sequence[str],
    members: Mapping[str, ImportedVariable],
    findings: list[Finding],
) -> ImportedVariable:
    entry: Known = known(key[1])
    conditions = [_filled(text, members) for text in entry.codes.values()]
    if any(condition is None for condition in conditions) or len(conditions) != len(domain.regions):
        text = f"its meaning ({entry.description}) needs columns that no control counts: left free of the members"
        findings.append(Finding("assumed", f"{key[0]}.{key[1]}", text))
        return _variable(key, groups, domain, assumptions, names, findings)
    users = [group for group in groups if group.table == key[0] and key[1] in group.columns]
    atoms = tuple(sorted(_atoms(domain, users), key=lambda atom: len(atom[1])))
    cases: list[dict[str, str]] = [
        {"when": " or ".join(f"({conditions[i]})" for i in sorted(held)), "value": label} for label, held in atoms[:-1]
    ]
    cases.append({"otherwise": atoms[-1][0]})
    told = "; ".join(f"{case['value']} where {case['when']}" for case in cases[:-1])
    findings.append(Finding("assumed", f"{key[0]}.{key[1]}", f"taken from the members: {told} (importer's assumption)"))
    described = f"{entry.description} (importer's assumption: derived from the members)"
    spec = {"type": "category", "cases": cases, "description": described}
    return ImportedVariable(safe_name(key[1], names), ENTITIES[key[0]], domain, spec, atoms=atoms, is_derived=True)


def atoms_where(variable: ImportedVariable, test: Test) -> list[str]:
    """The categories on which a test of the column holds."""
    regions: tuple[Region, ...] = variable.domain.regions
    column = variable.domain.column
    return [
        label
        for label, held in variable.atoms
        if all(holds(test, {column: None if i == MISSING else regions[i].value}) for i in held)
    ]


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) else value
