"""A publication root: current.json names the run that readers should use; those before stay, to be returned to.

Each publication has a file of its own, written before current.json is replaced: a reader meets one or the other.
"""

import json
from datetime import UTC, datetime
from typing import Any

from adapters.manifest import verify_manifest
from adapters.object_path import Location, location
from adapters.run_folder import RunFolder
from adapters.run_lock import locked
from adapters.storage import sha256_of, write_json
from schemas.errors import UserError


def publish_to(run: RunFolder, root: Location, anyway: bool = False) -> dict[str, Any]:
    """Make a validated, intact run the current publication of `root`; returns its entry.

    Repeating it changes nothing. One whose validation failed is refused, unless it is to be published `anyway`.
    """
    record = run.read_run()
    if record.get("status") != "published":
        raise UserError(f"{run.root}: its status is {record.get('status')!r}, expected a run that is published")
    if not (record["validation"]["success"] or anyway):
        raise UserError(f"{run.root}: its validation failed, expected a run that passed it")
    verify_manifest(run)
    with locked(root):
        _check_root(root)
        current = read_current(root)
        digest = sha256_of(run.manifest)
        if current and (current["run"], current["manifest_sha256"]) == (str(run.root), digest):
            return current
        _check_descent(run, record, current)
        entry = _entry(run, record, digest, root, current)
        write_json(_file_of(root, entry["publication"]), entry)
        write_json(root / "current.json", entry)
    return entry


def roll_back(root: Location) -> dict[str, Any]:
    """Make the publication before the current one current again; returns its entry."""
    if read_current(root) is None:
        raise UserError(f"{root}: no publications here (expected a folder with current.json)")
    with locked(root):
        current = read_current(root)
        assert current is not None
        if current["previous"] is None:
            raise UserError(f"{root}: publication {current['publication']} is the first, there is none to go back to")
        entry = _read(_file_of(root, current["previous"]))
        verify_manifest(RunFolder(location(entry["run"])))
        write_json(root / "current.json", entry)
    return entry


def read_current(root: Location) -> dict[str, Any] | None:
    """The current publication's entry; None where nothing was published yet."""
    path = root / "current.json"
    return _read(path) if path.is_file() else None


def read_previous(root: Location, run: RunFolder) -> dict[str, Any] | None:
    """The publication that `run` replaces, or replaced; None where it is the first."""
    current = read_current(root)
    if current is None or current["run"] != str(run.root):
        return current
    return None if current["previous"] is None else _read(_file_of(root, current["previous"]))


def _check_root(root: Location) -> None:
    if (root / "run.json").exists():
        raise UserError(f"{root}: is a run folder, expected a folder of publications")


def _check_descent(run: RunFolder, record: dict[str, Any], current: dict[str, Any] | None) -> None:
    """Refuse an update of a publication that has been replaced since: what replaced it would be lost."""
    update = record.get("update") or {}
    if update.get("base_publication") is None or current is None:
        return
    if current["run"] not in (update["base"], str(run.root)):
        raise UserError(
            f"{run.root}: is an update of publication {update['base_publication']} ({update['base']}), "
            f"but the current one is {current['publication']} ({current['run']}): update that"
        )


def _entry(
    run: RunFolder, record: dict[str, Any], digest: str, root: Location, current: dict[str, Any] | None
) -> dict[str, Any]:
    numbers = [int(path.stem) for path in (root / "publications").glob("*.json") if path.stem.isdigit()]
    return {
        "publication": max(numbers, default=0) + 1,
        "previous": None if current is None else current["publication"],
        "run": str(run.root),
        "dataset": str(run.dataset),
        "manifest_sha256": digest,
        "scenario": record["scenario"]["name"],
        "fingerprint": record["scenario"]["fingerprint"],
        "random_seed": record["random_seed"],
        "records": {name: entity["records"] for name, entity in record["entities"].items()},
        "validated": record["validation"]["success"],
        "published_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _file_of(root: Location, number: int) -> Location:
    return root / "publications" / f"{number:06d}.json"


def _read(path: Location) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return entry
    except (OSError, ValueError) as exc:
        raise UserError(f"{path}: not readable as a publication ({exc})") from exc
