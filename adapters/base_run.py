"""The run that an update starts from: a published run, or the current one of a folder of publications."""

from dataclasses import dataclass
from typing import Any

from adapters.manifest import read_manifest
from adapters.object_path import Location, location
from adapters.publications import read_current
from adapters.run_folder import RunFolder
from adapters.storage import sha256_of
from schemas.errors import CorruptionError, UserError


@dataclass(frozen=True, slots=True)
class BaseRun:
    """A published run with its manifest's digest; `publications`: the folder that it was found through, if any."""

    run: RunFolder
    manifest_sha256: str
    publications: Location | None = None
    publication: int | None = None


def find_base(given: Location) -> BaseRun:
    """The base that `given` names; its files are not looked at yet."""
    given = given.absolute()
    current = read_current(given) if not (given / "run.json").exists() else None
    run = RunFolder(given if current is None else location(current["run"]))
    record = run.read_run()
    if record.get("status") != "published" or not run.has_publication():
        raise UserError(f"{run.root}: its status is {record.get('status')!r}, expected a published run to update")
    if not run.manifest.is_file():
        raise CorruptionError(f"{run.manifest}: missing; `synthor resume {run.root}` makes it again")
    digest = sha256_of(run.manifest)
    return BaseRun(run, digest) if current is None else BaseRun(run, digest, given, current["publication"])


def dataset_digests(run: RunFolder) -> dict[str, str]:
    """SHA-256 of every file of a published dataset, by its path within the dataset, as its manifest says."""
    manifest: dict[str, Any] = read_manifest(run) or {"files": []}
    prefix = "dataset/"
    entries = [entry for entry in manifest["files"] if entry["path"].startswith(prefix)]
    return {entry["path"].removeprefix(prefix): entry["sha256"] for entry in entries}
