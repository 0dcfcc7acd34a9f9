"""Repair: batches whose files are damaged are withdrawn, so that the flow makes them again, to the same bytes."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from adapters.manifest import LINEAGE, RETIRED, damaged_files, read_manifest
from adapters.object_path import Location
from adapters.partitions import dataset_files, read_footer, verify_digest, verify_files
from adapters.run_folder import RunFolder
from adapters.storage import read_parquet
from schemas.errors import CorruptionError
from schemas.model import Scenario


def withdraw_damaged(run: RunFolder, scenario: Scenario, first_batch: int = 0) -> list[str]:
    """Withdraw every batch of the staged dataset with a damaged file; returns what was found, one line each.

    Batches before `first_batch` are not the run's own.
    """
    found: list[str] = []
    commits: dict[Location, dict[str, Any]] = {}
    for path in dataset_files(run.staged_dataset, scenario.root.name):
        commit = _try(found, lambda path=path: read_footer(path))  # type: ignore[misc]
        if commit is not None:
            commits[path] = commit
        elif not _is_readable(path):
            path.unlink()
    for path, commit in commits.items():
        if commit["batch_id"] >= first_batch and not _is_whole(run, path, commit, found):
            path.unlink()
    return found


def withdraw_publication(run: RunFolder) -> None:
    """Stage a published dataset again, because some of it has to be made again; its intact batches are kept."""
    manifest, damaged = read_manifest(run), damaged_files(run)
    if manifest is None or set(damaged) & {*LINEAGE, RETIRED}:
        (run.root / RETIRED).unlink(missing_ok=True)
        run.plan.unlink(missing_ok=True)
        run.proposals.unlink(missing_ok=True)
    if manifest is not None:
        digests = {entry["path"]: entry["sha256"] for entry in manifest["files"]}
        for batch_id, name in manifest["commits"].items():
            run.keep_digest(int(batch_id), digests[f"dataset/{name}"])
    run.stage_again()
    run.manifest.unlink(missing_ok=True)


def _is_whole(run: RunFolder, path: Location, commit: Mapping[str, Any], found: list[str]) -> bool:
    batch_id = commit["batch_id"]
    before = len(found)
    _try(found, lambda: verify_digest(path, run.read_digest(batch_id), batch_id))
    _try(found, lambda: verify_files(run.staged_dataset, commit))
    if not run.plan.is_file():  # until the plans are merged, a batch needs its own
        _try(found, lambda: _read_plan(run, commit["plan_id"]))
    return len(found) == before


def _read_plan(run: RunFolder, plan_id: int) -> None:
    plan, proposals = run.plan_file(plan_id), run.proposals_file(plan_id)
    try:
        read_parquet(plan, is_verified=True)
        json.loads(proposals.read_text(encoding="utf-8"))
    except (pa.ArrowException, OSError, ValueError) as exc:
        for path in (plan, proposals):
            path.unlink(missing_ok=True)
        raise CorruptionError(f"{plan}: missing or altered") from exc


def _is_readable(path: Location) -> bool:
    try:
        read_footer(path)
    except CorruptionError:
        return False
    return True


def _try(found: list[str], check: Callable[[], Any]) -> Any:
    try:
        return check()
    except CorruptionError as exc:
        found.append(str(exc))
        return None
