"""One owner of a folder at a time: a lock file that names its owner, held by the kernel for as long as the owner lives.

A process that dies, however it dies, lets go of its lock: the next one simply takes it.
"""

import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.object_lock import locked_object
from adapters.object_path import Location, ObjectPath
from schemas.errors import UserError

LOCK_FILE = ".lock"


@contextmanager
def locked(folder: Location) -> Iterator[None]:
    """Hold the folder (made if missing) until the block ends; refused, with owner and age, while another holds it.

    Folders that were made here and are still empty at the end are removed again.
    """
    if isinstance(folder, ObjectPath):
        with locked_object(folder / LOCK_FILE, _me()):
            yield
        return
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder}: is a file, expected a folder")
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = _acquire(folder)
    except OSError as exc:
        raise UserError(f"{folder}: cannot write here ({exc.strerror})") from exc
    try:
        yield
    finally:
        (folder / LOCK_FILE).unlink(missing_ok=True)
        os.close(descriptor)
        with suppress(OSError):  # the first that is not empty stays, and so do those above it
            for path in made:
                path.rmdir()


def _acquire(folder: Path) -> int:
    path = folder / LOCK_FILE
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same_file(descriptor, path):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, json.dumps(_me()).encode())
                return descriptor
        except OSError as exc:
            os.close(descriptor)
            if exc.errno in (errno.EAGAIN, errno.EACCES):
                raise UserError(f"{folder}: in use by {_owner(path)}; wait for it, or end it") from exc
            raise
        os.close(descriptor)  # its owner removed the file in between: this lock is on nothing


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _me() -> dict[str, Any]:
    return {"process": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat()}


def _owner(path: Path) -> str:
    """Who holds the lock and for how long, as far as its file tells."""
    try:
        owner = json.loads(path.read_text(encoding="utf-8"))
        age = datetime.now(UTC) - datetime.fromisoformat(owner["since"])
        return f"process {owner['process']} on {owner['host']} for {age.total_seconds():.0f} s"
    except (OSError, ValueError, KeyError, TypeError):  # read while it was being written
        return "another process"
