"""What a run will need of its disk, told before anything is written: records times the measured bytes of one.

The bytes are measured on a sample of the scenario's own columns, encoded as batches encode them, every value as likely
as any other: records that are less varied take less.
"""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.arrow_records import column_encodings, record_schema
from adapters.object_path import Location
from adapters.partitions import WRITE_OPTIONS
from schemas.errors import UserError
from schemas.model import Derived, Entity, Scenario, Variable

SAMPLE = 20_000
BESIDE = 1.15
"""Plans, lineage and staging, as a multiple of the records' own bytes."""
LEAST_BYTES = 20_000_000
"""A run of next to nothing: its report, its log, its suites."""


def check_disk(out: Location, scenario: Scenario, records: int) -> None:
    """Refuse a run for which the disk has no room; an object store has no disk to look at."""
    if not isinstance(out, Path):
        return
    needed = needed_bytes(scenario, records) - _held_bytes(out)
    place = next(path for path in (out.absolute(), *out.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    if needed > free:
        raise UserError(
            f"{out}: {records:,} {scenario.root.name} records need about {_told(needed)} of disk, and {_told(free)} "
            f"are free there; expected more space, or fewer records (--size)"
        )


def needed_bytes(scenario: Scenario, records: int) -> int:
    """What a run of so many root records takes, estimated."""
    size = records * bytes_per_record(scenario, scenario.root)
    if scenario.member is not None:
        size += records * mean_members(scenario) * bytes_per_record(scenario, scenario.member)
    return int(size * BESIDE) + LEAST_BYTES


def bytes_per_record(scenario: Scenario, entity: Entity) -> float:
    """Measured on a sample written to memory."""
    schema = record_schema(scenario, entity, scenario.zones.partition_by if scenario.zones else None)
    rng = np.random.default_rng(0)
    arrays = [_column(field, entity.find(field.name), rng) for field in schema]
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, **WRITE_OPTIONS, **column_encodings(schema, entity)) as writer:
        writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return sink.getvalue().size / SAMPLE


def mean_members(scenario: Scenario) -> float:
    """Members of a root record: the mean of a table over their number, or the middle of its range."""
    assert scenario.member is not None
    for table in scenario.tables:
        axis = table.axes[0] if len(table.axes) == 1 else None
        if axis is not None and axis.variable == scenario.member.count and axis.lows is not None:
            assert axis.highs is not None
            weights, middles = table.target.sum(axis=0), (axis.lows + axis.highs - 1) / 2
            return float(weights @ middles / weights.sum()) if weights.sum() else 0.0
    count = scenario.root.find(scenario.member.count or "")
    return (count.low + count.high) / 2 if count is not None else 1.0


def _column(field: pa.Field, variable: Variable | Derived | None, rng: np.random.Generator) -> pa.Array:
    if variable is None:  # ids count up, and plan rows are some of many
        ids = np.arange(SAMPLE) if field.name != "plan_row_id" else rng.integers(0, SAMPLE, SAMPLE)
        return pa.array(ids if field.name != "batch_id" else np.zeros(SAMPLE, dtype=np.int64)).cast(field.type)
    if variable.kind == "category":
        codes = rng.integers(0, len(variable.categories), SAMPLE)
        labels = pa.array(variable.categories, pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(codes).cast(field.type.index_type), labels)
    if variable.kind == "number":
        return pa.array(rng.random(SAMPLE)).cast(field.type)
    low, high = (value if np.isfinite(value) else 0.0 for value in (variable.low, variable.high))
    return pa.array(rng.integers(int(low), int(high), SAMPLE, endpoint=True)).cast(field.type)


def _held_bytes(out: Path) -> int:
    """What a run that is taken up again has there already."""
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) if out.is_dir() else 0


def _told(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
