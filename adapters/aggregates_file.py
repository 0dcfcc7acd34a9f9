"""aggregates.parquet: one row per target cell, published against aimed at against synthetic."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from adapters.object_path import Location
from adapters.run_folder import write_table
from schemas.model import MARGIN_OF_ERROR_Z, FloatArray, Scenario
from synthesis.discrepancy import TableDiscrepancy, cell_name, unit_name
from synthesis.moment_fit import MomentFit

COLUMNS = pa.schema(
    [
        ("table", pa.string()),
        ("entity", pa.string()),
        ("zone_level", pa.string()),
        ("zone", pa.string()),
        ("cell", pa.string()),
        ("universe", pa.string()),
        ("target", pa.float64()),
        ("measure", pa.string()),
        ("binds", pa.string()),
        ("reconciled", pa.float64()),
        ("synthetic", pa.float64()),
        ("discrepancy", pa.float64()),
        ("target_share", pa.float64()),
        ("synthetic_share", pa.float64()),
        ("moe", pa.float64()),
        ("standard_errors", pa.float64()),
        ("tolerance", pa.float64()),
        ("tolerance_kind", pa.string()),
        ("within", pa.bool_()),
        ("held_out", pa.bool_()),
        ("cause", pa.string()),
        ("of", pa.string()),
        ("quantile", pa.float64()),
    ]
)


def aggregates_table(
    scenario: Scenario,
    found: list[TableDiscrepancy],
    moments: Sequence[MomentFit] = (),
    named: Mapping[str, Sequence[str | None]] | None = None,
) -> pa.Table:
    """All cells of all tables, in the scenario's order, then those of its means, totals and quantiles.

    `named` gives the cause of each cell of a table, if missed.
    """
    parts = [_part(scenario, part, (named or {}).get(part.table.name)) for part in found]
    parts += [_moment_part(scenario, fit) for fit in moments]
    return pa.concat_tables(parts).combine_chunks()


def write_aggregates(
    path: Location, scenario: Scenario, found: list[TableDiscrepancy], moments: Sequence[MomentFit] = ()
) -> None:
    """Write aggregates.parquet."""
    write_table(path, aggregates_table(scenario, found, moments))


def _part(scenario: Scenario, part: TableDiscrepancy, causes: Sequence[str | None] | None) -> pa.Table:
    table = part.table
    zones = [unit_name(scenario, table, unit) for unit in range(table.units)]
    cells = [cell_name(table, cell) for cell in range(table.unit_cells)]
    moe = np.full(table.cells, np.nan) if table.moe is None else table.moe.ravel()
    constant = {
        "table": table.name,
        "entity": table.entity,
        "zone_level": table.zone_level,
        "universe": table.universe_text,
        "measure": table.measure,
        "binds": table.binds,
        "tolerance_kind": part.allowed_kind,
        "held_out": any(table.name == held.name for held in scenario.held_out),
    }
    varying = {
        "zone": pa.array(np.repeat(np.array(zones, dtype=object), len(cells)), pa.string()),
        "cell": pa.array(cells * table.units, pa.string()),
        "target": table.target.ravel(),
        "reconciled": part.reconciled.ravel(),
        "synthetic": part.synthetic.ravel(),
        "discrepancy": part.discrepancy.ravel(),
        "target_share": _shares(part.reconciled),
        "synthetic_share": _shares(part.synthetic),
        "moe": pa.array(moe, from_pandas=True),
        "standard_errors": pa.array(_standard_errors(part, moe), from_pandas=True),
        "tolerance": part.allowed.ravel(),
        "within": part.within.ravel(),
        "cause": [None] * table.cells if causes is None else causes,
    }
    return _rows(table.cells, constant, varying)


def _moment_part(scenario: Scenario, fit: MomentFit) -> pa.Table:
    """As `_part`; target and reconciled of a quantile are the published value, and the share that is to be below it."""
    moment, table = fit.moment, fit.moment.cells
    zones = [unit_name(scenario, table, unit) for unit in range(table.units)]
    names = [cell_name(table, cell) or "all" for cell in range(table.unit_cells)]
    constant = {
        "table": moment.name,
        "entity": table.entity,
        "zone_level": table.zone_level,
        "universe": table.universe_text,
        "measure": moment.measure,
        "binds": moment.measure,
        "tolerance_kind": fit.tolerance_kind,
        "of": moment.of,
        "quantile": moment.quantile if moment.measure == "quantile" else None,
        "target_share": None,
        "synthetic_share": None,
        "standard_errors": None,
        "held_out": False,
    }
    varying = {
        "zone": pa.array(np.repeat(np.array(zones, dtype=object), len(names)), pa.string()),
        "cell": pa.array(names * table.units, pa.string()),
        "target": pa.array(fit.published.ravel(), from_pandas=True),
        "reconciled": pa.array(fit.aimed.ravel(), from_pandas=True),
        "synthetic": pa.array(fit.synthetic.ravel(), from_pandas=True),
        "discrepancy": pa.array((fit.aimed - fit.synthetic).ravel(), from_pandas=True),
        "moe": pa.array(np.full(table.cells, np.nan) if table.moe is None else table.moe.ravel(), from_pandas=True),
        "tolerance": fit.allowed.ravel(),
        "within": fit.within.ravel(),
    }
    published = pa.array(np.isfinite(fit.aimed.ravel()))
    return _rows(table.cells, constant, varying).filter(published)


def _rows(count: int, constant: Mapping[str, Any], varying: Mapping[str, Any]) -> pa.Table:
    arrays = []
    for field in COLUMNS:
        if field.name in varying:
            arrays.append(pa.array(varying[field.name], field.type))
        else:
            arrays.append(pa.repeat(pa.scalar(constant.get(field.name), field.type), count))
    return pa.Table.from_arrays(arrays, schema=COLUMNS)


def _standard_errors(part: TableDiscrepancy, moe: FloatArray) -> FloatArray:
    """The discrepancy of each cell in standard errors of its published figure, scaled as the cell was."""
    scale = np.divide(
        part.reconciled.sum(axis=1),
        part.published.sum(axis=1),
        out=np.zeros(len(part.reconciled)),
        where=part.published.sum(axis=1) > 0,
    )
    error = (moe / MARGIN_OF_ERROR_Z).reshape(part.reconciled.shape) * scale[:, None]
    is_known = np.isfinite(error) & (error > 0)
    return np.divide(part.discrepancy, error, out=np.full(error.shape, np.nan), where=is_known).ravel()


def _shares(values: np.ndarray) -> np.ndarray:
    totals = values.sum(axis=1, keepdims=True)
    return np.divide(values, totals, out=np.zeros(values.shape), where=totals > 0).ravel()
