"""What a run aims at: sizes per zone, and every table in records or shares, reconciled by a stated policy.

Policy: the first table of root counts over everyone sets the number of root records of each zone. Every other
count table is scaled by its zone's (size aimed at / size published); a whole-universe root table whose total still
differs is rescaled to it, and that is said in `reconciliations`. Tables that bind shares keep their shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.errors import UserError
from schemas.model import FloatArray, IntArray, MomentTable, Scenario, TargetTable

NOTICEABLE_RECORDS = 0.5


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """A change made to a published table, and how big it was."""

    table: str
    what: str
    magnitude: float


@dataclass(frozen=True, slots=True)
class Aims:
    """Root records per finest zone, and per table its flat targets: records, or shares where it binds shares."""

    zone_sizes: IntArray
    targets: Mapping[str, FloatArray]
    reconciliations: tuple[Reconciliation, ...]


def build_aims(scenario: Scenario, size: int | None) -> Aims:
    """The aims of a run of `size` root records (default: the scenario's, else the published total)."""
    base = base_table(scenario)
    published = _zone_totals(scenario, base)
    wanted = size or scenario.size or round(float(published.sum()))
    if wanted < 1:
        raise UserError(
            f"{scenario.name}: the tables count no {scenario.root.name} at all, expected a size of 1 or more"
        )
    zone_sizes = largest_remainder(published, wanted)
    notes: list[Reconciliation] = []
    targets = {table.name: _aim(scenario, table, published, zone_sizes, notes).ravel() for table in scenario.tables}
    targets |= {moment.name: _moment_aim(scenario, moment, published, zone_sizes) for moment in scenario.moments}
    return Aims(zone_sizes, targets, tuple(notes))


def largest_remainder(weights: FloatArray, total: int) -> IntArray:
    """Whole numbers proportional to `weights` that sum to `total`; ties go to the first."""
    exact = weights * (total / weights.sum())
    whole = np.floor(exact).astype(np.int64)
    missing = total - int(whole.sum())
    whole[np.argsort(-(exact - whole), kind="stable")[:missing]] += 1
    return whole


def base_table(scenario: Scenario) -> TargetTable | None:
    """The table that sets how many root records each zone has."""
    level = scenario.zones.variable if scenario.zones else None
    asked = scenario.reconcile.sizes_from
    for table in scenario.tables:
        if asked is not None and table.name != asked:
            continue
        is_root_count = table.entity == scenario.root.name and table.measure == "count" and table.universe is None
        if is_root_count and table.zone_level == level:
            return table
    return None


def _zone_totals(scenario: Scenario, base: TargetTable | None) -> FloatArray:
    if base is None and scenario.zones is not None:
        root, level = scenario.root.name, scenario.zones.variable
        raise UserError(f"{scenario.name}: no table counts {root} records by {level}, expected one (measure: count)")
    if base is None:
        return np.ones(1)
    totals = base.target.reshape(base.units, -1).sum(axis=1)
    if totals.sum() <= 0:
        raise UserError(f"{scenario.name}: table {base.name} ({base.path}) counts no {scenario.root.name} at all")
    return totals


def _aim(
    scenario: Scenario, table: TargetTable, published: FloatArray, sizes: IntArray, notes: list[Reconciliation]
) -> FloatArray:
    values = table.target.reshape(table.units, -1)
    totals = values.sum(axis=1)
    if table.binds == "share":
        return np.divide(values, totals[:, None], out=np.zeros(values.shape), where=totals[:, None] > 0)
    of_published, of_sizes = _unit_sums(scenario, table, published), _unit_sums(scenario, table, sizes)
    if scenario.zones is None and base_table(scenario) is None:
        of_published = of_sizes
    aimed = values * np.divide(of_sizes, of_published, out=np.zeros(len(totals)), where=of_published > 0)[:, None]
    if table.entity != scenario.root.name or table.universe is not None:
        return aimed
    off = np.abs(aimed.sum(axis=1) - of_sizes)
    if off.max() > NOTICEABLE_RECORDS:
        what = f"totals differ from the {scenario.root.name} counts of the first table: rescaled to them"
        notes.append(Reconciliation(table.name, what, float(off.sum())))
    return values * np.divide(of_sizes, totals, out=np.zeros(len(totals)), where=totals > 0)[:, None]


def _moment_aim(scenario: Scenario, moment: MomentTable, published: FloatArray, sizes: IntArray) -> FloatArray:
    """Means as published, totals scaled as counts are, and of quantiles the share below; NaN where none was given."""
    values = moment.cells.target.reshape(moment.cells.units, -1)
    if moment.measure == "quantile":
        return np.where(np.isfinite(values), moment.quantile, np.nan).ravel()
    if moment.measure == "mean":
        return values.ravel()
    of_published, of_sizes = _unit_sums(scenario, moment.cells, published), _unit_sums(scenario, moment.cells, sizes)
    if scenario.zones is None and base_table(scenario) is None:
        of_published = of_sizes
    scale = np.divide(of_sizes, of_published, out=np.zeros(len(of_sizes)), where=of_published > 0)
    return (values * scale[:, None]).ravel()


def _unit_sums(scenario: Scenario, table: TargetTable, by_zone: FloatArray | IntArray) -> FloatArray:
    """Zone figures summed to the table's units."""
    if table.zone_level is None or scenario.zones is None:
        return np.array([float(by_zone.sum())])
    sums = np.bincount(scenario.zones.lookup[table.zone_level], weights=by_zone, minlength=table.units)
    return sums.astype(float)
