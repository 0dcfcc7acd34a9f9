"""Files that appear whole or not at all: a dot-prefixed temporary beside them, then an atomic rename.

On an object store the temporary is a local file, uploaded in one step.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.object_path import Location, ObjectPath, filesystem
from schemas.errors import UserError


@contextmanager
def replacing(path: Location) -> Iterator[Path]:
    """A temporary path that becomes `path` when the block ends well, and is removed when it does not.

    Dataset discovery ignores dot-prefixed names, so a reader never meets a half-written file.
    """
    if isinstance(path, ObjectPath):
        with tempfile.TemporaryDirectory(prefix="synthor-") as folder:
            local = Path(folder) / path.name
            yield local
            path.upload(local)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two workers on two machines may have one process number, and be at the same batch.
    temporary = path.with_name(f".{path.name[-60:]}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_files(folder: Location) -> Iterator[Path]:
    """A local folder whose files are in `folder` when the block ends well."""
    if not isinstance(folder, ObjectPath):
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="synthor-") as local:
        yield Path(local)
        for path in Path(local).iterdir():
            (folder / path.name).upload(path)


def make_folder(folder: Path) -> None:
    """Make the folder if it is not there; refuse it in one line where nothing can be written."""
    if re.match(r"\w+:/", str(folder)):  # a Path has collapsed the second slash
        raise UserError(f"{folder}: expected a local folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        raise UserError(f"{folder}: cannot write here ({exc.strerror})") from exc


def remove_temporaries(folder: Location) -> None:
    """Remove what processes that were killed in `replacing` left under the folder; nobody may be writing there."""
    if isinstance(folder, ObjectPath):
        return
    for path in folder.rglob(".*.tmp"):
        path.unlink(missing_ok=True)


def remove_tree(folder: Location) -> None:
    """Remove the folder with all it holds, if it is there."""
    if isinstance(folder, ObjectPath):
        folder.remove_tree()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def read_parquet(path: Location, is_verified: bool = False, where: pc.Expression | None = None) -> pa.Table:
    """A parquet file's rows, those that fulfil `where`; `is_verified` has its pages' checksums checked."""
    options = {"filesystem": _filesystem(path), "page_checksum_verification": is_verified}
    return pq.read_table(_name(path), filters=where, **options)


def open_parquet(path: Location) -> pq.ParquetFile:
    """A parquet file, to be read row group by row group."""
    return pq.ParquetFile(_name(path), filesystem=_filesystem(path))


def link(source: Location, target: Location) -> None:
    """Let `target` be the file that `source` is: another name of it where that can be, else a copy."""
    if isinstance(source, Path) and isinstance(target, Path) and target.exists() and target.samefile(source):
        return
    with replacing(target) as temporary:
        if isinstance(source, Path) and isinstance(target, Path):
            try:
                os.link(source, temporary)
            except OSError:  # another file system, or one without hard links
                shutil.copyfile(source, temporary)
        else:
            with source.open("rb") as stored, temporary.open("wb") as file:
                shutil.copyfileobj(stored, file)


def read_parquet_metadata(path: Location) -> pq.FileMetaData:
    """A parquet file's footer."""
    return pq.read_metadata(_name(path), filesystem=_filesystem(path))


def write_json(path: Location, value: Any) -> None:
    """The value as indented JSON."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def sha256_of(path: Location) -> str:
    """The file's SHA-256, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _name(path: Location) -> str:
    return path.key if isinstance(path, ObjectPath) else str(path)


def _filesystem(path: Location) -> Any:
    return filesystem() if isinstance(path, ObjectPath) else None


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
