"""Summaries: counts that say whether records obey their scenario. Small, and mergeable in any order.

A batch is summarised where it was drawn; the merged summary is judged without reading a record again. What has to be
judged record by record (`audit_columns`) can be, from the frames of a partition (`records_from_frames`).
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from schemas.model import Derived, Entity, IntArray, Rule, Scenario, Variable
from synthesis.evaluation import columns, obeys, with_derived
from synthesis.records import Array, Columns, Records

if TYPE_CHECKING:
    import pandas as pd

BoolArray = NDArray[np.bool_]
AuditColumns = dict[str, dict[str, BoolArray]]
"""Per entity, whether each record passes, by column name."""

PARENT_EXISTS = "parent exists"
MEMBER_COUNT_MATCHES = "member count matches"
_NO_ID = np.iinfo(np.int64).min


class ColumnSummary(TypedDict):
    """One column. `outside` counts numbers outside the declared range, or codes that are no category."""

    nulls: int
    outside: int
    min: NotRequired[float | None]
    max: NotRequired[float | None]
    counts: NotRequired[dict[str, int]]


class EntitySummary(TypedDict):
    """Records of one entity. `ids` are the distinct ids as ascending runs [first, last] without gaps."""

    rows: int
    columns: dict[str, ColumnSummary]
    ids: list[list[int]]
    duplicate_ids: int


class Summary(TypedDict):
    """Any number of batches. `rules` counts the records that break each rule."""

    entities: dict[str, EntitySummary]
    rules: dict[str, int]
    member_count_mismatches: int
    orphan_members: int


EMPTY: Summary = {"entities": {}, "rules": {}, "member_count_mismatches": 0, "orphan_members": 0}


def summarise(
    scenario: Scenario,
    records: Records,
    root_ids: IntArray,
    member_ids: IntArray | None = None,
    member_parent_ids: IntArray | None = None,
) -> Summary:
    """The summary of one batch; `records` hold the derived variables too."""
    entities = {scenario.root.name: _entity_summary(scenario.root, records.root, root_ids)}
    mismatches = orphans = 0
    if scenario.member is not None:
        assert member_ids is not None, f"{scenario.member.name} ids are needed"
        assert member_parent_ids is not None, f"parent ids of {scenario.member.name} records are needed"
        entities[scenario.member.name] = _entity_summary(scenario.member, records.members, member_ids)
        rows = _listed_under(records, root_ids, member_parent_ids)
        orphans = int(np.count_nonzero(rows < 0))
        mismatches = int(np.count_nonzero(~_member_counts_match(scenario, records, rows)))
    broken = {rule.name: int(np.count_nonzero(~_obeyed(scenario, rule, records))) for rule in scenario.rules}
    return Summary(entities=entities, rules=broken, member_count_mismatches=mismatches, orphan_members=orphans)


def merge_summaries(a: Summary, b: Summary) -> Summary:
    """The summary of both; associative and commutative, with `EMPTY` as the neutral value."""
    return Summary(
        entities=_union(a["entities"], b["entities"], _merge_entities),
        rules=_union(a["rules"], b["rules"], int.__add__),
        member_count_mismatches=a["member_count_mismatches"] + b["member_count_mismatches"],
        orphan_members=a["orphan_members"] + b["orphan_members"],
    )


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
            passed[rule.entity][f"rule: {rule.name}"] = _obeyed(scenario, rule, records)
    for name, column, is_right in _derived_checks(scenario, records):
        passed[name][column] = is_right
    if scenario.member is not None:
        rows = records.parent if member_root_rows is None else member_root_rows
        members = passed[scenario.member.name]
        passed[scenario.member.name] = {PARENT_EXISTS: rows >= 0, **_in_frame_order(members, rows)}
        if scenario.member.count in records.root:
            passed[scenario.root.name][MEMBER_COUNT_MATCHES] = _member_counts_match(scenario, records, rows)
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
    return np.where(wanted == _NO_ID, -1, _find(_ids(root_frame[name]), wanted))


def variables_of(entity: Entity) -> tuple[Variable | Derived, ...]:
    """The entity's variables, then its derived ones: the columns it has besides ids."""
    return (*entity.variables, *entity.derived)


def _entity_summary(entity: Entity, held: Columns, ids: IntArray) -> EntitySummary:
    summaries = {variable.name: _column_summary(variable, held[variable.name]) for variable in variables_of(entity)}
    runs = _runs(ids)
    return EntitySummary(rows=len(ids), columns=summaries, ids=runs, duplicate_ids=len(ids) - _covered(runs))


def _column_summary(variable: Variable | Derived, column: Array) -> ColumnSummary:
    if variable.kind == "category":
        return _category_summary(variable.categories, column)
    values: NDArray[Any] = column
    if values.dtype.kind == "f" and (is_null := np.isnan(values)).any():
        values = values[~is_null]
    if not len(values):
        return ColumnSummary(nulls=len(column), outside=0, min=None, max=None)
    low, high = values.min().item(), values.max().item()
    is_inside = _is_inside(variable, np.array([low, high])).all()
    outside = 0 if is_inside else int(np.count_nonzero(~_is_inside(variable, values)))
    return ColumnSummary(nulls=len(column) - len(values), outside=outside, min=low, max=high)


def _category_summary(categories: tuple[str, ...], codes: NDArray[Any]) -> ColumnSummary:
    outside = 0
    if len(codes) and not 0 <= int(codes.min()) <= int(codes.max()) < len(categories):
        wide = codes.astype(np.int64)  # an int8 code cannot be compared with 200 categories
        codes = wide[(wide >= 0) & (wide < len(categories))]
        outside = len(wide) - len(codes)
    seen = {label: count for label, count in zip(categories, _counts(codes, len(categories)), strict=True) if count}
    return ColumnSummary(nulls=0, outside=outside, counts=seen)


def _counts(codes: NDArray[Any], size: int) -> list[int]:
    if size <= 32:  # comparing a narrow column a few times is faster than one bincount, which widens it
        return [int(np.count_nonzero(codes == code)) for code in range(size)]
    return [int(count) for count in np.bincount(codes, minlength=size)]


def _is_inside(variable: Variable | Derived, values: NDArray[Any]) -> BoolArray:
    is_below: BoolArray = values <= variable.high if variable.kind == "integer" else values < variable.high
    return (values >= variable.low) & is_below


def _union(a: Mapping[str, Any], b: Mapping[str, Any], join: Any) -> dict[str, Any]:
    return {key: join(a[key], b[key]) if key in a and key in b else a.get(key, b.get(key)) for key in {**a, **b}}


def _merge_entities(a: EntitySummary, b: EntitySummary) -> EntitySummary:
    rows, runs = a["rows"] + b["rows"], _merge_runs(a["ids"], b["ids"])
    merged = _union(a["columns"], b["columns"], _merge_columns)
    return EntitySummary(rows=rows, columns=merged, ids=runs, duplicate_ids=rows - _covered(runs))


def _merge_columns(a: ColumnSummary, b: ColumnSummary) -> ColumnSummary:
    merged = ColumnSummary(nulls=a["nulls"] + b["nulls"], outside=a["outside"] + b["outside"])
    if "counts" in a:
        merged["counts"] = _union(a["counts"], b["counts"], int.__add__)
        return merged
    merged["min"] = min((v for v in (a["min"], b["min"]) if v is not None), default=None)
    merged["max"] = max((v for v in (a["max"], b["max"]) if v is not None), default=None)
    return merged


def _runs(ids: IntArray) -> list[list[int]]:
    if not len(ids):
        return []
    steps = np.diff(ids)
    if not (steps > 0).all():
        ids = np.unique(ids)
        steps = np.diff(ids)
    ends = np.flatnonzero(steps > 1)
    return np.stack([ids[np.append(0, ends + 1)], ids[np.append(ends, -1)]], axis=1).tolist()  # type: ignore[no-any-return]  # numpy's tolist is Any


def _merge_runs(a: list[list[int]], b: list[list[int]]) -> list[list[int]]:
    if not a or not b:
        return a or b
    runs = np.array(a + b, dtype=np.int64)
    firsts, lasts = runs[np.argsort(runs[:, 0], kind="stable")].T
    starts = np.append(0, np.flatnonzero(firsts[1:] > np.maximum.accumulate(lasts)[:-1] + 1) + 1)
    return np.stack([firsts[starts], np.maximum.reduceat(lasts, starts)], axis=1).tolist()  # type: ignore[no-any-return]  # as above


def _covered(runs: list[list[int]]) -> int:
    return sum(last - first + 1 for first, last in runs)


def _listed_under(records: Records, root_ids: IntArray, member_parent_ids: IntArray) -> IntArray:
    """Each member's root row by its parent id, which should be where it stands; -1 for an orphan."""
    if np.array_equal(root_ids[records.parent], member_parent_ids):
        return records.parent
    return _find(root_ids, member_parent_ids)


def _find(root_ids: IntArray, wanted: IntArray) -> IntArray:
    if not len(root_ids):
        return np.full(len(wanted), -1)
    order = np.argsort(root_ids, kind="stable")
    place = np.minimum(np.searchsorted(root_ids, wanted, sorter=order), len(root_ids) - 1)
    return np.where(root_ids[order[place]] == wanted, order[place], -1)


def _member_counts_match(scenario: Scenario, records: Records, rows: IntArray) -> BoolArray:
    assert scenario.member is not None
    assert scenario.member.count is not None
    listed = np.bincount(rows[rows >= 0], minlength=records.count)
    return np.asarray(records.root[scenario.member.count] == listed, dtype=bool)


def _obeyed(scenario: Scenario, rule: Rule, records: Records) -> BoolArray:
    return np.asarray(obeys(rule, records, rule.entity != scenario.root.name), dtype=bool)


def _is_computable(rule: Rule, scenario: Scenario, records: Records) -> bool:
    read = {column for node in (rule.when, rule.then) if node is not None for column in columns(node)}
    return all(c.variable in (records.root if c.entity == scenario.root.name else records.members) for c in read)


def _derived_checks(scenario: Scenario, records: Records) -> Iterable[tuple[str, str, BoolArray]]:
    """(entity, column, whether the stored value is right) of each derived variable; none if a column is missing."""
    held = {entity.name: records.members if entity is scenario.member else records.root for entity in scenario.entities}
    if any(v.name not in held[e.name] for e in scenario.entities for v in variables_of(e)):
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
    return {v.name: _column(v, frame[v.name]) for v in variables_of(entity) if v.name in frame}


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
