"""Repair: batches whose files are damaged are withdrawn, so that the flow makes them again, to the same bytes."""

import zipfile
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from adapters.manifest import LINEAGE, RETIRED, damaged_files, read_manifest
from adapters.object_path import Location
from adapters.partitions import batch_of_file, dataset_files, read_footer, verify_digest, verify_files
from adapters.run_folder import RESPONSES, RunFolder
from schemas.errors import CorruptionError
from schemas.model import Scenario


def withdraw_damaged(run: RunFolder, scenario: Scenario, first_batch: int = 0) -> list[str]:
    """Withdraw every batch of the staged dataset with a damaged file; returns what was found, one line each.

    What no intact commit names goes as well: it belongs to a batch that is not committed, or to one whose commit can
    no longer be told from such a file. Batches before `first_batch` are not the run's own, and are left alone.
    """
    found: list[str] = []
    if not first_batch:
        _withdraw_merged_lineage(run)
    _try(found, lambda: _check_responses(run))
    named: set[Location] = set()
    for path in dataset_files(run.staged_dataset, scenario.root.name):
        if batch_of_file(path) < first_batch:
            continue
        commit = _try(found, lambda path=path: read_footer(path))  # type: ignore[misc]
        if commit is not None and _is_whole(run, path, commit, found):
            named |= {path, *(run.staged_dataset / name for name in commit["files"])}
    for entity in scenario.entities:
        for path in [*dataset_files(run.staged_dataset, entity.name)]:
            if path not in named and batch_of_file(path) >= first_batch:
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
    if len(found) > before:  # what it says of other files is not to be trusted
        return False
    _try(found, lambda: verify_files(run.staged_dataset, commit))
    if not run.plan.is_file():  # until the plans are merged, a batch needs its own
        _try(found, lambda: _read_plan(run, commit["plan_id"]))
    return len(found) == before


def _withdraw_merged_lineage(run: RunFolder) -> None:
    """Have the lineage merged again from the plans' own files, which can be verified, while they are there."""
    if any(run.plan_file(0).parent.glob("*.parquet")):
        run.plan.unlink(missing_ok=True)
        run.proposals.unlink(missing_ok=True)


def _check_responses(run: RunFolder) -> None:
    path = run.parts_file(RESPONSES)
    if not path.is_file():
        return
    try:
        run.read_all_parts(RESPONSES)
    except (OSError, ValueError, EOFError, LookupError, zipfile.BadZipFile, zlib.error) as exc:
        path.unlink()
        raise CorruptionError(f"{path}: altered") from exc


def _read_plan(run: RunFolder, plan_id: int) -> None:
    if not run.is_plan_intact(plan_id):
        for path in (run.plan_file(plan_id), run.proposals_file(plan_id)):
            path.unlink(missing_ok=True)
        raise CorruptionError(f"{run.plan_file(plan_id)}: missing or altered")


def _try(found: list[str], check: Callable[[], Any]) -> Any:
    try:
        return check()
    except CorruptionError as exc:
        found.append(str(exc))
        return None
