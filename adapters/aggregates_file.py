"""aggregates.parquet: one row per target cell, published against aimed at against synthetic."""

import numpy as np
import pyarrow as pa

from adapters.object_path import Location
from adapters.run_folder import write_table
from schemas.model import Scenario
from synthesis.discrepancy import TableDiscrepancy, cell_name, unit_name

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
        ("synthetic", pa.int64()),
        ("discrepancy", pa.float64()),
        ("target_share", pa.float64()),
        ("synthetic_share", pa.float64()),
        ("moe", pa.float64()),
        ("tolerance", pa.float64()),
        ("tolerance_kind", pa.string()),
        ("within", pa.bool_()),
        ("held_out", pa.bool_()),
    ]
)


def aggregates_table(scenario: Scenario, found: list[TableDiscrepancy]) -> pa.Table:
    """All cells of the tables, in the order given; those that the scenario holds out are marked."""
    return pa.concat_tables([_part(scenario, part) for part in found]).combine_chunks()


def write_aggregates(path: Location, scenario: Scenario, found: list[TableDiscrepancy]) -> None:
    """Write aggregates.parquet."""
    write_table(path, aggregates_table(scenario, found))


def _part(scenario: Scenario, part: TableDiscrepancy) -> pa.Table:
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
        "tolerance": table.tolerance.value,
        "tolerance_kind": table.tolerance.kind,
        "held_out": any(table.name == held.name for held in scenario.held_out),
    }
    varying = {
        "zone": pa.array(np.repeat(np.array(zones, dtype=object), len(cells)), pa.string()),
        "cell": pa.array(cells * table.units, pa.string()),
        "target": table.target.ravel(),
        "reconciled": part.reconciled.ravel(),
        "synthetic": part.synthetic.ravel().astype(np.int64),
        "discrepancy": part.discrepancy.ravel(),
        "target_share": _shares(part.reconciled),
        "synthetic_share": _shares(part.synthetic),
        "moe": pa.array(moe, from_pandas=True),
        "within": part.within.ravel(),
    }
    arrays = []
    for field in COLUMNS:
        if field.name in constant:
            arrays.append(pa.repeat(pa.scalar(constant[field.name], field.type), table.cells))
        else:
            arrays.append(pa.array(varying[field.name], field.type))
    return pa.Table.from_arrays(arrays, schema=COLUMNS)


def _shares(values: np.ndarray) -> np.ndarray:
    totals = values.sum(axis=1, keepdims=True)
    return np.divide(values, totals, out=np.zeros(values.shape), where=totals > 0).ravel()
