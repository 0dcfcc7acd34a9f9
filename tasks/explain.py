"""What fills a cell: its plan rows and proposals, from the kept plan. Not a Prefect task: it only reads."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.lineage import (
    SHOWN_PLAN_ROWS,
    count_plan_rows,
    plan_rows_table,
    read_cells,
    read_proposals,
    read_these_cells,
    unmatched,
)
from adapters.object_path import Location
from adapters.plan_files import decode_plan
from adapters.report import worst_cells_of
from adapters.run_folder import RunFolder
from schemas.errors import UserError
from schemas.model import IntArray
from schemas.settings import RunSettings
from synthesis.cells import CellCoder, cell_ids, moment_cell_ids
from synthesis.discrepancy import cell_name, unit_name
from synthesis.plan import plan_values
from synthesis.records import Records
from tasks.context import Context, load_context

SHOWN_CELLS = 20
FOLLOWED_CELLS = 10
FOLLOWED_PLAN_ROWS = 2_000_000
"""Up to this many plan rows the report follows its worst cells: some seconds, beyond it `explain` is asked for them."""


def explain_cells(root: Location, wanted: dict[str, str], table: str | None) -> list[dict[str, Any]]:
    """The cells that match, each with its figures and what fills it (for the first few)."""
    run = RunFolder(root)
    cells = read_cells(run, wanted, table)
    if not cells:
        raise UserError(f"{root}: {unmatched(run, wanted, table)}")
    filled = _filled(_context(run), run, cells[:SHOWN_CELLS])
    return [cell | part for cell, part in zip(cells, filled, strict=False)]


def follow_worst_cells(root: Location) -> list[dict[str, Any]] | None:
    """The cells furthest off with what fills them, for the report; None where that would take long."""
    run = RunFolder(root)
    worst = worst_cells_of(root)[:FOLLOWED_CELLS]
    rows = count_plan_rows(run) if worst else 0
    if rows > FOLLOWED_PLAN_ROWS:
        return None
    cells = read_these_cells(run, [(one.table, one.zone, one.cell) for one in worst]) if rows else []
    return [cell | part for cell, part in zip(cells, _filled(_context(run), run, cells), strict=True)] if cells else []


def _context(run: RunFolder) -> Context:
    stored = run.read_run()
    settings = RunSettings.model_validate(stored["settings"])
    return load_context(str(run.root), stored["scenario"]["fingerprint"], settings)


def _filled(context: Context, run: RunFolder, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per cell: its records by proposal, and the plan rows that give most."""
    scenario, stored = context.scenario, _plan_rows_near(context, plan_rows_table(run), cells)
    plan, counts = decode_plan(stored, scenario, context.coder.grids)
    values = plan_values(scenario, context.coder.grids, plan)
    ids = _all_ids(context.coder, values)
    proposals = {one["proposal_id"]: one for one in read_proposals(run)}
    names, found = stored["proposal_id"].to_pylist(), []
    for cell in cells:
        rows = np.flatnonzero(ids[cell["table"]] == _flat_cell(context, cell))
        if cell["entity"] != scenario.root.name:
            rows = values.parent[rows]
        given: IntArray = np.bincount(rows, minlength=plan.count) * counts
        found.append(_shares(given, names, proposals) | {"plan_rows": _largest(given, stored)})
    return found


def _plan_rows_near(context: Context, stored: pa.Table, cells: list[dict[str, Any]]) -> pa.Table:
    """The plan rows in the zones of the cells: all of them, if a cell is one of the whole."""
    zones = context.scenario.zones
    if zones is None or any(cell["zone"] is None for cell in cells):
        return stored
    wanted = {(cell["zone_level"], cell["zone"]) for cell in cells}
    inside = np.zeros(len(zones.lookup[zones.variable]), dtype=bool)
    for level, name in wanted:
        inside |= zones.lookup[level] == list(zones.names[level]).index(name)
    finest = [name for name, is_wanted in zip(zones.names[zones.variable], inside, strict=True) if is_wanted]
    return stored.filter(pc.field(zones.variable).isin(finest))


def _all_ids(coder: CellCoder, values: Records) -> dict[str, IntArray]:
    held_out = {} if coder.held_out is None else cell_ids(coder.held_out, values)
    return cell_ids(coder, values) | moment_cell_ids(coder, values) | held_out


def _flat_cell(context: Context, cell: dict[str, Any]) -> int:
    scenario = context.scenario
    tables = (*scenario.tables, *(moment.cells for moment in scenario.moments), *scenario.held_out)
    table = next(one for one in tables if one.name == cell["table"])
    inside = [cell_name(table, i) for i in range(table.unit_cells)].index(cell["cell"])
    units = [unit_name(context.scenario, table, unit) for unit in range(table.units)]
    return units.index(cell["zone"]) * table.unit_cells + inside


def _shares(given: IntArray, names: list[str], proposals: dict[str, dict[str, Any]]) -> dict[str, Any]:
    by_proposal: dict[str, int] = {}
    for row in np.flatnonzero(given):
        by_proposal[names[row]] = by_proposal.get(names[row], 0) + int(given[row])
    ordered = sorted(by_proposal.items(), key=lambda item: (-item[1], item[0]))
    return {
        "records": int(given.sum()),
        "proposal_count": len(ordered),
        "proposals": [
            {"proposal_id": name, "records": count, "reason": proposals.get(name, {}).get("reason", "")}
            for name, count in ordered[:SHOWN_PLAN_ROWS]
        ],
    }


def _largest(given: IntArray, stored: Any) -> list[dict[str, Any]]:
    order = np.argsort(-given, kind="stable")[:SHOWN_PLAN_ROWS]
    rows: list[dict[str, Any]] = stored.take(order[given[order] > 0]).to_pylist()
    return [{**row, "in_cell": int(given[i])} for row, i in zip(rows, order, strict=False)]
