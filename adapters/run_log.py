"""The structured log of a run. An object store has no appending: there the whole log is written again now and then."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from adapters.object_path import Location
from adapters.storage import replacing

LOG_SECONDS = 5.0
"""How often the log of an object store's run is written while nothing but batches is told."""


class RunLog:
    """log.jsonl: a line per event."""

    def __init__(self, path: Location) -> None:
        self._path = path
        self._lines: list[str] | None = None
        self._written = 0.0

    def append(self, event: Mapping[str, Any]) -> None:
        """Add an event."""
        line = json.dumps(event) + "\n"
        if isinstance(self._path, Path):
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
            return
        if self._lines is None:
            self._lines = [self._path.read_text()] if self._path.is_file() else []
        self._lines.append(line)
        now = time.monotonic()
        if event["event"] != "batch_committed" or now > self._written + LOG_SECONDS:
            with replacing(self._path) as temporary:
                temporary.write_text("".join(self._lines), encoding="utf-8")
            self._written = now
