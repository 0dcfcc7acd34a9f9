"""Partitioned parquet files of a batch, and its commit.

A batch writes one file per entity and partition, deterministically named. The root entity's last file is the commit:
its footer holds the batch's counts, its summary and the other files' digests, so that records and counts appear in one
atomic rename. A batch without that file does not exist, whatever else of it lies about.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.object_path import Location
from adapters.storage import read_parquet_metadata, replacing, sha256_of
from schemas.errors import CorruptionError
from schemas.model import Scenario

FOOTER_KEY = b"synthor.commit"
# Page checksums: the commit has no digest of itself, so that its own pages say when a byte has changed.
WRITE_OPTIONS: Mapping[str, Any] = {"compression": "zstd", "compression_level": 1, "write_page_checksum": True}


@dataclass(frozen=True, slots=True)
class BatchFiles:
    """Where a batch's files lie, relative to the dataset folder."""

    batch_id: int
    partitions: tuple[str, ...]
    entities: tuple[str, ...]
    """Members first, the root last: the order of writing."""

    def path(self, entity: str, partition: str) -> str:
        """One file of the batch."""
        folder = f"{entity}/{partition}" if partition else entity
        return f"{folder}/b{self.batch_id:06d}.parquet"

    @property
    def commit(self) -> str:
        """The root entity's last file."""
        return self.path(self.entities[-1], self.partitions[-1])

    @property
    def others(self) -> list[str]:
        """All files before the commit."""
        every = [self.path(entity, partition) for partition in self.partitions for entity in self.entities]
        return [path for path in every if path != self.commit]


def batch_files(scenario: Scenario, batch_id: int, partitions: tuple[str, ...]) -> BatchFiles:
    """The files of a batch with records in `partitions` (values of the partition level; "" without zones)."""
    entities = tuple(entity.name for entity in reversed(scenario.entities))
    level = scenario.zones.partition_by if scenario.zones else ""
    folders = tuple(f"{level}={quote(value, safe=' ')}" if level else "" for value in partitions)
    return BatchFiles(batch_id, folders, entities)


def read_commit(dataset: Location, files: BatchFiles) -> dict[str, Any] | None:
    """The footer of a committed batch; None if the batch is not committed."""
    path = dataset / files.commit
    if not path.is_file():
        return None
    commit = read_footer(path)
    if commit is None:
        raise CorruptionError(f"{path}: the footer holds no commit")
    return commit


def read_footer(path: Location) -> dict[str, Any] | None:
    """The commit in a file's footer; None where it holds none."""
    try:
        stored = (read_parquet_metadata(path).metadata or {}).get(FOOTER_KEY)
    except (pa.ArrowException, OSError) as exc:
        raise CorruptionError(f"{path}: not readable as parquet ({str(exc).splitlines()[0]})") from exc
    if stored is None:
        return None
    try:
        commit: dict[str, Any] = json.loads(stored)
        if not commit.keys() >= {"batch_id", "files"}:
            raise ValueError
    except (ValueError, AttributeError) as exc:
        raise CorruptionError(f"{path}: the commit in its footer is damaged") from exc
    return commit


def verify_commit(dataset: Location, files: BatchFiles, commit: Mapping[str, Any]) -> None:
    """Refuse a commit that does not name all other files of its batch, or whose files are not as it says."""
    unnamed = sorted(set(files.others) - set(commit["files"]))
    if unnamed:
        path = dataset / unnamed[0]
        raise CorruptionError(f"{path}: its content is not what batch {files.batch_id} committed")
    verify_files(dataset, commit)


def verify_digest(path: Location, digest: str | None, batch_id: int) -> None:
    """Refuse a commit file that is not of the digest kept beside the dataset."""
    if digest is None or sha256_of(path) != digest:
        raise CorruptionError(f"{path}: its content is not what batch {batch_id} committed")


def verify_files(dataset: Location, commit: Mapping[str, Any]) -> None:
    """Refuse a commit whose other files are missing or not of the recorded digest."""
    for name, digest in commit["files"].items():
        path = dataset / name
        if not path.is_file():
            raise CorruptionError(f"{path}: missing, although batch {commit['batch_id']} is committed")
        if sha256_of(path) != digest:
            raise CorruptionError(f"{path}: its content is not what batch {commit['batch_id']} committed")


class PartitionWriter:
    """Writes one parquet file in row groups; nothing is visible under its name before `reveal`."""

    def __init__(self, path: Location, schema: pa.Schema, encodings: Mapping[str, Any] | None = None) -> None:
        self._stack = ExitStack()
        self._temporary = self._stack.enter_context(replacing(path))
        options = {**WRITE_OPTIONS, **(encodings or {})}
        self._writer = self._stack.enter_context(pq.ParquetWriter(self._temporary, schema, **options))

    def write(self, table: pa.Table) -> None:
        """Append a row group."""
        self._writer.write_table(table)

    def finish(self, footer: Mapping[str, Any] | None = None) -> str:
        """Complete the file, with the commit in its footer if it is one; returns its SHA-256."""
        if footer is not None:
            text = json.dumps(footer, sort_keys=True, separators=(",", ":"), allow_nan=False)
            self._writer.add_key_value_metadata({FOOTER_KEY.decode(): text})
        self._writer.close()
        return sha256_of(self._temporary)

    def reveal(self) -> None:
        """Give the finished file its name."""
        self._stack.close()

    def discard(self, error: BaseException) -> None:
        """Remove what was written, unless the file has its name already."""
        with suppress(type(error)):
            self._stack.__exit__(type(error), error, error.__traceback__)


def dataset_files(dataset: Location, entity: str) -> Iterator[Location]:
    """All parquet files of an entity, sorted."""
    yield from sorted(path for path in (dataset / entity).rglob("*.parquet") if not path.name.startswith("."))


def batch_of_file(path: Location) -> int:
    """The batch that a file's name says it is of."""
    return int(path.stem[1:])
