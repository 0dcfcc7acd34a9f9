"""Target minus synthetic, cell by cell, signed: + means that the synthetic records are too few."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from schemas.model import BoolArray, FloatArray, IntArray, Scenario, TargetTable
from synthesis.aggregates import ZONE_SIZES, Counts
from synthesis.aims import Aims
from synthesis.cells import unit_of_zones

ROUNDING_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class TableDiscrepancy:
    """One table: all arrays have shape (units, cells of a unit), `tvd` has (units,).

    `allowed` is the tolerance of each cell: records, or total variation of its unit's shares.
    """

    table: TargetTable
    reconciled: FloatArray
    synthetic: FloatArray
    discrepancy: FloatArray
    tvd: FloatArray
    within: BoolArray
    allowed: FloatArray

    @property
    def published(self) -> FloatArray:
        """The published figures."""
        return self.table.target.reshape(self.reconciled.shape)

    @property
    def allowed_kind(self) -> str:
        """What `allowed` is in: records or share_tvd."""
        return "share_tvd" if self.table.tolerance.kind == "share_tvd" else "records"


@dataclass(frozen=True, slots=True)
class RoundFit:
    """How well the committed records fit, over all tables and units."""

    mean_tvd: float
    max_tvd: float
    cells_within: int
    cells: int
    worst: Mapping[str, object]


def discrepancies(scenario: Scenario, aims: Aims, counts: Counts, fraction: float = 1.0) -> list[TableDiscrepancy]:
    """The discrepancy of every table, in records; `fraction` of the aims being due so far."""
    found = []
    for table in scenario.tables:
        units = unit_of_zones(scenario, table)
        has_records = np.bincount(units, weights=counts[ZONE_SIZES], minlength=table.units) > 0
        found.append(_table(table, aims, counts, fraction, has_records))
    return found


def fit_of(scenario: Scenario, found: list[TableDiscrepancy], pending: IntArray | None = None) -> RoundFit:
    """The summary of a round; units of tables with zones still `pending` are not judged, unless there are no others."""
    judged = [_judged(scenario, part, pending) for part in found]
    if not any(mask.any() for mask in judged):
        judged = [np.ones(part.table.units, dtype=bool) for part in found]
    tvd = np.concatenate([part.tvd[mask] for part, mask in zip(found, judged, strict=True)])
    shown = [
        replace(part, discrepancy=part.discrepancy * mask[:, None]) for part, mask in zip(found, judged, strict=True)
    ]
    sizes = [np.abs(part.discrepancy).max(initial=0.0) for part in shown]
    worst = worst_cells(scenario, shown[int(np.argmax(sizes))], 1)[0]
    within = [part.within[mask] for part, mask in zip(found, judged, strict=True)]
    cells = sum(part.size for part in within)
    return RoundFit(float(tvd.mean()), float(tvd.max()), sum(int(part.sum()) for part in within), cells, worst)


def _judged(scenario: Scenario, part: TableDiscrepancy, pending: IntArray | None) -> BoolArray:
    judged = np.ones(part.table.units, dtype=bool)
    if pending is not None:
        judged[unit_of_zones(scenario, part.table)[pending]] = False
    return judged


def worst_cells(
    scenario: Scenario, part: TableDiscrepancy, wanted: int, missed_only: bool = False
) -> list[dict[str, object]]:
    """The cells of a table with the largest discrepancies (of those out of tolerance, if so wanted), named."""
    size = np.where(part.within, -1.0, np.abs(part.discrepancy)) if missed_only else np.abs(part.discrepancy)
    flat = np.argsort(-size, axis=None, kind="stable")[:wanted]
    flat = flat[size.ravel()[flat] >= 0]
    cells: list[dict[str, object]] = []
    for unit, cell in zip(*np.unravel_index(flat, part.discrepancy.shape), strict=True):
        cells.append(
            {
                "table": part.table.name,
                "zone": unit_name(scenario, part.table, int(unit)),
                "cell": cell_name(part.table, int(cell)),
                "target": round(float(part.reconciled[unit, cell]), 3),
                "synthetic": int(part.synthetic[unit, cell]),
                "discrepancy": round(float(part.discrepancy[unit, cell]), 3),
            }
        )
    return cells


def cell_name(table: TargetTable, cell: int) -> str:
    """`age=0-4, sex=male`."""
    bins = np.unravel_index(cell, tuple(len(axis) for axis in table.axes))
    return ", ".join(f"{axis.variable}={axis.labels[i]}" for axis, i in zip(table.axes, bins, strict=True))


def unit_name(scenario: Scenario, table: TargetTable, unit: int) -> str | None:
    """The zone's name, or None for a table of the whole."""
    if table.zone_level is None or scenario.zones is None:
        return None
    return scenario.zones.names[table.zone_level][unit]


def _table(table: TargetTable, aims: Aims, counts: Counts, fraction: float, has_records: BoolArray) -> TableDiscrepancy:
    synthetic = counts[table.name].reshape(table.units, -1).astype(float)
    aim = aims.targets[table.name].reshape(table.units, -1)
    totals = synthetic.sum(axis=1, keepdims=True)
    # Where a unit has records but none in the universe, the shares are of the one record that should at least be there.
    everyone = np.where(has_records[:, None], np.maximum(totals, 1.0), totals)
    reconciled = aim * everyone if table.binds == "share" else aim * fraction
    difference = reconciled - synthetic
    aimed = reconciled.sum(axis=1, keepdims=True)
    tvd = 0.5 * np.abs(_shares(reconciled, aimed) - _shares(synthetic, totals)).sum(axis=1)
    tvd = np.where((aimed > 0).ravel() != (totals > 0).ravel(), 1.0, tvd)
    allowed = _allowed(table, reconciled)
    if table.tolerance.kind == "share_tvd":
        within = np.broadcast_to((tvd <= table.tolerance.value + ROUNDING_SLACK)[:, None], difference.shape)
    else:
        # A fractional aim is met by either neighbouring whole number.
        near = np.maximum(np.abs(synthetic - np.floor(reconciled)), 0)
        nearer = np.minimum(near, np.abs(synthetic - np.ceil(reconciled)))
        within = nearer <= allowed + ROUNDING_SLACK
    return TableDiscrepancy(table, reconciled, synthetic, difference, tvd, within, allowed)


def _allowed(table: TargetTable, reconciled: FloatArray) -> FloatArray:
    """The tolerance of every cell; a margin of error is scaled as its cells were, and 0 where none was published."""
    if table.tolerance.kind != "moe" or table.moe is None:
        return np.full(reconciled.shape, table.tolerance.value)
    published = table.target.reshape(table.units, -1).sum(axis=1, keepdims=True)
    scale = np.divide(
        reconciled.sum(axis=1, keepdims=True), published, out=np.zeros(published.shape), where=published > 0
    )
    return np.nan_to_num(table.moe.reshape(table.units, -1), nan=0.0) * scale * table.tolerance.value


def _shares(values: FloatArray, totals: FloatArray) -> FloatArray:
    return np.divide(values, totals, out=np.zeros(values.shape), where=totals > 0)
