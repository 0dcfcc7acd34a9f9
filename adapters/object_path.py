"""Paths on an S3-compatible object store, answering the calls of `pathlib.Path` that run folders make.

Reached through pyarrow's file system; credentials and endpoint come from the environment (AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_DEFAULT_REGION, AWS_ENDPOINT_URL), never from a path or a setting.
Objects appear whole or not at all; there are no folders to make, and none to rename.
"""

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from pyarrow import fs

from schemas.errors import UserError

SCHEME = "s3://"
BUCKET_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789.-")
CONNECT_SECONDS, REQUEST_SECONDS = 10.0, 60.0


class ObjectStat(NamedTuple):
    """What is asked of `Path.stat`."""

    st_size: int


@lru_cache(maxsize=1)
def filesystem() -> fs.S3FileSystem:
    """The store that the environment names; one client a process, so not to be used across a fork."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
    return fs.S3FileSystem(endpoint_override=endpoint, connect_timeout=CONNECT_SECONDS, request_timeout=REQUEST_SECONDS)


class ObjectPath:
    """A key, or the prefix of keys: `s3://bucket/a/b`."""

    __slots__ = ("_key",)

    def __init__(self, text: str) -> None:
        self._key = PurePosixPath(text.removeprefix(SCHEME))

    def __truediv__(self, other: str | PurePosixPath | Path) -> "ObjectPath":
        return ObjectPath(str(self._key / str(other)))

    def __str__(self) -> str:
        return f"{SCHEME}{self._key}"

    def __repr__(self) -> str:
        return f"ObjectPath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectPath) and self._key == other._key

    def __lt__(self, other: "ObjectPath") -> bool:
        return self._key < other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __getstate__(self) -> str:
        return str(self._key)

    def __setstate__(self, key: str) -> None:
        self._key = PurePosixPath(key)

    @property
    def key(self) -> str:
        """Bucket and key, as pyarrow wants them."""
        return str(self._key)

    @property
    def bucket(self) -> "ObjectPath":
        """The bucket it lies in."""
        return ObjectPath(self._key.parts[0])

    @property
    def name(self) -> str:
        """The last part."""
        return self._key.name

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return self._key.stem

    @property
    def suffix(self) -> str:
        """The suffix of the last part."""
        return self._key.suffix

    @property
    def parent(self) -> "ObjectPath":
        """What it lies under."""
        return ObjectPath(str(self._key.parent))

    def absolute(self) -> "ObjectPath":
        """Itself."""
        return self

    def relative_to(self, other: "ObjectPath") -> PurePosixPath:
        """The way from `other` to here."""
        return self._key.relative_to(other._key)

    def exists(self) -> bool:
        """Whether there is an object of this key, or one under it."""
        return self._type() != fs.FileType.NotFound

    def is_file(self) -> bool:
        """Whether there is an object of this key."""
        return self._type() == fs.FileType.File

    def is_dir(self) -> bool:
        """Whether there are objects under this key (or were: some clients leave an empty object for a folder)."""
        return self._type() == fs.FileType.Directory

    def stat(self) -> ObjectStat:
        """Its size; missing ones raise FileNotFoundError, as files do."""
        found = self._info()
        if found.type != fs.FileType.File:
            raise FileNotFoundError(2, "no such object", str(self))
        return ObjectStat(found.size)

    def open(self, mode: str = "rb") -> Any:
        """The object for reading; writing goes through `adapters.storage.replacing`."""
        assert mode == "rb", mode
        return filesystem().open_input_file(self.key)

    def read_bytes(self) -> bytes:
        """The object's content."""
        with self.open() as file:
            return bytes(file.read())

    def read_text(self, encoding: str = "utf-8") -> str:
        """The object's content as text."""
        return self.read_bytes().decode(encoding)

    def upload(self, local: Path) -> None:
        """Replace the object by a local file, in one step for whoever reads it."""
        with filesystem().open_output_stream(self.key) as stream, local.open("rb") as file:
            while chunk := file.read(1 << 24):
                stream.write(chunk)

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the object."""
        try:
            filesystem().delete_file(self.key)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def remove_tree(self) -> None:
        """Remove every object under this key."""
        if self.is_dir():
            filesystem().delete_dir(self.key)

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Nothing: a store has no folders."""

    def rglob(self, pattern: str) -> Iterator["ObjectPath"]:
        """Objects under this key whose name matches."""
        yield from self._list(pattern, recursive=True)

    def glob(self, pattern: str) -> Iterator["ObjectPath"]:
        """Objects right under this key whose name matches."""
        yield from self._list(pattern, recursive=False)

    def iterdir(self) -> Iterator["ObjectPath"]:
        """Objects and prefixes right under this key."""
        selector = fs.FileSelector(self.key, allow_not_found=True)
        yield from (ObjectPath(found.path) for found in filesystem().get_file_info(selector))

    def _list(self, pattern: str, recursive: bool) -> Iterator["ObjectPath"]:
        selector = fs.FileSelector(self.key, recursive=recursive, allow_not_found=True)
        for found in filesystem().get_file_info(selector):
            if found.type == fs.FileType.File and fnmatchcase(found.base_name, pattern):
                yield ObjectPath(found.path)

    def _info(self) -> fs.FileInfo:
        return filesystem().get_file_info(self.key)

    def _type(self) -> fs.FileType:
        return self._info().type


Location = Path | ObjectPath


def relative(path: Location, folder: Location) -> str:
    """The way from the folder to the path, with slashes; both are of one kind."""
    if isinstance(path, ObjectPath):
        assert isinstance(folder, ObjectPath)
        return path.relative_to(folder).as_posix()
    assert isinstance(folder, Path)
    return path.relative_to(folder).as_posix()


def location(text: str) -> Location:
    """Where a user's words point to: a local path, or an object store's."""
    if not text.startswith(SCHEME):
        return Path(text)
    bucket = text.removeprefix(SCHEME).split("/")[0]
    if not bucket or not set(bucket) <= BUCKET_CHARACTERS:  # what it says may be a secret, so it is not repeated
        raise UserError(f"{SCHEME}…: expected a bucket and a prefix, and credentials in the environment alone")
    return ObjectPath(text)
