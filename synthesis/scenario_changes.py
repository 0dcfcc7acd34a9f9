"""What two versions of a scenario differ in beside their targets: records of one need not be records of the other."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from schemas.errors import UserError
from schemas.model import Axis, Entity, MomentTable, Scenario, TargetTable

NAMED = 3


def check_changes(before: Scenario, after: Scenario, place: str) -> None:
    """Refuse a scenario at `place` that changes more than targets."""
    changes = find_changes(before, after)
    if changes:
        more = f" (and {len(changes) - NAMED} more)" if len(changes) > NAMED else ""
        raise UserError(
            f"{place}: {'; '.join(changes[:NAMED])}{more}: an update takes new figures for the same tables, variables "
            "and rules; for anything else use `synthor run`"
        )


def find_changes(before: Scenario, after: Scenario) -> list[str]:
    """Each difference in a few words; none where only targets, margins of error, tolerances or wording differ."""
    return [
        *_entities(before, after),
        *_named("rule", before.rules, after.rules, lambda rule: (rule.entity, rule.when, rule.then)),
        *_zones(before, after),
        *_named("table", before.tables, after.tables, _table_shape),
        *_named("held-out table", before.held_out, after.held_out, _table_shape),
        *_named("table", before.moments, after.moments, _moment_shape),
    ]


def _entities(before: Scenario, after: Scenario) -> Iterable[str]:
    yield from _named("entity", before.entities, after.entities, lambda entity: (entity.parent, entity.count))
    shared = {entity.name: entity for entity in before.entities}
    for entity in after.entities:
        if entity.name in shared:
            yield from _variables(shared[entity.name], entity)


def _variables(before: Entity, after: Entity) -> Iterable[str]:
    what = f"variable {after.name}."
    yield from _named(what, before.variables, after.variables, lambda v: (v.kind, v.categories, v.low, v.high))
    yield from _named(what, before.texts, after.texts, lambda text: text.name)
    yield from _named(what, before.derived, after.derived, lambda v: (v.kind, v.categories, v.expression))


def _zones(before: Scenario, after: Scenario) -> Iterable[str]:
    left, right = before.zones, after.zones
    if (left is None) != (right is None):
        yield "zones are new" if left is None else "zones are gone"
    elif left is not None and right is not None:
        if (left.variable, left.partition_by) != (right.variable, right.partition_by):
            yield "the zone variable or partition_by differs"
        elif dict(left.names) != dict(right.names) or any(
            (left.lookup[level] != right.lookup[level]).any() for level in left.levels
        ):
            yield "the crosswalk of the zones differs"


def _table_shape(table: TargetTable) -> tuple[Any, ...]:
    axes = tuple(_axis_shape(axis) for axis in table.axes)
    return table.entity, table.zone_level, table.universe, axes, table.target.shape


def _axis_shape(axis: Axis) -> tuple[Any, ...]:
    edges = tuple(None if side is None else tuple(side.tolist()) for side in (axis.lows, axis.highs))
    return axis.variable, axis.labels, edges


def _moment_shape(moment: MomentTable) -> tuple[Any, ...]:
    shape = moment.of, moment.measure, moment.quantile, _table_shape(moment.cells)
    # Records are counted below a published quantile: another one has not been counted.
    return (*shape, np.nan_to_num(moment.cells.target).tobytes()) if moment.measure == "quantile" else shape


def _named(what: str, before: Iterable[Any], after: Iterable[Any], shape: Callable[[Any], Any]) -> Iterable[str]:
    left, right = {one.name: shape(one) for one in before}, {one.name: shape(one) for one in after}
    gap = "" if what.endswith(".") else " "
    yield from (f"{what}{gap}{name} is gone" for name in left if name not in right)
    yield from (f"{what}{gap}{name} is new" for name in right if name not in left)
    yield from (f"{what}{gap}{name} differs" for name in right if name in left and left[name] != right[name])
