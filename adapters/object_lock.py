"""One owner of a prefix of an object store at a time: a lock object that its owner renews for as long as it lives.

A store has no kernel to let go of a dead owner's lock: one that was not renewed for a minute is taken over. Nor has
every store conditional writes: of two that start within a second of each other, the one that wrote last stays.
"""

import json
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from adapters.object_path import ObjectPath
from adapters.storage import write_json
from schemas.errors import UserError

RENEWED_SECONDS = 15.0
DEAD_SECONDS = 60.0
SETTLING_SECONDS = 1.0


@contextmanager
def locked_object(path: ObjectPath, me: dict[str, Any]) -> Iterator[None]:
    """Hold the lock object until the block ends; refused, with owner and age, while another renews it."""
    mine = {**me, "token": uuid.uuid4().hex}
    _refuse_unless_free(path)
    _write(path, mine)
    time.sleep(SETTLING_SECONDS)
    _refuse_unless_free(path, mine["token"])
    is_over = threading.Event()
    renewal = threading.Thread(target=_renew, args=(path, mine, is_over), daemon=True)
    renewal.start()
    try:
        yield
    finally:
        is_over.set()
        renewal.join()
        if _token(path) == mine["token"]:
            path.unlink(missing_ok=True)


def _renew(path: ObjectPath, mine: dict[str, Any], is_over: threading.Event) -> None:
    while not is_over.wait(RENEWED_SECONDS):
        _write(path, mine)


def _write(path: ObjectPath, mine: dict[str, Any]) -> None:
    write_json(path, {**mine, "renewed": datetime.now(UTC).isoformat()})


def _refuse_unless_free(path: ObjectPath, token: str = "") -> None:
    if not path.is_file():
        return
    owner = json.loads(path.read_text())
    silent_seconds = _age(owner["renewed"])
    if owner["token"] != token and silent_seconds < DEAD_SECONDS:
        raise UserError(
            f"{path.parent}: in use by process {owner['process']} on {owner['host']} for {_age(owner['since']):.0f} s; "
            f"wait for it, or end it: its lock is free {DEAD_SECONDS:.0f} s after its death"
        )


def _age(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()


def _token(path: ObjectPath) -> str:
    return str(json.loads(path.read_text())["token"]) if path.is_file() else ""
