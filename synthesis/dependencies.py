"""Variable dependency inference: what the groups that a model names do to the target tables.

Groups select, marginalise and flag tables. A group that is wider than the tables is expanded from them by maximum
entropy; one without a table may have the model's approximation. Both are soft: a wide margin of error, no tolerance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from schemas.dependencies import Dependencies, Group, Status
from schemas.model import Axis, FloatArray, IntArray, Scenario, TargetTable
from synthesis.aims import base_table
from synthesis.what_if import ANY_FIT, MARGIN_OF_ERROR_Z

MAX_CELLS = 4000
EXPANSION_SWEEPS = 50
RELATIVE_ERROR, LEAST_ERROR = 0.5, 0.25
"""Standard error of a cell that nobody published: of its share, and at least of the mean share."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A group with its status and the tables that bear on it."""

    group: Group
    status: Status
    tables: tuple[str, ...]
    added: TargetTable | None = None


def judge_groups(scenario: Scenario, found: Dependencies) -> tuple[Judged, ...]:
    """What each group comes to."""
    return tuple(_judge(scenario, found, group) for group in found.groups)


def apply_dependencies(scenario: Scenario, found: Dependencies) -> Scenario:
    """The scenario with the tables that bind: selected, marginalised, expanded and approximated."""
    judged = judge_groups(scenario, found)
    tables = _selected(scenario, found.groups) if found.joints == "inferred" and found.groups else scenario.tables
    return replace(scenario, tables=(*tables, *(one.added for one in judged if one.added is not None)))


def _judge(scenario: Scenario, found: Dependencies, group: Group) -> Judged:
    wanted = set(group.variables)
    holding = [t for t in _tables_of(scenario, group) if len(_names(t) & wanted) >= 2]
    exact = [t for t in holding if _names(t) == wanted]
    wider = [t for t in holding if _names(t) > wanted]
    if exact or wider:
        return Judged(group, "published" if exact else "margin", tuple(t.name for t in exact or wider))
    if holding and set().union(*(_names(t) for t in holding)) >= wanted:
        added = _expanded(group, holding) if found.joints == "inferred" else None
        return Judged(group, "expanded", tuple(t.name for t in holding), added)
    if holding:
        return Judged(group, "partly", tuple(t.name for t in holding))
    added = _approximated(scenario, group) if found.uses_approximations else None
    return Judged(group, "approximated" if added is not None else "prior only", (), added)


def _tables_of(scenario: Scenario, group: Group) -> list[TargetTable]:
    return [table for table in scenario.tables if table.entity == group.entity and table.universe is None]


def _names(table: TargetTable) -> set[str]:
    return {axis.variable for axis in table.axes}


def _selected(scenario: Scenario, groups: Sequence[Group]) -> tuple[TargetTable, ...]:
    """Marginals and joints inside a group as they are; of other joints the margins that groups want, or the marginals.

    Tables with a universe of their own stay: what they say is said nowhere else.
    """
    kept: list[TargetTable] = []
    base = base_table(scenario)
    for table in scenario.tables:
        wanted = [set(g.variables) & _names(table) for g in groups if g.entity == table.entity]
        wanted = [names for names in wanted if len(names) >= 2]
        if len(table.axes) == 1 or table.universe is not None or _names(table) in wanted:
            kept.append(table)
            continue
        one_way = {t.axes[0].variable for t in scenario.tables if len(t.axes) == 1 and t.entity == table.entity}
        parts = [names for i, names in enumerate(wanted) if names not in wanted[:i]]
        covered = one_way.union(*parts)
        parts += [{axis.variable} for axis in table.axes if axis.variable not in covered]
        margins = [margin(table, names) for names in parts]
        # The table that sets the zones' sizes leaves at least one margin of itself, which does so as well.
        if table is base and not margins:
            margins = [margin(table, {table.axes[0].variable})]
        kept += margins
    return tuple(kept)


def margin(table: TargetTable, names: set[str]) -> TargetTable:
    """The table summed over the variables not named."""
    positions = [i for i, axis in enumerate(table.axes) if axis.variable in names]
    others = tuple(i + 1 for i in range(len(table.axes)) if i not in positions)
    axes = tuple(table.axes[i] for i in positions)
    moe = None if table.moe is None else np.sqrt((table.moe**2).sum(axis=others))
    name = f"{table.name}.{'.'.join(axis.variable for axis in axes)}"
    note = f"margin of {table.name}"
    return replace(table, name=name, axes=axes, target=table.target.sum(axis=others), moe=moe, note=note)


def _expanded(group: Group, holding: Sequence[TargetTable]) -> TargetTable | None:
    """The maximum-entropy table over a group that has the margins of the tables that hold parts of it."""
    axes = [_axis_of(name, holding) for name in group.variables]
    shape = tuple(len(axis) for axis in axes)
    if int(np.prod(shape)) > MAX_CELLS:
        return None
    constraints = []
    for table in holding:
        part = margin(table, set(group.variables))
        found = _on_axes(part, [axis for axis in axes if axis.variable in _names(part)])
        if found is None:
            return None
        constraints.append((tuple(group.variables.index(axis.variable) for axis in part.axes), found))
    joint = np.full(shape, 1.0 / np.prod(shape))
    for _ in range(EXPANSION_SWEEPS):
        for positions, wanted in constraints:
            others = tuple(i for i in range(len(shape)) if i not in positions)
            have = joint.sum(axis=others, keepdims=True)
            goal = _aligned(wanted, positions, len(shape))
            joint = joint * np.divide(goal, have, out=np.zeros(have.shape), where=have > 0)
    return _soft(group, tuple(axes), joint, f"expanded by maximum entropy from {', '.join(t.name for t in holding)}")


def _aligned(wanted: FloatArray, positions: tuple[int, ...], dimensions: int) -> FloatArray:
    """The constraint with its axes in the joint's order, and length 1 where it says nothing."""
    ordered = wanted.transpose(np.argsort(positions))
    shape = [1] * dimensions
    for size, position in zip(ordered.shape, sorted(positions), strict=True):
        shape[position] = size
    return ordered.reshape(shape)


def _axis_of(name: str, holding: Sequence[TargetTable]) -> Axis:
    """The coarsest bins of a variable among the tables."""
    return min((axis for table in holding for axis in table.axes if axis.variable == name), key=len)


def _on_axes(table: TargetTable, axes: Sequence[Axis]) -> FloatArray | None:
    """The table's shares over all zones on coarser bins, in its own axes' order; None if its bins do not fit."""
    values = table.target.sum(axis=0)
    wanted = {axis.variable: axis for axis in axes}
    for position, axis in enumerate(table.axes):
        target = wanted[axis.variable]
        lookup = _bins_within(axis, target)
        if lookup is None:
            return None
        moved = np.moveaxis(values, position, 0)
        summed = np.zeros((len(target), *moved.shape[1:]))
        np.add.at(summed, lookup, moved)
        values = np.moveaxis(summed, 0, position)
    total = float(values.sum())
    return values / total if total > 0 else None


def _bins_within(axis: Axis, target: Axis) -> IntArray | None:
    """For each bin the one of `target` that it lies in; None if one lies in none."""
    if axis.lows is None or axis.highs is None or target.lows is None or target.highs is None:
        return np.arange(len(axis)) if axis.labels == target.labels else None
    found = np.searchsorted(target.lows, axis.lows, side="right") - 1
    is_in = (found >= 0) & (axis.highs <= target.highs[np.maximum(found, 0)])
    return found if is_in.all() else None


def _approximated(scenario: Scenario, group: Group) -> TargetTable | None:
    """The model's own table of a group without any, on the bins that the prompt listed."""
    axes = [approximation_axis(scenario, group.entity, name) for name in group.variables]
    known = [axis for axis in axes if axis is not None]
    if not group.cells or len(known) < len(axes) or int(np.prod([len(axis) for axis in known])) > MAX_CELLS:
        return None
    joint = np.zeros(tuple(len(axis) for axis in known))
    for cell in group.cells:
        place = tuple(axis.labels.index(label) for axis, label in zip(known, cell.values, strict=True))
        joint[place] += cell.share
    if joint.sum() <= 0:
        return None
    return _soft(group, tuple(known), joint / joint.sum(), "approximated by the model: nobody has published it")


def approximation_axis(scenario: Scenario, entity: str, name: str) -> Axis | None:
    """The bins on which a variable is approximated: its categories, or the coarsest ones that a table has."""
    variable = scenario.variable(entity, name)
    if variable.kind == "category":
        return Axis(name, variable.categories)
    found = [a for t in scenario.tables for a in t.axes if a.variable == name and a.lows is not None and len(a) >= 2]
    return min(found, key=len) if found else None


def _soft(group: Group, axes: tuple[Axis, ...], shares: FloatArray, note: str) -> TargetTable:
    """A table of shares of everybody with a wide margin of error, which no tolerance holds it to."""
    error = np.maximum(RELATIVE_ERROR * shares, LEAST_ERROR * shares.mean())
    return TargetTable(
        name=f"inferred.{'.'.join(group.variables)}",
        entity=group.entity,
        axes=axes,
        target=shares[None, ...],
        measure="share",
        binds="share",
        tolerance=ANY_FIT,
        moe=MARGIN_OF_ERROR_Z * error[None, ...],
        note=note,
    )
