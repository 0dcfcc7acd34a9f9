"""Records as points: numbers scaled by their declared range, categories as indicators of one half each.

The city-block distance of two such points is Gower's without its division by the number of variables. A root record
with members is described by its own variables and its members' profile, so that whole households can be compared.
"""

from collections.abc import Sequence

import numpy as np

from schemas.model import Derived, Entity, FloatArray, Scenario, Variable
from synthesis.records import Array, Records

NO_MEMBER = -1.0e15


def entity_points(scenario: Scenario, records: Records, entity: Entity, names: Sequence[str]) -> FloatArray:
    """One point per record of the entity, over the variables `names` (a member's may be its root's)."""
    of_members = entity is scenario.member
    columns = [_spread(scenario.variable(entity.name, name), records.column(name, of_members)) for name in names]
    return np.concatenate(columns, axis=1)


def household_points(
    scenario: Scenario, records: Records, root_names: Sequence[str], member_names: Sequence[str]
) -> FloatArray:
    """One point per root record: its own variables and, of each member variable, mean, lowest, highest or shares."""
    parts = [entity_points(scenario, records, scenario.root, root_names)]
    if scenario.member is not None and member_names:
        sizes = np.maximum(records.members_per_root(), 1)[:, None]
        for name in member_names:
            spread = _spread(scenario.variable(scenario.member.name, name), records.members[name])
            sums = np.stack([np.bincount(records.parent, column, records.count) for column in spread.T], axis=1)
            parts.append(sums / sizes)
            if spread.shape[1] == 1:
                parts += [_extreme(spread[:, 0], records, sign)[:, None] for sign in (1.0, -1.0)]
    return np.concatenate(parts, axis=1)


def whole_rows(records: Records, root_names: Sequence[str], member_names: Sequence[str]) -> FloatArray:
    """One row per root record that is equal for equal households: root values, then members in sorted order."""
    root = np.stack([records.root[name].astype(float) for name in root_names], axis=1)
    if not member_names or not records.member_count:
        return root
    members = np.stack([records.members[name].astype(float) for name in member_names], axis=1)
    order = np.lexsort((*members.T[::-1], records.parent))
    sizes = records.members_per_root()
    place = np.arange(records.member_count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    padded = np.full((records.count, int(sizes.max()), len(member_names)), NO_MEMBER)
    padded[records.parent[order], place] = members[order]
    return np.concatenate([root, padded.reshape(records.count, -1)], axis=1)


def _spread(variable: Variable | Derived, column: Array) -> FloatArray:
    if variable.kind == "category":
        return (column[:, None] == np.arange(len(variable.categories))) / 2.0
    width = max(variable.high - variable.low, 1e-12)
    return ((column.astype(float) - variable.low) / width)[:, None]


def _extreme(values: FloatArray, records: Records, sign: float) -> FloatArray:
    """The lowest (sign 1) or highest (sign -1) value of each root record's members; 0 without members."""
    found = np.full(records.count, np.inf)
    np.minimum.at(found, records.parent, sign * values)
    return np.where(np.isinf(found), 0.0, sign * found)
