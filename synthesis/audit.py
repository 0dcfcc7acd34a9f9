"""Auditing records that were read back: frames to records, and whether each record passes each check.

`audit_columns` judges what spans columns or entities; Great Expectations judges the rest column by column.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from schemas.model import BoolArray, Derived, Entity, IntArray, Rule, Scenario, Variable
from synthesis.evaluation import columns, with_derived
from synthesis.records import Array, Records
from synthesis.summaries import find_ids, member_counts_match, obeyed

if TYPE_CHECKING:
    import pandas as pd

AuditColumns = dict[str, dict[str, BoolArray]]
"""Per entity, whether each record passes, by column name."""

PARENT_EXISTS = "parent exists"
MEMBER_COUNT_MATCHES = "member count matches"
_NO_ID = np.iinfo(np.int64).min


def audit_columns(scenario: Scenario, records: Records, member_root_rows: IntArray | None = None) -> AuditColumns:
    """Whether each record passes each check that spans columns or entities, in the order of the frames' rows.

    `rule: <name>` and `derived: <name>` (the stored value is what its expression yields) are there for what the columns
    at hand suffice for. An orphan member is judged for its parent alone.

    Args:
        scenario: what the records have to obey.
        records: what `records_from_frames` made of the frames.
        member_root_rows: each member row's root row, as from `root_rows`; absent, the members are those of `records`.
    """
    passed: AuditColumns = {entity.name: {} for entity in scenario.entities}
    for rule in scenario.rules:
        if _is_computable(rule, scenario, records):
            passed[rule.entity][f"rule: {rule.name}"] = obeyed(scenario, rule, records)
    for name, column, is_right in _derived_checks(scenario, records):
        passed[name][column] = is_right
    if scenario.member is not None:
        rows = records.parent if member_root_rows is None else member_root_rows
        members = passed[scenario.member.name]
        passed[scenario.member.name] = {PARENT_EXISTS: rows >= 0, **_in_frame_order(members, rows)}
        if scenario.member.count in records.root:
            passed[scenario.root.name][MEMBER_COUNT_MATCHES] = member_counts_match(scenario, records, rows)
    return passed


def records_from_frames(
    scenario: Scenario,
    root_frame: "pd.DataFrame",
    member_frame: "pd.DataFrame | None" = None,
    member_root_rows: IntArray | None = None,
) -> Records:
    """The records in the frames: members sorted by their root, categories as codes (-1: null or no category).

    Orphan members are left out (`root_rows`, the default, tells which), and so are columns that a frame lacks.
    """
    root = _columns(scenario.root, root_frame)
    if scenario.member is None or member_frame is None:
        return Records(len(root_frame), root)
    rows = root_rows(scenario, root_frame, member_frame) if member_root_rows is None else member_root_rows
    order = _sorted_members(rows)
    members = {name: column[order] for name, column in _columns(scenario.member, member_frame).items()}
    return Records(len(root_frame), root, members, rows[order])


def root_rows(scenario: Scenario, root_frame: "pd.DataFrame", member_frame: "pd.DataFrame") -> IntArray:
    """The row of each member's root record, found by `<root>_id`; -1 for an orphan."""
    name = f"{scenario.root.name}_id"
    if name not in root_frame or name not in member_frame:
        return np.full(len(member_frame), -1)
    wanted = _ids(member_frame[name])
    return np.where(wanted == _NO_ID, -1, find_ids(_ids(root_frame[name]), wanted))


def _is_computable(rule: Rule, scenario: Scenario, records: Records) -> bool:
    read = {column for node in (rule.when, rule.then) if node is not None for column in columns(node)}
    return all(c.variable in (records.root if c.entity == scenario.root.name else records.members) for c in read)


def _derived_checks(scenario: Scenario, records: Records) -> Iterable[tuple[str, str, BoolArray]]:
    """(entity, column, whether the stored value is right) of each derived variable; none if a column is missing."""
    held = {entity.name: records.members if entity is scenario.member else records.root for entity in scenario.entities}
    if any(v.name not in held[e.name] for e in scenario.entities for v in e.all_variables):
        return
    with np.errstate(invalid="ignore"):  # a null in a source column has no integer; it is a finding of its own
        fresh = with_derived(scenario, records)
    for entity in scenario.entities:
        computed = fresh.members if entity is scenario.member else fresh.root
        for derived in entity.derived:
            is_right = np.isclose(computed[derived.name], held[entity.name][derived.name], rtol=1e-9, atol=1e-12)
            yield entity.name, f"derived: {derived.name}", is_right


def _sorted_members(rows: IntArray) -> IntArray:
    return np.argsort(rows, kind="stable")[np.count_nonzero(rows < 0) :]


def _in_frame_order(passed: Mapping[str, BoolArray], rows: IntArray) -> dict[str, BoolArray]:
    order = _sorted_members(rows)
    spread = {name: np.ones(len(rows), dtype=bool) for name in passed}
    for name, column in passed.items():
        spread[name][order] = column
    return spread


def _columns(entity: Entity, frame: "pd.DataFrame") -> dict[str, Array]:
    return {v.name: _column(v, frame[v.name]) for v in entity.all_variables if v.name in frame}


def _column(variable: Variable | Derived, series: "pd.Series[Any]") -> Array:
    if variable.kind == "category":
        return _codes(series, variable.categories)
    values = _numbers(series)
    return values if variable.kind == "integer" else values.astype(np.float64)


def _codes(series: "pd.Series[Any]", categories: tuple[str, ...]) -> Array:
    import pandas as pd  # only where frames are read: a worker that draws needs none

    index = pd.Index(categories)
    dtype = np.int16 if len(categories) < 2**15 else np.int32
    if not isinstance(series.dtype, pd.CategoricalDtype):
        return index.get_indexer(pd.Index(series)).astype(dtype)
    lookup = np.append(index.get_indexer(series.cat.categories), -1)  # a null's code is -1, the last entry
    return lookup[series.cat.codes.to_numpy()].astype(dtype)


def _numbers(series: "pd.Series[Any]") -> Array:
    """Integers if the column holds nothing else, otherwise floats with NaN for null and for text."""
    import pandas as pd  # as in _codes

    if not pd.api.types.is_numeric_dtype(series.dtype):
        series = pd.to_numeric(series, errors="coerce")
    if pd.api.types.is_integer_dtype(series.dtype) and not series.isna().any():
        return series.to_numpy(dtype=np.int64)
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    is_whole = bool((np.abs(values) < 2**53).all()) and bool((values == np.trunc(values)).all())
    return values.astype(np.int64) if is_whole and len(values) else values


def _ids(series: "pd.Series[Any]") -> IntArray:
    values: NDArray[Any] = _numbers(series)
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), float(_NO_ID), values)
    return values.astype(np.int64)
