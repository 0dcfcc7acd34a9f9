"""The main job: the whole of Vermont, as the README's first command makes it."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pytest

from cli.main import main
from tests.conftest import VERMONT
from tests.flows.running import run_flow


@pytest.fixture(scope="module")
def run(prefect_api: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run by two workers."""
    out = tmp_path_factory.mktemp("vermont") / "run"
    assert run_flow(VERMONT, out, workers=2)["status"] == "published"
    return out


def test_every_county_household_cell_is_exact(run: Path) -> None:
    cells = pd.read_parquet(run / "aggregates.parquet")
    exact = cells[cells["tolerance_kind"] == "records"]
    assert len(exact) == 210
    assert (exact["synthetic"] == exact["target"]).all()


def test_household_sizes_recounted_from_the_files_are_the_published_ones(run: Path) -> None:
    households = ds.dataset(run / "dataset" / "household", partitioning="hive").to_table().to_pandas()
    published = pd.read_csv(VERMONT / "targets" / "household_size.csv")
    label = households["household_size"].clip(upper=4).map({1: "1", 2: "2", 3: "3", 4: "4+"})
    found = households.groupby(["county", label]).size()
    assert found.tolist() == published.set_index(["county", "household_size"])["count"].sort_index().tolist()


def test_person_shares_are_met_in_every_county(run: Path) -> None:
    cells = pd.read_parquet(run / "aggregates.parquet").query("entity == 'person'")
    gap = (cells["target_share"] - cells["synthetic_share"]).abs()
    distance = 0.5 * gap.groupby([cells["table"], cells["zone"]]).sum()
    assert distance.mean() <= 0.0005
    assert distance.max() <= 0.005


def test_every_person_lives_in_a_household_that_lists_them(run: Path) -> None:
    households = ds.dataset(run / "dataset" / "household", partitioning="hive").to_table().to_pandas()
    persons = ds.dataset(run / "dataset" / "person", partitioning="hive").to_table().to_pandas()
    listed = persons.groupby("household_id").size()
    sizes = households.set_index("household_id")["household_size"]
    assert listed.sort_index().tolist() == sizes.sort_index().tolist()
    assert (persons[persons["age"] >= 18].groupby("household_id").size().reindex(sizes.index).fillna(0) >= 1).all()


def test_a_person_can_be_explained_with_the_household(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    person = ds.dataset(run / "dataset" / "person", partitioning="hive").head(5).to_pylist()[4]
    assert main(["explain", str(run), "--record", f"person:{person['person_id']}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["household"]["household_id"] == person["household_id"]
    assert main(["explain", str(run), "--record", str(person["household_id"]), "--json"]) == 0
    of_household = json.loads(capsys.readouterr().out)
    assert person["person_id"] in [one["person_id"] for one in of_household["person"]]
    assert len(of_household["person"]) == of_household["values"]["household_size"]
    assert main(["explain", str(run), "--cell", "age=65+,county=50007", "--json"]) == 0
    (cell,) = json.loads(capsys.readouterr().out)
    assert cell["records"] == cell["synthetic"] > 20_000


def test_households_and_persons_reach_populationsims_users(run: Path, tmp_path: Path) -> None:
    assert main(["export", str(run), "--to", str(tmp_path), "--format", "populationsim"]) == 0
    households = pd.read_csv(tmp_path / "synthetic_households.csv", dtype={"county": str})
    persons = pd.read_csv(tmp_path / "synthetic_persons.csv")
    assert households["household_id"].tolist() == list(range(1, 260_030))
    assert households["state"].unique().tolist() == ["Vermont"]
    of_household = persons.groupby("household_id")["per_num"]
    assert of_household.max().tolist() == of_household.size().tolist() == households["household_size"].tolist()
    published = ds.dataset(run / "dataset" / "household", partitioning="hive").to_table(columns=["county"]).to_pandas()
    found = households["county"].value_counts().to_dict()
    assert found == published["county"].astype(str).value_counts().to_dict()


def test_activitysims_columns_come_from_the_users_variables(run: Path, tmp_path: Path) -> None:
    names = {"household_size": "hhsize", "vehicles": "auto_ownership", "adults": "num_workers"}
    names |= {"work": "pemploy", "university": "pstudent", "commute": "ptype"}
    options = [word for old, new in names.items() for word in ("--rename", f"{old}={new}")]
    assert main(["export", str(run), "--to", str(tmp_path), "--format", "activitysim", *options]) == 0
    households, persons = (pd.read_csv(tmp_path / name, nrows=100) for name in ("households.csv", "persons.csv"))
    assert {"household_id", "home_zone_id", "income", "hhsize", "auto_ownership", "num_workers"} <= set(households)
    assert {"person_id", "household_id", "PNUM", "age", "sex", "pemploy", "pstudent", "ptype"} <= set(persons)
