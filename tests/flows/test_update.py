"""New targets against a published population, through the real flow."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from prefect import get_client

from adapters.publications import publish_to, read_current, roll_back
from adapters.run_folder import RunFolder
from cli.main import main
from flows.update import update
from schemas.errors import UserError
from schemas.settings import RunSettings
from tasks.validate import validate_run
from tests.flows.running import digests, run_flow, start_command, wait_for
from tests.flows.town import AGES, SCENARIO, SIZES, write_town

pytestmark = pytest.mark.usefixtures("prefect_api")

OLDER = {"age": {"d2": {"18-39": AGES["18-39"] - 20, "65-99": AGES["65-99"] + 20}}}


@pytest.fixture(scope="module")
def town(prefect_api: str, scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run, several partitions to a batch."""
    folder = tmp_path_factory.mktemp("town")
    run_flow(write_town(folder / "scenario"), folder / "run", dask_address=scheduler)
    return folder / "run"


@pytest.fixture(scope="module")
def older(town: Path, scheduler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An update of one district's ages."""
    folder = tmp_path_factory.mktemp("older")
    update_town(town, write_town(folder / "scenario", OLDER), folder / "run", scheduler)
    return folder / "run"


def update_town(base: Path, scenario: Path, out: Path, scheduler: str, **settings: Any) -> dict[str, Any]:
    """The content of run.json after the update."""
    return update(str(base), str(scenario), str(out), RunSettings(dask_address=scheduler, **settings))


def ids(run: Path, entity: str) -> set[int]:
    """The ids of all records."""
    records = ds.dataset(run / "dataset" / entity, partitioning="hive").to_table(columns=[f"{entity}_id"])
    found: set[int] = set(records[f"{entity}_id"].to_pylist())
    assert len(found) == records.num_rows
    return found


def test_only_the_district_whose_targets_moved_is_written_anew(town: Path, older: Path) -> None:
    before, after = digests(town / "dataset"), digests(older / "dataset")
    changed = {name for name, digest in after.items() if before.get(name) != digest}
    assert changed
    assert all("district=d2/" in name for name in changed)
    assert set(before) <= set(after)
    assert json.loads((older / "manifest.json").read_text())["files"]


def test_new_targets_hold_and_the_recount_agrees(older: Path) -> None:
    aggregates = pd.read_parquet(older / "aggregates.parquet")
    assert aggregates["within"].all()
    ages = aggregates[(aggregates["table"] == "age") & (aggregates["zone"] == "d2")].set_index("cell")["synthetic"]
    assert ages["age=65-99"] / ages.sum() == pytest.approx(120 / 650, abs=0.003)
    assert validate_run(older, full=True)["success"]


def test_beyond_a_million_records_the_net_summaries_are_judged(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.validate.RECORDS_READ", 100)
    verdict = validate_run(older, full=False)
    assert (verdict["judged"], verdict["success"]) == ("summaries", True)


def test_churn_is_small_told_and_listed(town: Path, older: Path) -> None:
    run = json.loads((older / "run.json").read_text())
    told = run["update"]
    assert [zone["zone"] for zone in told["zones"]] == ["d2"]
    assert 0 < told["retired"] == told["added"] <= 20
    assert told["kept"] + told["added"] == run["entities"]["household"]["records"] == 1200
    assert run["drawn"] == run["accepted"] + run["rejected"]
    retired = pq.read_table(older / "retired.parquet").to_pandas()
    for entity in ("household", "person"):
        listed = set(retired.loc[retired["entity"] == entity, "record_id"])
        assert ids(town, entity) - ids(older, entity) == listed
        added = ids(older, entity) - ids(town, entity)
        assert min(added) > max(ids(town, entity))
    page = (older / "report.html").read_text()
    assert 'id="churn"' in page
    assert f"{told['retired']} retired" in page


def test_every_record_still_has_its_plan_row_and_proposal(older: Path) -> None:
    records = ds.dataset(older / "dataset" / "household", partitioning="hive").to_table().to_pandas()
    plan = pq.read_table(older / "plan.parquet").to_pandas().set_index("plan_row_id")
    drawn = records.groupby("plan_row_id").size()
    assert (plan.loc[drawn.index, "records"] == drawn).all()
    assert plan["records"].sum() == len(records)
    named = {json.loads(line)["proposal_id"] for line in (older / "proposals.jsonl").read_text().splitlines()}
    assert set(plan["proposal_id"]) <= named


def test_unchanged_targets_rewrite_nothing(town: Path, scheduler: str, tmp_path: Path) -> None:
    run = update_town(town, town / "scenario", tmp_path / "run", scheduler)
    assert digests(tmp_path / "run" / "dataset") == digests(town / "dataset")
    assert (run["update"]["added"], run["update"]["retired"], run["update"]["zones"]) == (0, 0, [])
    assert run["status"] == "published"


def test_an_update_becomes_the_next_publication_and_can_be_rolled_back(
    town: Path, scheduler: str, tmp_path: Path
) -> None:
    root, out = tmp_path / "root", tmp_path / "run"
    first = publish_to(RunFolder(town), root)
    scenario = write_town(tmp_path / "scenario", OLDER)
    run = update_town(root, scenario, out, scheduler)
    current = read_current(root)
    assert current is not None
    assert (current["publication"], current["previous"], current["run"]) == (2, 1, str(out))
    assert run["update"]["base_publication"] == 1
    assert update_town(root, scenario, out, scheduler)["status"] == "published"
    assert read_current(root) == current
    assert roll_back(root)["run"] == first["run"]


def test_districts_grow_shrink_and_are_updated_again(town: Path, older: Path, scheduler: str, tmp_path: Path) -> None:
    grown = {"d1": {name: round(count * 1.1) for name, count in SIZES.items()}}
    shrunk = {"d4": {name: round(count * 0.9) for name, count in SIZES.items()}}
    tenures = {
        "d1": {"owned": 200, "rented": sum(grown["d1"].values()) - 200},
        "d4": {"owned": 160, "rented": sum(shrunk["d4"].values()) - 160},
    }
    changes = {**OLDER, "size": {**grown, **shrunk}, "tenure": tenures}
    run = update_town(older, write_town(tmp_path / "scenario", changes), tmp_path / "run", scheduler)
    zones = {zone["zone"]: zone for zone in run["update"]["zones"]}
    assert set(zones) == {"d1", "d4"}
    assert zones["d1"]["added"] - zones["d1"]["retired"] == sum(grown["d1"].values()) - sum(SIZES.values())
    assert zones["d4"]["retired"] - zones["d4"]["added"] == sum(SIZES.values()) - sum(shrunk["d4"].values())
    assert max(zones["d1"]["retired"], zones["d4"]["added"]) <= 12
    assert pd.read_parquet(tmp_path / "run" / "aggregates.parquet")["within"].all()
    assert validate_run(tmp_path / "run", full=True)["success"]
    retired = pq.read_table(older / "retired.parquet").to_pandas()
    gone = set(retired.loc[retired["entity"] == "household", "record_id"])
    assert gone
    assert not ids(tmp_path / "run", "household") & gone


def test_another_schema_is_refused_with_what_differs(town: Path, scheduler: str, tmp_path: Path) -> None:
    text = SCENARIO.replace("rent: {type: number, range: [0, 2000]}", "rent: {type: number, range: [0, 3000]}")
    scenario = write_town(tmp_path / "scenario", text=text)
    with pytest.raises(UserError, match=r"scenario: variable household\.rent differs: .* use `synthor run`"):
        update_town(town, scenario, tmp_path / "run", scheduler)
    with pytest.raises(UserError, match="no run here"):
        update_town(tmp_path / "nowhere", town / "scenario", tmp_path / "run", scheduler)
    with pytest.raises(UserError, match="works offline"):
        update_town(town, town / "scenario", tmp_path / "run", scheduler, proposer="anthropic")
    assert not (tmp_path / "run").exists()


def test_a_killed_update_is_finished_by_resume(
    prefect_api: str, older: Path, town: Path, scheduler: str, tmp_path: Path
) -> None:
    out, scenario = tmp_path / "run", write_town(tmp_path / "scenario", OLDER)
    process = start_command(prefect_api, "update", str(town), str(scenario), "--out", str(out), "--dask", scheduler)
    wait_for(lambda: (out / "log.jsonl").exists() and "inherited" in (out / "log.jsonl").read_text(), 250)
    process.kill()
    process.communicate()
    assert not (out / "dataset").exists()
    assert main(["resume", str(out), "--dask", scheduler, "--quiet"]) == 0
    assert digests(out / "dataset") == digests(older / "dataset")
    assert (out / "retired.parquet").read_bytes() == (older / "retired.parquet").read_bytes()
    assert (out / "plan.parquet").read_bytes() == (older / "plan.parquet").read_bytes()


def test_damaged_files_of_an_update_are_made_again(town: Path, older: Path, scheduler: str, tmp_path: Path) -> None:
    out, before = tmp_path / "run", digests(older / "dataset")
    shutil.copytree(older, out)
    kept = next((out / "dataset" / "person" / "district=d3").glob("*.parquet"))
    own = sorted((out / "dataset" / "household" / "district=d2").glob("*.parquet"))[0]
    for path in (kept, own):
        path.write_bytes(path.read_bytes()[:-40])
    (out / "retired.parquet").unlink()
    run = update_town(town, older / "scenario", out, scheduler)
    assert len(run["damaged"]) == 3
    assert digests(out / "dataset") == before
    assert (out / "retired.parquet").read_bytes() == (older / "retired.parquet").read_bytes()


def test_a_table_above_the_zones_moves_as_well(town: Path, scheduler: str, tmp_path: Path) -> None:
    text = SCENARIO.replace("partition_by: district", "partition_by: side")
    text = text.replace(
        "rules:", "  side: {entity: household, variables: [rent], zone: side, file: rent.csv, measure: count}\nrules:"
    )
    for name, low in (("old", 400), ("new", 440)):
        folder = write_town(tmp_path / name, text=text)
        rows = [f'{side},"[0, 800)",{count}\n{side},"[800, 2000)",{600 - count}' for side, count in
                (("east", low), ("west", 400))]  # fmt: skip
        (folder / "rent.csv").write_text("side,rent,count\n" + "\n".join(rows) + "\n")
    run_flow(tmp_path / "old", tmp_path / "run", dask_address=scheduler)
    run = update_town(tmp_path / "run", tmp_path / "new", tmp_path / "updated", scheduler)
    assert {zone["zone"] for zone in run["update"]["zones"]} <= {"d1", "d2"}
    assert pd.read_parquet(tmp_path / "updated" / "aggregates.parquet")["within"].all()
    assert 40 <= run["update"]["retired"] <= 48


def test_the_user_interface_shows_churn_and_a_form(older: Path, prefect_api: str) -> None:
    with get_client(sync_client=True) as client:
        keys = {artifact.key for artifact in client.read_artifacts()}
    assert "town-churn" in keys
    schema = update.parameters.model_dump()
    assert all(one.get("description") for one in schema["properties"].values())
