"""Frames as they are judged: small partitions joined, plain column types, audit columns added."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from schemas.model import Entity, IntArray, Scenario
from synthesis.audit import audit_columns, records_from_frames, root_rows

Partition = tuple[str, pd.DataFrame, pd.DataFrame | None]
"""Name, frame of the root records, frame of their members."""
EntityFrames = dict[str, pd.DataFrame]

RECORDS_AT_ONCE = 200_000
"""Judging has a fixed cost per expectation, so partitions are joined up to this many records."""


def judged_frames(
    scenario: Scenario, partitions: Iterable[Partition], records: int = RECORDS_AT_ONCE
) -> Iterator[EntityFrames]:
    """Per entity the declared columns, with whether each record passes the checks across columns and entities."""
    waiting: list[EntityFrames] = []
    count = 0
    for partition in partitions:
        frames = _entity_frames(scenario, partition)
        size = sum(len(frame) for frame in frames.values())
        if waiting and (count + size > records or _columns(waiting[0]) != _columns(frames)):
            yield _audited(scenario, waiting)
            waiting, count = [], 0
        waiting.append(frames)
        count += size
    if waiting:
        yield _audited(scenario, waiting)


def _entity_frames(scenario: Scenario, partition: Partition) -> EntityFrames:
    name, root_frame, member_frame = partition
    frames = {scenario.root.name: _with_hive_columns(scenario.root, name, root_frame)}
    if scenario.member is not None:
        frames[scenario.member.name] = _nobody(scenario.member) if member_frame is None else member_frame
    return frames


def _nobody(entity: Entity) -> pd.DataFrame:
    types = {"category": "category", "integer": "int64", "number": "float64"}
    kinds = {variable.name: types[variable.kind] for variable in entity.all_variables}
    kinds |= {text.name: "object" for text in entity.texts}
    return pd.DataFrame({name: pd.Series(dtype=kinds.get(name, "int64")) for name in _declared(entity)})


def _with_hive_columns(root: Entity, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with variables that only the partition's name states (`county=50007`)."""
    folder = name.rpartition("/")[0] or name  # `county=50007/b000001`; a zone's own name may hold "/" or "="
    stated = dict([folder.split("=", 1)]) if "=" in folder else {}
    missing = [v for v in root.variables if v.name in stated and v.name not in frame]
    for variable in missing:
        categories = dict.fromkeys([*variable.categories, stated[variable.name]])
        column = pd.Categorical([stated[variable.name]], categories=list(categories)).repeat(len(frame))
        frame = frame.assign(**{variable.name: column})
    return frame


def _declared(entity: Entity) -> list[str]:
    ids = [f"{name}_id" for name in (entity.name, entity.parent) if name is not None]
    return [*ids, *entity.column_names]


def _columns(frames: EntityFrames) -> list[list[str]]:
    return [list(frame.columns) for frame in frames.values()]


def _audited(scenario: Scenario, partitions: list[EntityFrames]) -> EntityFrames:
    frames = {entity: _concatenate([part[entity] for part in partitions]) for entity in partitions[0]}
    rows, members = None, None
    if scenario.member is not None:
        members = frames[scenario.member.name]
        rows = _root_rows(scenario, partitions, frames)
    records = records_from_frames(scenario, frames[scenario.root.name], members, rows)
    passed = audit_columns(scenario, records, rows)
    return {e.name: _plain(e, frames[e.name]).assign(**passed[e.name]) for e in scenario.entities}


def _root_rows(scenario: Scenario, partitions: list[EntityFrames], frames: EntityFrames) -> IntArray:
    """The row of each member's root record, which has to be in the member's own partition."""
    assert scenario.member is not None
    root, member = scenario.root.name, scenario.member.name
    rows = root_rows(scenario, frames[root], frames[member])
    origin = {name: np.repeat(np.arange(len(partitions)), [len(p[name]) for p in partitions]) for name in frames}
    is_elsewhere = origin[root][rows] != origin[member] if len(origin[root]) else np.ones(len(rows), dtype=bool)
    return np.where(is_elsewhere, -1, rows)


def _concatenate(frames: list[pd.DataFrame]) -> pd.DataFrame:
    if len(frames) == 1:
        return frames[0].reset_index(drop=True)
    for name in frames[0].columns:
        types = list(dict.fromkeys(frame[name].dtype for frame in frames))
        kinds = [dtype for dtype in types if isinstance(dtype, pd.CategoricalDtype)]
        if len(types) > 1 and len(kinds) == len(types):
            every = list(dict.fromkeys(value for dtype in kinds for value in dtype.categories))
            frames = [frame.astype({name: pd.CategoricalDtype(every)}) for frame in frames]
    return pd.concat(frames, ignore_index=True)


def _plain(entity: Entity, frame: pd.DataFrame) -> pd.DataFrame:
    kept = {name: frame[name] for name in _declared(entity) if name in frame}
    for variable in entity.all_variables:
        if variable.kind == "category" and variable.name in kept:
            kept[variable.name] = _as_category(kept[variable.name], variable.categories)
    plain = {name: column if _is_category(column) else _as_number(column) for name, column in kept.items()}
    return pd.DataFrame(plain, index=frame.index)


def _is_category(column: "pd.Series[Any]") -> bool:
    return isinstance(column.dtype, pd.CategoricalDtype)


def _as_category(column: "pd.Series[Any]", categories: tuple[str, ...]) -> "pd.Series[Any]":
    """The column as a category, its unknown values kept as further categories so that a failure can show them."""
    seen = column.cat.remove_unused_categories().cat.categories if _is_category(column) else column.dropna().unique()
    known = set(categories)
    further = [value for value in seen if value not in known]
    return column.astype(pd.CategoricalDtype([*categories, *further]))


def _as_number(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """int64 or float64, the only types that GX compares without a Python loop; anything else as it is."""
    if not pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return column
    is_whole = pd.api.types.is_integer_dtype(column.dtype) and not column.isna().any()
    return column.astype("int64" if is_whole else "float64")
