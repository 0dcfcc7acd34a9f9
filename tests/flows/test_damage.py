"""Damage to what is committed: named where it is met, made again by resume, to the same bytes."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.partitions import FOOTER_KEY
from adapters.repair import withdraw_publication
from adapters.run_folder import RunFolder
from schemas.errors import CorruptionError, UserError
from tests.conftest import ECOMMERCE
from tests.flows.running import MANY_BATCHES, digests, run_flow

pytestmark = pytest.mark.usefixtures("prefect_api")


def flip(path: Path, position: int) -> None:
    """Invert a byte."""
    content = bytearray(path.read_bytes())
    content[position] ^= 0xFF
    path.write_bytes(content)


def flip_in_commit(path: Path) -> None:
    """Change the text of a commit so that it still is JSON: only a digest can tell."""
    content = path.read_bytes()
    text = content.index(b'"members":0', content.index(FOOTER_KEY))
    path.write_bytes(content[:text] + b'"members":7' + content[text + 11 :])


DAMAGE: dict[str, Callable[[Path], None]] = {
    "b000001.parquet": lambda path: flip(path, 200),
    "b000002.parquet": flip_in_commit,
    "b000003.parquet": lambda path: os.truncate(path, path.stat().st_size // 2),
    "b000004.parquet": Path.unlink,
    "b000005.parquet": lambda path: os.truncate(path, 0),
}


@pytest.fixture
def run(many_batches: Path, tmp_path: Path) -> Path:
    """A published run to be damaged."""
    return Path(shutil.copytree(many_batches, tmp_path / "run"))


def damage(folder: Path) -> None:
    for name, harm in DAMAGE.items():
        harm(folder / "transaction" / name)


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_publication_is_named_and_not_validated(run: Path, name: str) -> None:
    from cli.review import validate

    path = run / "dataset" / "transaction" / name
    DAMAGE[name](path)
    with pytest.raises(CorruptionError, match=f"{path}: missing or altered since it was published"):
        validate(str(run))


def test_a_damaged_publication_is_made_again(run: Path, many_batches: Path, scheduler: str) -> None:
    damage(run / "dataset")
    record = run_flow(ECOMMERCE, run, dask_address=scheduler, **MANY_BATCHES)
    assert (record["status"], len(record["damaged"])) == ("published", len(DAMAGE))
    assert record["batches"]["reused"] == record["batches"]["committed"] - len(DAMAGE)
    assert digests(run / "dataset") == digests(many_batches / "dataset")
    assert (run / "manifest.json").read_bytes() == (many_batches / "manifest.json").read_bytes()


def test_damaged_batches_of_an_unfinished_run_are_made_again(run: Path, many_batches: Path, scheduler: str) -> None:
    withdraw_publication(RunFolder(run))
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "status": "failed"}))
    damage(run / "staging" / "dataset")
    assert run_flow(ECOMMERCE, run, dask_address=scheduler, **MANY_BATCHES)["status"] == "published"
    assert digests(run / "dataset") == digests(many_batches / "dataset")


def test_a_lost_manifest_and_lost_lineage_are_made_again(run: Path, many_batches: Path, scheduler: str) -> None:
    (run / "manifest.json").write_text("{")
    (run / "plan.parquet").unlink()
    flip(run / "aggregates.parquet", 200)
    assert run_flow(ECOMMERCE, run, dask_address=scheduler, **MANY_BATCHES)["status"] == "published"
    for name in ("manifest.json", "plan.parquet", "proposals.jsonl", "aggregates.parquet"):
        assert (run / name).read_bytes() == (many_batches / name).read_bytes()


def test_a_folder_in_use_is_refused(run: Path) -> None:
    from adapters.run_lock import locked

    with locked(run), pytest.raises(UserError, match="in use by process"):
        run_flow(ECOMMERCE, run, **MANY_BATCHES)
