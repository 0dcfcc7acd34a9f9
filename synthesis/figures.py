"""Published figures made comparable: who is counted in all, and every table brought to that total.

Root records are counted by the table that sets the zones' sizes; members by the total that most tables agree on.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.model import FloatArray, Scenario, TargetTable
from synthesis.aims import base_table
from synthesis.levels import at_level
from synthesis.spaces import Spaces

AGREEING_DIGITS = 4
SE_PER_MOE = 1 / 1.645
"""Margins of error are published at 90 per cent."""


@dataclass(frozen=True, slots=True)
class Figures:
    """`published`: counts as published, (units, cells of the view); `scaled`: the same with the reference's total.

    Tables of shares are in `scaled` only. A table with a universe keeps its own total in both.
    """

    references: Mapping[str, TargetTable]
    published: Mapping[str, FloatArray]
    scaled: Mapping[str, FloatArray]
    variances: Mapping[str, FloatArray]


def build_figures(scenario: Scenario, spaces: Spaces) -> Figures:
    """The figures of every table that a space holds."""
    references = {e.name: found for e in scenario.entities if (found := _reference(scenario, e.name)) is not None}
    published, scaled, variances = {}, {}, {}
    for name, view in spaces.views.items():
        table, values = view.table, view.values(view.table.target)
        variances[name] = view.values(variances_of(table).reshape(table.target.shape))
        if table.measure == "count":
            published[name] = scaled[name] = values
        reference = references.get(table.entity)
        totals = None if reference is None else totals_of(scenario, reference, table.zone_level)
        if table.universe is None and totals is not None:
            own = values.sum(axis=1)
            scaled[name] = values * np.divide(totals, own, out=np.zeros(len(own)), where=own > 0)[:, None]
    return Figures(references, published, scaled, variances)


def totals_of(scenario: Scenario, reference: TargetTable, level: str | None) -> FloatArray | None:
    """The reference's total in every unit of a level; None where it is published for coarser ones only."""
    totals = reference.target.reshape(reference.units, -1).sum(axis=1)
    return at_level(scenario, totals, reference.zone_level, level)


def variances_of(table: TargetTable) -> FloatArray:
    """Squared standard errors (units, cells) of the published figures; NaN where no margin of error is known."""
    if table.moe is None:
        return np.full((table.units, table.unit_cells), np.nan)
    return (np.nan_to_num(table.moe).reshape(table.units, -1) * SE_PER_MOE) ** 2


def _reference(scenario: Scenario, entity: str) -> TargetTable | None:
    if entity == scenario.root.name:
        return base_table(scenario)
    whole = [t for t in scenario.tables if t.entity == entity and t.measure == "count" and t.universe is None]
    if not whole:
        return None
    totals = [float(f"{t.target.sum():.{AGREEING_DIGITS}g}") for t in whole]
    agreed = Counter(totals).most_common(1)[0][0]
    agreeing = [t for t, total in zip(whole, totals, strict=True) if total == agreed]
    return max(agreeing, key=lambda t: t.units)
