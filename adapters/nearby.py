"""Folders that a mistyped path may have meant."""

import difflib
from collections.abc import Iterator
from pathlib import Path


def nearby_folder(path: Path, mark: str) -> str:
    """A hint such as ` (did you mean 'scenarios/vermont'?)` if a folder beside or one level below holds `mark`."""
    by_name: dict[str, Path] = {}
    for folder in _candidates(path.parent, mark):
        by_name.setdefault(folder.name, folder)
    close = difflib.get_close_matches(path.name, by_name, n=1)
    return f" (did you mean {by_name[close[0]].as_posix()!r}?)" if close else ""


def _candidates(parent: Path, mark: str) -> Iterator[Path]:
    try:
        beside = sorted(path for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))
        below = [path for folder in beside for path in sorted(folder.iterdir())]
    except OSError:  # a folder that may not be entered holds no hint
        return
    yield from (path for path in [*beside, *below] if (path / mark).is_file())
