"""Which cells a prompt names: those of joints and marginals that lack most, in a slice of the zones."""

from collections.abc import Iterator, Sequence

import numpy as np

from schemas.guidance import GuidedCell
from schemas.model import Axis, FloatArray, IntArray, Scenario, TargetTable
from synthesis.aggregates import ZONE_SIZES, Counts
from synthesis.aims import Aims
from synthesis.cells import unit_of_zones

MARGIN = "margin of {}"


def lacking_cells(scenario: Scenario, aims: Aims, counts: Counts, zones: IntArray | None = None) -> list[GuidedCell]:
    """Cells with a positive discrepancy in shares of their table, the largest first; a wide table's margins as well."""
    found: list[GuidedCell] = []
    one_way = {(t.entity, t.axes[0].variable) for t in scenario.tables if len(t.axes) == 1}
    for table in scenario.tables:
        target, synthetic = _shares(scenario, aims, counts, table, zones)
        if target.sum() <= 0:
            continue
        found += _cells(table, table.name, table.axes, target, target - synthetic)
        for position, axis in enumerate(table.axes):
            if len(table.axes) > 1 and table.universe is None and (table.entity, axis.variable) not in one_way:
                one_way.add((table.entity, axis.variable))
                others = tuple(i for i in range(len(table.axes)) if i != position)
                margin, have = (values.sum(axis=others) for values in (target, synthetic))
                found += _cells(table, MARGIN.format(table.name), (axis,), margin, margin - have)
    return sorted(found, key=lambda cell: -cell.missing)


def residual(scenario: Scenario, aims: Aims, counts: Counts, zones: IntArray) -> float:
    """Mean TVD of the tables over some zones, less what rounding to whole records explains; 1 before any record."""
    if counts[ZONE_SIZES][zones].sum() == 0:
        return 1.0
    found = []
    for table in scenario.tables:
        target, synthetic = _shares(scenario, aims, counts, table, zones)
        if target.sum() > 0:
            units = np.unique(unit_of_zones(scenario, table)[zones])
            records = max(float(counts[table.name].reshape(table.units, -1)[units].sum()), 1.0)
            excess = np.maximum(np.abs(target - synthetic) - 1.0 / records, 0.0)
            found.append(0.5 * float(excess.sum()))
    return float(np.mean(found)) if found else 0.0


def _shares(
    scenario: Scenario, aims: Aims, counts: Counts, table: TargetTable, zones: IntArray | None
) -> tuple[FloatArray, FloatArray]:
    """Target and synthetic shares of a table over the units that the zones touch, shape (axes)."""
    of_zone = unit_of_zones(scenario, table)
    touched = np.unique(of_zone if zones is None else of_zone[zones])
    aimed = aims.targets[table.name].reshape(table.units, -1)[touched]
    if table.binds == "share":
        weight = np.bincount(of_zone, weights=aims.zone_sizes, minlength=table.units)[touched]
        aimed = aimed * weight[:, None]
    have = counts[table.name].reshape(table.units, -1)[touched].sum(axis=0).astype(float)
    shape = tuple(len(axis) for axis in table.axes)
    return _normalised(aimed.sum(axis=0)).reshape(shape), _normalised(have).reshape(shape)


def _normalised(values: FloatArray) -> FloatArray:
    total = float(values.sum())
    return values / total if total > 0 else np.zeros(len(values))


def _cells(
    table: TargetTable, name: str, axes: Sequence[Axis], target: FloatArray, missing: FloatArray
) -> Iterator[GuidedCell]:
    for places in zip(*np.nonzero(missing > 1e-9), strict=True):
        where = {axis.variable: _place(axis, int(i)) for axis, i in zip(axes, places, strict=True)}
        yield GuidedCell(
            table=name,
            entity=table.entity,
            where=where,
            target=float(f"{target[places]:.4g}"),
            missing=float(f"{missing[places]:.4g}"),
        )


def _place(axis: Axis, index: int) -> str | tuple[float, float]:
    if axis.lows is None or axis.highs is None:
        return axis.labels[index]
    return float(axis.lows[index]), float(axis.highs[index])
