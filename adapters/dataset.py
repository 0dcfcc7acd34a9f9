"""A dataset read back: its commits, its frames partition by partition, and a full recount."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa

from adapters.object_path import Location, relative
from adapters.partitions import dataset_files, read_footer, verify_files
from adapters.storage import read_parquet
from schemas.errors import CorruptionError
from schemas.model import Scenario


class PartitionFrames(NamedTuple):
    """One batch's records of one partition; `name` is `county=50007/b000001`."""

    name: str
    root: pd.DataFrame
    members: pd.DataFrame | None


def read_commits(dataset: Location, scenario: Scenario) -> list[dict[str, Any]]:
    """Every batch's commit, in batch order, its files verified; a file that no commit names is refused."""
    commits = []
    for path in dataset_files(dataset, scenario.root.name):
        commit = read_footer(path)
        if commit is not None:
            commits.append({**commit, "file": relative(path, dataset)})
    commits.sort(key=lambda commit: commit["batch_id"])
    _verify(dataset, scenario, commits)
    return commits


def partition_frames(dataset: Location, scenario: Scenario) -> Iterator[PartitionFrames]:
    """The records as pandas frames, one batch and partition at a time."""
    for path in dataset_files(dataset, scenario.root.name):
        name = relative(path, dataset / scenario.root.name)
        members = None
        if scenario.member is not None:
            members = _read(dataset / scenario.member.name / name)
        yield PartitionFrames(unquote(name.removesuffix(".parquet")), _read(path), members)


def _read(path: Location) -> pd.DataFrame:
    try:
        return read_parquet(path, is_verified=True).to_pandas()
    except (pa.ArrowException, OSError) as exc:
        raise CorruptionError(f"{path}: not readable as parquet ({str(exc).splitlines()[0]})") from exc


def _verify(dataset: Location, scenario: Scenario, commits: list[dict[str, Any]]) -> None:
    replaced: set[str] = set()
    for commit in reversed(commits):
        # A file that a later batch wrote anew, an update's without retired records, is as that one says.
        own = {name: digest for name, digest in commit["files"].items() if name not in replaced}
        verify_files(dataset, {**commit, "files": own})
        replaced |= own.keys()
    named = replaced | {commit["file"] for commit in commits}
    for entity in scenario.entities:
        for path in dataset_files(dataset, entity.name):
            if relative(path, dataset) not in named:
                raise CorruptionError(f"{path}: belongs to no committed batch")
