"""Files of an update's touched partitions, written anew without the records that are retired.

Rows keep their order, their ids and their row groups; a commit in the footer stays what it was: what the update
changed of it, the update's own commit says.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from adapters.arrow_records import column_encodings, record_schema
from adapters.object_path import Location
from adapters.partitions import PartitionWriter, read_footer
from adapters.storage import open_parquet
from schemas.model import BoolArray, Entity, IntArray, Scenario


class Taken(NamedTuple):
    """The rows of one file pair that were taken out, as frames, and the digests of the files that are left."""

    root: pd.DataFrame
    members: pd.DataFrame | None
    digests: dict[str, str]


def read_column(path: Location, column: str) -> IntArray:
    """One whole-number column."""
    values: IntArray = open_parquet(path).read([column])[column].to_numpy()
    return values


def rewrite_pair(scenario: Scenario, source: Location, target: Location, name: str, is_retired: BoolArray) -> Taken:
    """Write the root file (and the members') `<entity>/<name>` of `source` to `target` without the retired records."""
    key, digests = f"{scenario.root.name}_id", {}
    gone = read_column(source / scenario.root.name / name, key)[is_retired]
    taken: dict[str, pd.DataFrame] = {}
    for entity in reversed(scenario.entities):
        path = f"{entity.name}/{name}"
        keeps = _without(gone, key)
        digests[path], taken[entity.name] = _rewrite(scenario, entity, source / path, target / path, keeps)
    members = taken[scenario.member.name] if scenario.member else None
    return Taken(taken[scenario.root.name], members, digests)


def _without(gone: IntArray, key: str) -> Callable[[pa.Table], BoolArray]:
    return lambda table: ~np.isin(table[key].to_numpy(), gone)


def _rewrite(
    scenario: Scenario, entity: Entity, source: Location, target: Location, keeps: Callable[[pa.Table], BoolArray]
) -> tuple[str, pd.DataFrame]:
    """The new file's digest, and the rows that were left out."""
    file, footer, left_out = open_parquet(source), read_footer(source), []
    singles = frozenset(field.name for field in file.schema_arrow if field.type == pa.float32())
    schema = record_schema(scenario, entity, scenario.zones.partition_by if scenario.zones else None, singles)
    writer = PartitionWriter(target, schema, column_encodings(schema, entity))
    try:
        for number in range(file.num_row_groups):
            table = file.read_row_group(number)
            kept = keeps(table)
            left_out.append(table.filter(pa.array(~kept)))
            if kept.any():
                writer.write(_as_schema(entity, table.filter(pa.array(kept)), schema))
        digest = writer.finish(footer)
        writer.reveal()
    except BaseException as error:
        writer.discard(error)
        raise
    return digest, pd.concat([part.to_pandas() for part in left_out], ignore_index=True) if left_out else pd.DataFrame()


def _as_schema(entity: Entity, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table in the types that its file was written in: reading widens the codes of categories."""
    arrays = []
    for field in schema:
        column = table[field.name].combine_chunks()
        if pa.types.is_dictionary(field.type):
            variable = entity.find(field.name)
            assert variable is not None
            labels = pa.array(variable.categories, pa.string())
            codes = pc.index_in(column.cast(pa.string()), value_set=labels).cast(field.type.index_type)
            column = pa.DictionaryArray.from_arrays(codes, labels)
        arrays.append(column)
    return pa.Table.from_arrays(arrays, schema=schema)
