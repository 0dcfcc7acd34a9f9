"""current.json names one intact, validated run; those before it stay, and can be returned to."""

import json

import pytest

from adapters.manifest import write_manifest
from adapters.publications import publish_to, read_current, roll_back
from adapters.run_folder import RunFolder
from adapters.storage import sha256_of, write_json
from schemas.errors import CorruptionError, UserError


@pytest.fixture
def published(tmp_path):
    """Makes a published run of one file."""

    def make(name, status="published", success=True):
        run = RunFolder(tmp_path / name)
        path = run.staged_dataset / "order" / "b000001.parquet"
        path.parent.mkdir(parents=True)
        path.write_text(name)
        run.plan.touch()
        run.proposals.touch()
        commit = {"batch_id": 1, "file": "order/b000001.parquet", "file_digest": sha256_of(path), "files": {}}
        write_manifest(run, [commit])
        run.publish()
        scenario = {"name": "shop", "fingerprint": "f"}
        entities = {"order": {"records": 1}}
        record = {"status": status, "scenario": scenario, "random_seed": 0, "entities": entities}
        write_json(run.root / "run.json", record | {"validation": {"success": success}})
        return run

    return make


def test_the_last_published_run_is_current(tmp_path, published):
    root, (first, second) = tmp_path / "root", (published("a"), published("b"))
    assert read_current(root) is None
    publish_to(first, root)
    publish_to(second, root)
    current = json.loads((root / "current.json").read_text())
    assert (current["publication"], current["previous"], current["dataset"]) == (2, 1, str(second.dataset))
    assert (first.dataset / "order" / "b000001.parquet").read_text() == "a"


def test_publishing_the_same_run_again_changes_nothing(tmp_path, published):
    root, run = tmp_path / "root", published("a")
    assert publish_to(run, root) == publish_to(run, root)
    assert [path.name for path in (root / "publications").iterdir()] == ["000001.json"]


def test_rolling_back_goes_one_publication_at_a_time(tmp_path, published):
    root = tmp_path / "root"
    entries = [publish_to(published(name), root) for name in "abc"]
    assert [roll_back(root), roll_back(root)] == [entries[1], entries[0]]
    assert read_current(root) == entries[0]
    with pytest.raises(UserError, match="publication 1 is the first, there is none to go back to"):
        roll_back(root)


def test_after_a_rollback_numbers_go_on_and_history_skips_what_was_left(tmp_path, published):
    root = tmp_path / "root"
    publish_to(published("a"), root)
    publish_to(published("b"), root)
    roll_back(root)
    entry = publish_to(published("c"), root)
    assert (entry["publication"], entry["previous"]) == (3, 1)


@pytest.mark.parametrize(
    ("status", "success", "told"),
    [("failed", True, "its status is 'failed'"), ("published", False, "validation failed")],
)
def test_only_a_validated_publication_becomes_current(tmp_path, published, status, success, told):
    with pytest.raises(UserError, match=told):
        publish_to(published("a", status, success), tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_a_run_published_anyway_can_become_current_anyway(tmp_path, published):
    assert publish_to(published("a", success=False), tmp_path / "root", anyway=True)["validated"] is False


def test_a_damaged_run_does_not_become_current(tmp_path, published):
    root, good, bad = tmp_path / "root", published("a"), published("b")
    publish_to(good, root)
    (bad.dataset / "order" / "b000001.parquet").write_text("c")
    with pytest.raises(CorruptionError, match="missing or altered since it was published"):
        publish_to(bad, root)
    assert read_current(root)["run"] == str(good.root)


def test_there_is_no_going_back_to_a_damaged_run(tmp_path, published):
    root, bad, good = tmp_path / "root", published("a"), published("b")
    publish_to(bad, root)
    publish_to(good, root)
    (bad.dataset / "order" / "b000001.parquet").unlink()
    with pytest.raises(CorruptionError, match="missing or altered"):
        roll_back(root)
    assert read_current(root)["run"] == str(good.root)


def test_a_root_is_no_run_folder(tmp_path, published):
    run = published("a")
    with pytest.raises(UserError, match="is a run folder, expected a folder of publications"):
        publish_to(run, run.root)
    with pytest.raises(UserError, match="no publications here"):
        roll_back(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
