"""Records as Arrow tables: dictionary-coded categories, the narrowest integers, ids beside them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.model import Derived, Entity, IntArray, Scenario, Variable
from synthesis.records import Array, Records
from synthesis.texts import Texts

LINEAGE = {"batch_id": pa.int32(), "plan_row_id": pa.int64()}
MANY_VALUES = 4096
"""Whole numbers of a wider range are written as they are: a dictionary of them would outgrow its page."""


def record_schema(
    scenario: Scenario, entity: Entity, partition_by: str | None, singles: frozenset[str] = frozenset()
) -> pa.Schema:
    """The columns of an entity's files: ids, variables, derived variables, lineage; not the partition's own.

    Numbers among `singles` are kept in single precision.
    """
    fields = [pa.field(f"{entity.name}_id", pa.int64(), nullable=False)]
    if entity.parent is not None:
        fields.append(pa.field(f"{entity.parent}_id", pa.int64(), nullable=False))
    for variable in entity.all_variables:
        if variable.name != partition_by:
            kind = pa.float32() if variable.name in singles else _type(variable)
            fields.append(pa.field(variable.name, kind, nullable=False))
    fields += [pa.field(text.name, pa.string()) for text in entity.texts]
    return pa.schema(fields + [pa.field(name, kind, nullable=False) for name, kind in LINEAGE.items()])


def column_encodings(schema: pa.Schema, entity: Entity) -> dict[str, Any]:
    """How parquet writes each column. Left to itself it tries a dictionary on every one, numbers that never repeat and
    ids included, which costs more than all the rest; and it finds ids that count up no shorter than any others.
    """
    dictionary, encoding = [], {}
    for field in schema:
        variable = entity.find(field.name)
        if pa.types.is_floating(field.type) or (variable is not None and _is_wide(variable)):
            encoding[field.name] = "PLAIN"
        elif variable is None and pa.types.is_integer(field.type) and field.name not in LINEAGE:
            encoding[field.name] = "DELTA_BINARY_PACKED"
        else:
            dictionary.append(field.name)
    return {"use_dictionary": dictionary or False, "column_encoding": encoding or None}


def _is_wide(variable: Variable | Derived) -> bool:
    return variable.kind != "category" and not variable.high - variable.low < MANY_VALUES


def root_table(
    scenario: Scenario,
    schema: pa.Schema,
    records: Records,
    ids: IntArray,
    batch_id: int,
    plan_row_ids: IntArray,
    texts: Mapping[str, Texts],
) -> pa.Table:
    """Root records as a table of `schema`."""
    keys = {f"{scenario.root.name}_id": ids}
    return _table(schema, scenario.root, records.root, keys, batch_id, plan_row_ids, texts)


def member_table(
    scenario: Scenario,
    schema: pa.Schema,
    records: Records,
    ids: IntArray,
    root_ids: IntArray,
    batch_id: int,
    plan_row_ids: IntArray,
    texts: Mapping[str, Texts],
) -> pa.Table:
    """Members as a table of `schema`."""
    assert scenario.member is not None
    keys = {f"{scenario.member.name}_id": ids, f"{scenario.root.name}_id": root_ids[records.parent]}
    return _table(schema, scenario.member, records.members, keys, batch_id, plan_row_ids[records.parent], texts)


def _table(
    schema: pa.Schema,
    entity: Entity,
    columns: Mapping[str, Array],
    keys: Mapping[str, IntArray],
    batch_id: int,
    plan_row_ids: IntArray,
    texts: Mapping[str, Texts],
) -> pa.Table:
    arrays = []
    for field in schema:
        if field.name in keys:
            arrays.append(pa.array(keys[field.name]))
        elif field.name == "batch_id":
            arrays.append(pa.array(np.full(len(plan_row_ids), batch_id, dtype=np.int32)))
        elif field.name == "plan_row_id":
            arrays.append(pa.array(plan_row_ids))
        elif field.name in texts:
            found = texts[field.name]
            arrays.append(pa.array(found.pool, pa.string()).take(pa.array(found.codes)))
        else:
            arrays.append(_array(entity, field, columns[field.name]))
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(entity: Entity, field: pa.Field, column: Array) -> pa.Array:
    if not pa.types.is_dictionary(field.type):
        return pa.array(column).cast(field.type)
    variable = entity.find(field.name)
    assert variable is not None
    codes = pa.array(column).cast(field.type.index_type)
    return pa.DictionaryArray.from_arrays(codes, pa.array(variable.categories, pa.string()))


def _type(variable: Variable | Derived) -> pa.DataType:
    if variable.kind == "category":
        return pa.dictionary(pa.int8() if len(variable.categories) < 128 else pa.int16(), pa.string())
    if variable.kind == "number":
        return pa.float64()
    reach = max(abs(variable.low), abs(variable.high))
    return pa.int32() if reach < 2**31 else pa.int64()
