"""Reference records and a run's own, both as `Records` of the run's scenario."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from adapters.dataset import partition_frames
from adapters.microdata import MicroFrames, MicroSources, as_text, read_micro
from adapters.object_path import Location
from schemas.errors import UserError
from schemas.model import Derived, Entity, Scenario, Variable
from synthesis.audit import records_from_frames
from synthesis.expressions import nearest
from synthesis.records import Array, Records, concatenate


def read_synthetic(dataset: Location, scenario: Scenario) -> Records:
    """All records of a run's dataset, in the order of its files."""
    parts = []
    for name, root, members in partition_frames(dataset, scenario):
        # One folder, then the batch: a zone's name may itself hold "/" or "=".
        key, _, value = name.rpartition("/")[0].partition("=")
        own = {key: value} if scenario.root.find(key) and key not in root else {}
        if len(root):
            parts.append(records_from_frames(scenario, root.assign(**own), members))
    if not parts:
        raise UserError(f"{dataset}: holds no records")
    return concatenate(parts)


def read_reference(sources: MicroSources, scenario: Scenario) -> tuple[Records, tuple[str, ...]]:
    """The micro-data as records of the scenario, and what was noticed; variables that it lacks are absent."""
    frames = read_micro(sources)
    root_path = sources.files[scenario.root.name]
    root = _columns(frames.root, scenario.root, root_path)
    if scenario.member is None or frames.member is None:
        return Records(len(frames.root), root), frames.notes
    members = _columns(frames.member, scenario.member, sources.files[scenario.member.name])
    records = Records(len(frames.root), root, members, frames.parent)
    return _with_count(scenario, records, frames)


def _with_count(scenario: Scenario, records: Records, frames: MicroFrames) -> tuple[Records, tuple[str, ...]]:
    assert scenario.member is not None
    count = scenario.member.count
    if count is None:
        return records, frames.notes
    listed = records.members_per_root()
    if count not in records.root:
        filled = Records(records.count, {**records.root, count: listed}, records.members, records.parent)
        return filled, (*frames.notes, f"{count} is how many {scenario.member.name} records are listed")
    off = int(np.count_nonzero(records.root[count] != listed))
    note = f"{off:,} {scenario.root.name} records list another number of {scenario.member.name} records than {count}"
    return records, (*frames.notes, note) if off else frames.notes


def _columns(frame: pd.DataFrame, entity: Entity, path: Path) -> Mapping[str, Array]:
    found = {v.name: _column(frame[v.name], v, path) for v in entity.variables if v.name in frame}
    if not found:
        expected = ", ".join(v.name for v in entity.variables)
        raise UserError(f"{path}: holds no variable of {entity.name} (expected: {expected}); rename columns with --map")
    return found


def _column(series: "pd.Series[Any]", variable: Variable | Derived, path: Path) -> Array:
    where = f"{path}: {variable.name}"
    if variable.kind == "category":
        text = as_text(series)
        codes = pd.Index(variable.categories).get_indexer(pd.Index(text)).astype(np.int32)
        if (codes < 0).any():
            value = text.iloc[int(np.argmax(codes < 0))]
            hint = nearest(value, variable.categories)
            raise UserError(f"{where}: {value!r} is no category of the scenario{hint}; recode it with --mapping")
        return codes
    values = pd.to_numeric(series, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    missing = int(np.count_nonzero(~np.isfinite(values)))
    if missing:
        raise UserError(f"{where}: {missing:,} values are empty or no number; say what they mean with --mapping")
    return values.astype(np.int64) if variable.kind == "integer" and (values == np.trunc(values)).all() else values
