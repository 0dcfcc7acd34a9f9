"""The village scenario, read; a run folder; a batch of two partitions in it, committed."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from adapters.partitions import BatchFiles, PartitionWriter, batch_files
from adapters.run_folder import RunFolder
from adapters.scenario_files import read_scenario
from adapters.storage import sha256_of
from tests.adapters.examples import VILLAGE, write_folder


@pytest.fixture
def village_folder(tmp_path):
    """The scenario folder."""
    return write_folder(tmp_path / "village", VILLAGE)


@pytest.fixture
def village(village_folder):
    """The scenario."""
    return read_scenario(village_folder)


@pytest.fixture
def run(tmp_path):
    """A run folder that nothing was written to."""
    return RunFolder(tmp_path / "run")


@dataclass(frozen=True)
class Committed:
    """A committed batch: its dataset, its files and the commit as it was given to the writer."""

    dataset: Path
    files: BatchFiles
    commit: dict[str, object]

    @property
    def last(self) -> Path:
        """The file whose footer is the commit."""
        return self.dataset / self.files.commit


@pytest.fixture
def commit_batch(tmp_path, village):
    """Writes and commits one batch of counties 01 and 02."""

    def write(batch_id, dataset=tmp_path / "dataset"):
        files = batch_files(village, batch_id, ("01", "02"))
        digests = {}
        for name in files.others:
            write_ids(dataset / name, batch_id)
            digests[name] = sha256_of(dataset / name)
        commit = {"batch_id": batch_id, "files": digests, "counts": {"size": [[0, 2], [3, 1]]}, "text": "Grüße"}
        write_ids(dataset / files.commit, batch_id, commit)
        return Committed(dataset, files, commit)

    return write


def write_ids(path, first, footer=None):
    """A file of three ids."""
    table = pa.table({"id": pa.array([first, first + 1, first + 2], pa.int64())})
    writer = PartitionWriter(path, table.schema)
    writer.write(table)
    writer.finish(footer)
    writer.reveal()
