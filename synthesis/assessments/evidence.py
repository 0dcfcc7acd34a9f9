"""Which figures a run was aimed at, and which it never saw."""

from collections.abc import Sequence

from schemas.model import Entity, Scenario


def is_targeted(scenario: Scenario, entity: Entity, names: Sequence[str]) -> bool:
    """Whether one target table holds all the variables, counting the entity's records or their members."""
    for table in scenario.tables:
        held = {axis.variable for axis in table.axes}
        if table.zone_level is not None and scenario.zones is not None:
            held.add(scenario.zones.variable if table.zone_level == scenario.zones.variable else table.zone_level)
        if table.entity == entity.name and held.issuperset(names):
            return True
    return False
