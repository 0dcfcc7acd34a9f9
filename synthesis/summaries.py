"""Summaries: counts that say whether records obey their scenario. Small, and mergeable in any order.

A batch is summarised where it was drawn; the merged summary is judged without reading a record again.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NotRequired, TypedDict

import numpy as np
from numpy.typing import NDArray

from schemas.model import BoolArray, Derived, Entity, IntArray, Rule, Scenario, Variable
from synthesis.evaluation import obeys
from synthesis.records import Array, Columns, Records


class ColumnSummary(TypedDict):
    """One column. `outside` counts numbers outside the declared range, or codes that are no category."""

    nulls: int
    outside: int
    min: NotRequired[float | None]
    max: NotRequired[float | None]
    counts: NotRequired[dict[str, int]]


class EntitySummary(TypedDict):
    """Records of one entity. `ids` are the distinct ids as ascending runs [first, last] without gaps.

    `retired`: the ids among them whose records an update took out again.
    """

    rows: int
    columns: dict[str, ColumnSummary]
    ids: list[list[int]]
    duplicate_ids: int
    retired: NotRequired[list[list[int]]]


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
        mismatches = int(np.count_nonzero(~member_counts_match(scenario, records, rows)))
    broken = {rule.name: int(np.count_nonzero(~obeyed(scenario, rule, records))) for rule in scenario.rules}
    return Summary(entities=entities, rules=broken, member_count_mismatches=mismatches, orphan_members=orphans)


def merge_summaries(a: Summary, b: Summary) -> Summary:
    """The summary of both; associative and commutative, with `EMPTY` as the neutral value."""
    return Summary(
        entities=_union(a["entities"], b["entities"], _merge_entities),
        rules=_union(a["rules"], b["rules"], int.__add__),
        member_count_mismatches=a["member_count_mismatches"] + b["member_count_mismatches"],
        orphan_members=a["orphan_members"] + b["orphan_members"],
    )


def merge_all(summaries: Iterable[Summary]) -> Summary:
    """The summary of all, merged as a tree: runs of ids are sorted a few times, not once per batch."""
    parts = list(summaries)
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [merge_summaries(a, b) for a, b in pairs] + (parts[-1:] if len(parts) % 2 else [])
    return parts[0] if parts else EMPTY


def retired_summary(summary: Summary) -> Summary:
    """What merging has to add for records that are taken out again: `summary` is theirs. Ranges stay as wide."""
    return Summary(
        entities={name: _retired_entity(entity) for name, entity in summary["entities"].items()},
        rules={name: -broken for name, broken in summary["rules"].items()},
        member_count_mismatches=-summary["member_count_mismatches"],
        orphan_members=-summary["orphan_members"],
    )


def _retired_entity(entity: EntitySummary) -> EntitySummary:
    columns = {}
    for name, column in entity["columns"].items():
        columns[name] = ColumnSummary(nulls=-column["nulls"], outside=-column["outside"])
        if "counts" in column:
            columns[name]["counts"] = {label: -count for label, count in column["counts"].items()}
        else:
            columns[name]["min"] = columns[name]["max"] = None
    return EntitySummary(rows=-entity["rows"], columns=columns, ids=[], duplicate_ids=0, retired=entity["ids"])


def _entity_summary(entity: Entity, held: Columns, ids: IntArray) -> EntitySummary:
    summaries = {variable.name: _column_summary(variable, held[variable.name]) for variable in entity.all_variables}
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
    rows, columns = a["rows"] + b["rows"], _union(a["columns"], b["columns"], _merge_columns)
    retired = _merge_runs(a.get("retired", []), b.get("retired", []))
    before, after = (a, b) if a["ids"][:1] <= b["ids"][:1] else (b, a)
    is_apart = before["ids"] and after["ids"] and before["ids"][-1][1] + 1 < after["ids"][0][0]
    if is_apart and not retired:
        # Batches follow each other: nothing of what was merged before has to be looked at again.
        runs, duplicates = before["ids"] + after["ids"], a["duplicate_ids"] + b["duplicate_ids"]
    else:
        runs = _merge_runs(a["ids"], b["ids"])
        duplicates = rows - _covered(runs) + _covered(retired)
    merged = EntitySummary(rows=rows, columns=columns, ids=runs, duplicate_ids=duplicates)
    return EntitySummary(**merged, retired=retired) if retired else merged


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
    return np.stack([ids[np.append(0, ends + 1)], ids[np.append(ends, -1)]], axis=1).tolist()


def _merge_runs(a: list[list[int]], b: list[list[int]]) -> list[list[int]]:
    if not a or not b:
        return a or b
    runs = np.array(a + b, dtype=np.int64)
    firsts, lasts = runs[np.argsort(runs[:, 0], kind="stable")].T
    starts = np.append(0, np.flatnonzero(firsts[1:] > np.maximum.accumulate(lasts)[:-1] + 1) + 1)
    return np.stack([firsts[starts], np.maximum.reduceat(lasts, starts)], axis=1).tolist()


def _covered(runs: list[list[int]]) -> int:
    return sum(last - first + 1 for first, last in runs)


def _listed_under(records: Records, root_ids: IntArray, member_parent_ids: IntArray) -> IntArray:
    """Each member's root row by its parent id, which should be where it stands; -1 for an orphan."""
    if np.array_equal(root_ids[records.parent], member_parent_ids):
        return records.parent
    return find_ids(root_ids, member_parent_ids)


def find_ids(root_ids: IntArray, wanted: IntArray) -> IntArray:
    if not len(root_ids):
        return np.full(len(wanted), -1)
    order = np.argsort(root_ids, kind="stable")
    place = np.minimum(np.searchsorted(root_ids, wanted, sorter=order), len(root_ids) - 1)
    return np.where(root_ids[order[place]] == wanted, order[place], -1)


def member_counts_match(scenario: Scenario, records: Records, rows: IntArray) -> BoolArray:
    assert scenario.member is not None
    assert scenario.member.count is not None
    listed = np.bincount(rows[rows >= 0], minlength=records.count)
    return np.asarray(records.root[scenario.member.count] == listed, dtype=bool)


def obeyed(scenario: Scenario, rule: Rule, records: Records) -> BoolArray:
    return np.asarray(obeys(rule, records, rule.entity != scenario.root.name), dtype=bool)
