"""Records in other tools' formats: every record once, ids that link, and a card that says what they are."""

import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds
import pytest

from cli.main import main
from tests.conftest import ROOT

pytestmark = pytest.mark.usefixtures("prefect_api")


def exported(run: Path, to: Path, *options: str) -> Path:
    assert main(["export", str(run), "--to", str(to), *options]) == 0
    return to


def refused(capsys: pytest.CaptureFixture[str], run: Path, to: Path, *options: str) -> str:
    assert main(["export", str(run), "--to", str(to), *options]) == 2
    assert not to.exists()
    return capsys.readouterr().err


def test_csv_holds_every_record_once(ecommerce: Path, tmp_path: Path) -> None:
    found = pd.read_csv(exported(ecommerce, tmp_path / "csv") / "transaction.csv")
    records = ds.dataset(ecommerce / "dataset" / "transaction").to_table().to_pandas()
    assert found["transaction_id"].tolist() == list(range(1, 2001))
    for column in ("gender", "payment", "product_category"):
        assert found[column].tolist() == records[column].astype(str).tolist()
    assert found["age"].tolist() == pytest.approx(records["age"].tolist())


def test_the_data_card_states_sources_fit_and_limits(ecommerce: Path, tmp_path: Path) -> None:
    card = (exported(ecommerce, tmp_path / "csv") / "DATACARD.md").read_text()
    fingerprint = json.loads((ecommerce / "run.json").read_text())["scenario"]["fingerprint"]
    assert f"| transaction | {2000:,} |" in card
    assert "| location_payment | transaction | whole |" in card
    assert "| 4 of 4 | exact |" in card
    assert fingerprint in card
    assert "none is a real person" in card
    assert re.search(r"\| controlled \| .*transaction.location_tier × transaction.payment", card)


def test_columns_get_other_names(ecommerce: Path, tmp_path: Path) -> None:
    options = ["--rename", "age=AGEP", "--rename", "gender=SEX"]
    names = pd.read_csv(exported(ecommerce, tmp_path / "csv", *options) / "transaction.csv").columns
    assert {"AGEP", "SEX"} <= set(names)
    assert not {"age", "gender"} & set(names)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--format", "xml"), "no such format (expected one of: csv, populationsim, activitysim)"),
        (("--rename", "age"), "expected VARIABLE=NAME"),
        (("--rename", "years=AGEP"), "no variable 'years' (expected one of: age, gender"),
        (("--rename", "age=gender"), "transaction would have two columns 'gender'"),
        (("--format", "activitysim"), "households.csv needs home_zone_id, income, hhsize"),
    ],
)
def test_what_cannot_be_exported_is_one_line(
    ecommerce: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], expected: str
) -> None:
    assert expected in refused(capsys, ecommerce, tmp_path / "out", *options)


def test_the_command_of_the_page_does_what_it_says(
    ecommerce: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "exporting.md").read_text(encoding="utf-8")
    command, shown = re.findall(r"^synthor run .*\n(synthor export .*)\n```\n\n```\n(.*?)```", page, re.M | re.S)[0]
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "shop").symlink_to(ecommerce)
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)[1:]) == 0
    assert capsys.readouterr().out == shown
    assert "sex" in pd.read_csv("shop-csv/transaction.csv").columns
