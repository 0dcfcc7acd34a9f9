"""manifest.json of a published run: its files with their sizes and digests. What it lists is the publication."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from adapters.llm.exchange_files import MERGED as EXCHANGES
from adapters.object_path import Location
from adapters.run_folder import RunFolder
from adapters.storage import read_parquet, sha256_of, write_json
from schemas.errors import CorruptionError

LINEAGE = ("plan.parquet", "proposals.jsonl")
"""Files beside the dataset that a reader of its records may want to follow."""
RETIRED = "retired.parquet"
"""The same, of an update: the records that it retired."""


def write_manifest(run: RunFolder, commits: Sequence[Mapping[str, Any]]) -> None:
    """Write the manifest of what is staged, as it will be named; digests of the dataset are those of its commits."""
    digests = {commit["file"]: commit["file_digest"] for commit in commits}
    digests |= {name: digest for commit in commits for name, digest in commit["files"].items()}
    files = [_entry(f"dataset/{name}", run.staged_dataset / name, digest) for name, digest in sorted(digests.items())]
    names = [*LINEAGE, *(name for name in (EXCHANGES, RETIRED) if (run.root / name).is_file())]
    files += [_entry(name, run.root / name, sha256_of(run.root / name)) for name in names]
    commit_files = {str(commit["batch_id"]): commit["file"] for commit in commits}
    write_json(run.manifest, {"format": 1, "commits": commit_files, "files": files})


def read_manifest(run: RunFolder) -> dict[str, Any] | None:
    """The manifest of a published run; None if it cannot be read."""
    try:
        manifest: dict[str, Any] = json.loads(run.manifest.read_text(encoding="utf-8"))
        return manifest
    except (OSError, ValueError):
        return None


def damaged_files(run: RunFolder) -> list[str]:
    """Files of a publication that are missing or not as its manifest says, relative to the run folder."""
    manifest = read_manifest(run)
    if manifest is None:
        return [run.manifest.name]
    return [entry["path"] for entry in manifest["files"] if not _is_as_listed(run.root, entry)]


def damage(run: RunFolder) -> list[str]:
    """As `damaged_files`, with the aggregates: validation writes them anew, so that no digest is listed of them."""
    return damaged_files(run) + ([] if _is_readable(run.aggregates) else [run.aggregates.name])


def verify_manifest(run: RunFolder) -> None:
    """Refuse a publication that lacks a file, or holds one that is not as it was published."""
    damaged = damaged_files(run)
    if damaged:
        refuse_lost_exchanges(run, damaged)
        others = f" (and {len(damaged) - 1} more)" if len(damaged) > 1 else ""
        raise CorruptionError(
            f"{run.root / damaged[0]}: missing or altered since it was published{others}; "
            f"`synthor resume {run.root}` makes it again"
        )


def _is_readable(path: Location) -> bool:
    try:
        read_parquet(path, is_verified=True)
    except (pa.ArrowException, OSError):
        return False
    return True


def refuse_lost_exchanges(run: RunFolder, damaged: Sequence[str]) -> None:
    """What a proposer has said cannot be made again, and asking anew would be another run."""
    if EXCHANGES in damaged:
        raise CorruptionError(
            f"{run.root / EXCHANGES}: missing or altered since it was published; replies cannot be made again, "
            "expected the file back from a copy"
        )


def _entry(name: str, path: Location, digest: str) -> dict[str, Any]:
    return {"path": name, "bytes": path.stat().st_size, "sha256": digest}


def _is_as_listed(root: Location, entry: Mapping[str, Any]) -> bool:
    path = root / entry["path"]
    return path.is_file() and path.stat().st_size == entry["bytes"] and sha256_of(path) == entry["sha256"]
