"""Micro-data files (CSV or parquet): a frame per entity, columns renamed and recoded, members linked to their root."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from adapters.located_yaml import one_line
from schemas.errors import UserError
from schemas.mapping import EntityMapping, MappingSpec
from schemas.model import IntArray
from synthesis.expressions import nearest

MISSING = "missing"
"""The category of an empty text."""


@dataclass(frozen=True, slots=True)
class MicroSources:
    """Where the records of each entity are, root first, and the columns that link members to their root."""

    files: Mapping[str, Path]
    ids: Mapping[str, str]
    parents: Mapping[str, str]
    mapping: MappingSpec
    text_columns: tuple[str, ...] = ()
    """Columns read as text even if they hold digits (codes with leading zeros)."""


@dataclass(frozen=True, slots=True)
class MicroFrames:
    """Frames of the root and, if given, its members, which are sorted by root; `parent` is each one's root row."""

    root: pd.DataFrame
    member: pd.DataFrame | None
    parent: IntArray
    notes: tuple[str, ...]


def read_micro(sources: MicroSources) -> MicroFrames:
    """The records, renamed and recoded; link columns are taken out."""
    notes: list[str] = []
    (root_name, root_path), *members = sources.files.items()
    raw = _read_frame(root_path, _text_columns(sources, root_name))
    if not members:
        links = [sources.ids[root_name]] if root_name in sources.ids else []
        root = _prepared(raw, sources.mapping.of(root_name), root_name, links, notes)
        return MicroFrames(root, None, np.zeros(0, dtype=np.int64), tuple(notes))
    ((member_name, member_path),) = members
    below = _read_frame(member_path, _text_columns(sources, member_name))
    id_column, parent_column = _link_columns(sources, root_name, member_name, raw, below)
    parent = _parent_rows(raw[id_column], below[parent_column], root_path, member_name, notes)
    order = np.argsort(parent, kind="stable")[np.count_nonzero(parent < 0) :]
    root = _prepared(raw, sources.mapping.of(root_name), root_name, [id_column], notes)
    member = _prepared(below, sources.mapping.of(member_name), member_name, [parent_column], notes)
    return MicroFrames(root, member.iloc[order].reset_index(drop=True), parent[order], tuple(notes))


def as_text(series: "pd.Series[Any]") -> "pd.Series[Any]":
    """Every value as text; whole numbers without a decimal point, empty ones as `missing`."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(object)
    if pd.api.types.is_float_dtype(series.dtype):
        is_whole = bool((series.dropna() == np.trunc(series.dropna())).all())
        series = series.astype("Int64") if is_whole else series
    text = series.astype(str).str.strip()
    return text.mask(series.isna() | (text == ""), MISSING).astype(object)


def slug(column: str) -> str:
    """A variable name for a column: lower-case letters, digits and _."""
    name = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
    return name if name[:1].isalpha() else f"v_{name}"


def _text_columns(sources: MicroSources, entity: str) -> set[str]:
    mapping = sources.mapping.of(entity)
    declared = {name for name, kind in mapping.types.items() if kind == "category"}
    original = {variable: column for column, variable in mapping.columns.items()}
    named = {original.get(name, name) for name in declared} | set(sources.text_columns)
    return named | {original[name] for name in sources.text_columns if name in original}


def _read_frame(path: Path, text_columns: set[str]) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            table = pq.read_table(path)
        else:
            types = pa.csv.ConvertOptions(column_types={name: pa.string() for name in sorted(text_columns)})
            table = pa.csv.read_csv(path, convert_options=types)
        _refuse_bytes(path, table.schema)
        frame: pd.DataFrame = table.to_pandas().reset_index(drop=True)
    except (pa.ArrowException, OSError) as exc:
        told = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc).splitlines()[0]
        raise UserError(one_line(f"{path}: cannot read the micro-data ({told})")) from exc
    if frame.empty:
        raise UserError(f"{path}: holds no records")
    return frame


def _refuse_bytes(path: Path, schema: pa.Schema) -> None:
    """Refuse columns of bytes, which a CSV's become where they are no text."""
    for column in schema:
        if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
            raise UserError(one_line(f"{path}: column {column.name!r} is not UTF-8 text, expected the file as UTF-8"))


def _link_columns(
    sources: MicroSources, root: str, member: str, root_frame: pd.DataFrame, member_frame: pd.DataFrame
) -> tuple[str, str]:
    common = f"{root}_id"
    id_column, parent_column = sources.ids.get(root, common), sources.parents.get(member, common)
    for option, entity, column, frame in (
        ("--id", root, id_column, root_frame),
        ("--parent", member, parent_column, member_frame),
    ):
        if column not in frame:
            message = f"no column {column!r} in {sources.files[entity]}{nearest(column, map(str, frame.columns))}"
            raise UserError(f"{option} {entity}=…: {message}, expected the id that links {member} to {root} records")
    return id_column, parent_column


def _parent_rows(
    ids: "pd.Series[Any]", parents: "pd.Series[Any]", path: Path, member: str, notes: list[str]
) -> IntArray:
    index = pd.Index(ids)
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise UserError(f"{path}: id {twice!r} appears twice in column {ids.name!r}, expected it once")
    rows = index.get_indexer(pd.Index(parents)).astype(np.int64)
    orphans = int(np.count_nonzero(rows < 0))
    if orphans == len(rows):
        raise UserError(f"{path}: no {member} belongs to any record by {ids.name!r} and {parents.name!r}")
    if orphans:
        notes.append(f"{orphans:,} {member} records without a parent are left out")
    return rows


def _prepared(
    frame: pd.DataFrame, mapping: EntityMapping, entity: str, links: Sequence[str], notes: list[str]
) -> pd.DataFrame:
    """Variables by name. A column whose own name is a variable's wins over one that only resembles it."""
    names = _names(frame, mapping, links)
    clashes: list[str] = []
    kept: dict[str, pd.Series[Any]] = {}
    for column in sorted(names, key=lambda column: column != names[column] and column not in mapping.columns):
        if names[column] in kept:
            clashes.append(f"{column} ({names[column]})")
        elif names[column] not in mapping.drop and column not in mapping.drop:
            kept[names[column]] = frame[column]
    if clashes:
        notes.append(f"{entity}: columns left out, their variable name is taken: {', '.join(clashes)}")
    _check_named(mapping, kept, entity)
    ordered = [name for name in dict.fromkeys(names.values()) if name in kept]
    return pd.DataFrame({name: _recoded(kept[name], name, mapping) for name in ordered})


def _names(frame: pd.DataFrame, mapping: EntityMapping, links: Sequence[str]) -> dict[str, str]:
    columns = [str(column) for column in frame.columns]
    return {c: mapping.columns.get(c, slug(c)) for c in columns if c in mapping.columns or c not in links}


def _check_named(mapping: EntityMapping, kept: Mapping[str, Any], entity: str) -> None:
    for key in ("recode", "missing", "types"):
        for name in getattr(mapping, key):
            if name not in kept:
                raise UserError(f"--mapping: {entity}.{key}: no variable {name!r} in the file{nearest(name, kept)}")


def _recoded(series: "pd.Series[Any]", name: str, mapping: EntityMapping) -> "pd.Series[Any]":
    is_empty = series.isna() | (series.astype(str).str.strip() == "")
    if name in mapping.recode:
        table = mapping.recode[name]
        series = as_text(series).map(lambda text: table.get(text, text))
    if name in mapping.missing:
        series = series.astype(object).mask(is_empty, mapping.missing[name]).infer_objects()
    if name in mapping.recode:
        numbers = pd.to_numeric(series, errors="coerce")
        series = numbers if not numbers.isna().any() else series
    return as_text(series) if mapping.types.get(name) == "category" else series
