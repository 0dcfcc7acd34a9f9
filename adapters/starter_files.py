"""The scenario that `synthor init` writes; its files lie in `adapters/starter`."""

from pathlib import Path

from adapters.storage import replacing
from schemas.errors import UserError

STARTER = Path(__file__).parent / "starter"


def write_starter(folder: Path) -> list[Path]:
    """Copy the starter scenario into the folder; returns the files."""
    written = []
    for source in sorted(path for path in STARTER.rglob("*") if path.is_file()):
        target = folder / source.relative_to(STARTER)
        try:
            with replacing(target) as temporary:
                temporary.write_bytes(source.read_bytes())
        except OSError as exc:
            raise UserError(f"{folder}: cannot write here ({exc.strerror})") from exc
        written.append(target)
    return written
