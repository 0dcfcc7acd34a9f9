"""Tables held out: a run does not use them, but its records are counted in them and compared."""

from collections.abc import Sequence
from dataclasses import replace

from schemas.errors import UserError
from schemas.model import Scenario
from synthesis.aggregates import Counts
from synthesis.aims import base_table, build_aims
from synthesis.discrepancy import TableDiscrepancy, discrepancies
from synthesis.expressions import nearest


def hold_out(scenario: Scenario, names: Sequence[str]) -> Scenario:
    """The scenario with tables moved from its targets to `held_out`."""
    if not names:
        return scenario
    known = [table.name for table in scenario.tables]
    for name in names:
        if name not in known:
            raise UserError(f"--hold-out {name}: no such table{nearest(name, known)}")
    kept = tuple(table for table in scenario.tables if table.name not in names)
    held = tuple(table for table in scenario.tables if table.name in names)
    if not kept:
        raise UserError("--hold-out: holds out every table, expected at least one to be left")
    return replace(scenario, tables=kept, held_out=held)


def held_out_discrepancies(scenario: Scenario, size: int | None, counts: Counts) -> list[TableDiscrepancy]:
    """What the records of a run are off in tables that it did not use; they are reconciled as if it had."""
    if not scenario.held_out:
        return []
    base = base_table(scenario)
    asked = replace(scenario.reconcile, sizes_from=base.name if base else None, totals="rescale")
    every = replace(scenario, tables=(*scenario.tables, *scenario.held_out), held_out=(), reconcile=asked)
    held = {table.name for table in scenario.held_out}
    return [part for part in discrepancies(every, build_aims(every, size), counts) if part.table.name in held]
