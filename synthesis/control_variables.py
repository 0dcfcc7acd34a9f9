"""The variables of a scenario that a set of controls calls for: kinds, ranges, categories, names."""

import keyword
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.imports import Finding
from synthesis.control_atoms import MISSING, Atom, atoms_of, told_values
from synthesis.control_domains import Domain, Region
from synthesis.control_expressions import Test, holds
from synthesis.control_glossary import Known, known
from synthesis.control_ranges import assumed_range, decaying_weights, top_cut
from synthesis.controls import Group

ENTITIES = {"households": "household", "persons": "person"}
_RESERVED = ("count", "share", "moe", "batch_id", "plan_row_id", "household_id", "person_id", "household", "person")


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
        atoms = atoms_of(domain, users)
        described += "; " + "; ".join(f"{label}: {told_values(domain, held)}" for label, held in atoms)
        categories = [label for label, _ in atoms]
        spec = {"type": "category", "categories": categories, "description": described}
        return ImportedVariable(name, entity, domain, spec, atoms=atoms)
    given = assumptions.ranges.get(key)
    low, high, told = assumed_range(domain, users) if given is None else (*given, "")
    if told:
        findings.append(Finding("assumed", f"{key[0]}.{key[1]}", f"range {low:,.0f} to {high:,.0f}: {told}"))
        described += f"; importer's assumption: {told}"
    spec = {"type": domain.kind, "range": [plain_number(low), plain_number(high)], "description": described}
    if known(key[1]).unit:
        spec["unit"] = known(key[1]).unit
    weights = decaying_weights(domain, low, high)
    if weights:
        spec["prior_weights"] = weights
        text = f"{top_cut(domain):.0f} or more divides by halves: each further one is half as frequent"
        findings.append(Finding("assumed", f"{key[0]}.{key[1]}", text))
    return ImportedVariable(name, entity, domain, spec, low, high)


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
        "range": [plain_number(low), plain_number(high)],
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
    atoms = tuple(sorted(atoms_of(domain, users), key=lambda atom: len(atom[1])))
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


def plain_number(value: float) -> int | float:
    """A whole number as such: YAML shows 7, not 7.0."""
    return int(value) if value == int(value) else value
