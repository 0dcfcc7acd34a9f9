"""What fills a cell: its plan rows and proposals, from the kept plan. Not a Prefect task: it only reads."""

from typing import Any

import numpy as np

from adapters.lineage import SHOWN_PLAN_ROWS, plan_rows_table, read_cells, read_proposals, unmatched
from adapters.object_path import Location
from adapters.plan_files import decode_plan
from adapters.run_folder import RunFolder
from schemas.errors import UserError
from schemas.model import IntArray
from schemas.settings import RunSettings
from synthesis.cells import cell_ids
from synthesis.discrepancy import cell_name, unit_name
from synthesis.plan import plan_values
from tasks.context import Context, load_context

SHOWN_CELLS = 20


def explain_cells(root: Location, wanted: dict[str, str], table: str | None) -> list[dict[str, Any]]:
    """The cells that match, each with its figures and what fills it (for the first few)."""
    run = RunFolder(root)
    stored = run.read_run()
    cells = read_cells(run, wanted, table)
    if not cells:
        raise UserError(f"{root}: {unmatched(run, wanted, table)}")
    settings = RunSettings.model_validate(stored["settings"])
    context = load_context(str(root), stored["scenario"]["fingerprint"], settings)
    return [cell | part for cell, part in zip(cells, _filled(context, run, cells[:SHOWN_CELLS]), strict=False)]


def _filled(context: Context, run: RunFolder, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per cell: its records by proposal, and the plan rows that give most."""
    scenario, stored = context.scenario, plan_rows_table(run)
    plan, counts = decode_plan(stored, scenario, context.coder.grids)
    values = plan_values(scenario, context.coder.grids, plan)
    ids = cell_ids(context.coder, values)
    proposals = {one["proposal_id"]: one for one in read_proposals(run)}
    names, found = stored["proposal_id"].to_pylist(), []
    for cell in cells:
        rows = np.flatnonzero(ids[cell["table"]] == _flat_cell(context, cell))
        if cell["entity"] != scenario.root.name:
            rows = values.parent[rows]
        given: IntArray = np.bincount(rows, minlength=plan.count) * counts
        found.append(_shares(given, names, proposals) | {"plan_rows": _largest(given, stored)})
    return found


def _flat_cell(context: Context, cell: dict[str, Any]) -> int:
    table = next(one for one in context.scenario.tables if one.name == cell["table"])
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
        "proposals": [
            {"proposal_id": name, "records": count, "reason": proposals.get(name, {}).get("reason", "")}
            for name, count in ordered[:SHOWN_PLAN_ROWS]
        ],
    }


def _largest(given: IntArray, stored: Any) -> list[dict[str, Any]]:
    order = np.argsort(-given, kind="stable")[:SHOWN_PLAN_ROWS]
    rows: list[dict[str, Any]] = stored.take(order[given[order] > 0]).to_pylist()
    return [{**row, "in_cell": int(given[i])} for row, i in zip(rows, order, strict=False)]
