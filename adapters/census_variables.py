"""Entities and variables that census tables call for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from adapters.census_files import CensusTable
from schemas.errors import UserError
from schemas.imports import Finding
from synthesis.census_labels import LabelAxis, LabelTree, is_small_count


@dataclass(frozen=True, slots=True)
class ReadTable:
    """A table with its axes named and its entity known."""

    table: CensusTable
    tree: LabelTree
    axes: tuple[LabelAxis, ...]
    entity: str

    @property
    def total(self) -> float:
        """What all cells add up to."""
        return float(np.nansum(self.table.estimates[:, list(self.tree.cells)]))


def build_entities(read: Sequence[ReadTable], findings: list[Finding]) -> dict[str, dict[str, Any]]:
    """Entities with the variables of their tables; persons alone are a root of their own."""
    names = [name for name in ("household", "person") if any(r.entity == name for r in read)]
    entities: dict[str, dict[str, Any]] = {name: {"variables": {}, "derived": {}} for name in names}
    for r in read:
        for axis in r.axes:
            held = entities[r.entity]["variables"]
            held[axis.name] = _joined(held.get(axis.name), _variable(axis, r, findings), axis, r)
    if len(names) == 2:
        entities["person"] = {"parent": "household", "count": "household_size"} | entities["person"]
        if "household_size" not in entities["household"]["variables"]:
            weights = {str(size): 0.5 ** (size - 1) for size in range(1, 8)}
            described = "persons in the household (importer's assumption: range and weights)"
            spec = {"type": "integer", "range": [1, 7], "description": described, "prior_weights": weights}
            entities["household"]["variables"]["household_size"] = spec
            text = "no table tells it: 1 to 7, each half as frequent as the one before; import B11016 or B25009 as well"
            findings.append(Finding("assumed", "household_size", text))
    return entities


def _variable(axis: LabelAxis, r: ReadTable, findings: list[Finding]) -> dict[str, Any]:
    told = f"from table {r.table.table}"
    if not axis.is_numeric:
        return {"type": "category", "categories": list(axis.labels), "description": told}
    if axis.assumed:
        findings.append(Finding("assumed", axis.name, f"{axis.assumed} (table {r.table.table})"))
        told += f"; importer's assumption: {axis.assumed}"
    spec: dict[str, Any] = {"type": "integer", "range": [int(axis.low), int(axis.high)], "description": told}
    if axis.unit:
        spec["unit"] = axis.unit
    if is_small_count(axis) and axis.high - axis.low <= 40:
        cut = int(axis.bins[-1][:-1])
        values = range(int(axis.low), int(axis.high) + 1)
        spec["prior_weights"] = {str(value): 0.5 ** max(0, value - cut) for value in values}
    return spec


def _joined(held: dict[str, Any] | None, new: dict[str, Any], axis: LabelAxis, r: ReadTable) -> dict[str, Any]:
    """One variable of two tables: ranges unite, categories must be the same."""
    if held is None:
        return new
    if held["type"] == new["type"] == "integer":
        low, high = min(held["range"][0], new["range"][0]), max(held["range"][1], new["range"][1])
        return {key: value for key, value in held.items() if key != "prior_weights"} | {"range": [low, high]}
    if held.get("categories") == new.get("categories"):
        return held
    raise UserError(
        f"{r.table.path}: {axis.name} has other categories than in another table; "
        f"name it otherwise: --names {r.table.table}={','.join(f'{a.name}_2' for a in r.axes)}"
    )
