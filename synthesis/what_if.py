"""What-if: a context that steers proposals, and target tables that give way to it."""

from dataclasses import replace

import numpy as np

from schemas.errors import UserError
from schemas.model import Scenario, TargetTable, Tolerance
from schemas.settings import RunSettings
from synthesis.cells import CellCoder

MARGIN_OF_ERROR_Z = 1.645
"""A margin of error is given at 90 %."""
FREE = 1e6
"""Times its cells' figures: a margin of error from which on a table says nothing."""
ANY_FIT = Tolerance("share_tvd", 1.0)


def with_what_if(scenario: Scenario, settings: RunSettings) -> Scenario:
    """The scenario with the run's context, and its relaxed tables soft: `context_strength` sets how soft."""
    if settings.context is not None:
        scenario = replace(scenario, context=settings.context)
    names = relaxed_tables(scenario, settings)
    if not names:
        return scenario
    strength = settings.context_strength
    tables = tuple(relaxed(t, strength) if t.name in names else t for t in scenario.tables)
    return replace(scenario, tables=tables)


def relaxed_tables(scenario: Scenario, settings: RunSettings) -> frozenset[str]:
    """The tables that `relax` names and that give way at all; names nobody knows are refused."""
    names = [name.strip() for name in settings.relax.split(",") if name.strip()]
    known = [table.name for table in scenario.tables]
    for name in names:
        if name not in known:
            raise UserError(f"--set relax={settings.relax}: no table {name!r}, expected some of {', '.join(known)}")
    if names and settings.context_strength == 0:
        raise UserError("--set relax: tables give way by --context-strength, expected more than 0")
    if settings.context_strength > 0 and not names:
        raise UserError("--context-strength: expected --set relax=TABLE,... to name the tables that give way")
    return frozenset(names)


def relaxed(table: TargetTable, strength: float) -> TargetTable:
    """The table with a margin of error that grows with `strength`: at .5 as large as its figures, at 1 beyond all."""
    odds = FREE if strength >= 1 else min(strength / (1 - strength), FREE)
    scale = np.maximum(table.target, table.target.mean(axis=tuple(range(1, table.target.ndim)), keepdims=True))
    moe = MARGIN_OF_ERROR_Z * odds * scale
    note = f"{table.note}; " if table.note else ""
    return replace(table, moe=moe, tolerance=ANY_FIT, note=f"{note}relaxed for the context by {strength:g}")


def is_free(table: TargetTable) -> bool:
    """Whether a table's margins of error leave it without any say."""
    return table.moe is not None and bool((table.moe >= FREE * table.target).all()) and table.tolerance == ANY_FIT


def binding(coder: CellCoder) -> CellCoder:
    """The coder of the tables that have a say in the allocation."""
    kept = [cells for cells in coder.tables if not is_free(cells.table)]
    if len(kept) == len(coder.tables):
        return coder
    scenario = replace(coder.scenario, tables=tuple(cells.table for cells in kept))
    return replace(coder, scenario=scenario, tables=tuple(kept))
