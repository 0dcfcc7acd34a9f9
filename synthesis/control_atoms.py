"""The categories of an imported column: sets of its values that no control divides, and what they are called."""

import math
import re
from collections.abc import Sequence

import numpy as np

from synthesis.control_domains import Domain, truth_over
from synthesis.control_expressions import columns_of, tests_of
from synthesis.controls import Control, Group

NOT_COUNTED = "not counted"
MISSING = -1
"""The index of missing values among a domain's regions."""
_PREFIX = re.compile(r"^(hh|h|p|per|pers|person|persons|household|households|num)_(?=.)")

Atom = tuple[str, frozenset[int]]
"""A category: its label and the regions of the domain that it holds."""


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


def atoms_of(domain: Domain, users: Sequence[Group]) -> tuple[Atom, ...]:
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
    atoms = [(named.get(members) or told_values(domain, members), members) for members in held]
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


def told_values(domain: Domain, members: frozenset[int]) -> str:
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
