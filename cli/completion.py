"""What a shell offers on Tab: folders that hold a scenario or a run, by a look at the file system alone."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

DEPTH = 2
"""Levels below what is typed; deeper folders are found when more is typed, or by the shell's own completion."""
MOST_LOOKED_AT = 500


def complete_scenario(incomplete: str) -> list[str]:
    """Scenario folders whose path begins like `incomplete`."""
    return _complete(incomplete, "scenario.yaml")


def complete_run(incomplete: str) -> list[str]:
    """Run folders whose path begins like `incomplete`."""
    return _complete(incomplete, "run.json")


def _complete(incomplete: str, mark: str) -> list[str]:
    if "://" in incomplete:
        return []
    head, slash, name = incomplete.rpartition("/")
    below = islice(_folders(Path(head + slash or "."), name, DEPTH), MOST_LOOKED_AT)
    return sorted(f"{head}{slash}{path}" for path, folder in below if (folder / mark).is_file())


def _folders(top: Path, name: str, depth: int) -> Iterator[tuple[str, Path]]:
    """Folders below `top` that begin with `name`, as typed and as they are; hidden ones only where asked for."""
    try:
        found = sorted(path for path in top.iterdir() if path.is_dir())
    except OSError:
        return
    for path in found:
        if path.name.startswith(name) and (name or not path.name.startswith(".")):
            yield path.name, path
            if depth > 1:
                yield from ((f"{path.name}/{deeper}", one) for deeper, one in _folders(path, "", depth - 1))
