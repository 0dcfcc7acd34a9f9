"""From a record to its proposal, from a cell to what fills it."""

import json
import shutil
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from cli.main import main

pytestmark = pytest.mark.usefixtures("prefect_api")


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explain", *arguments]) == 0
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explain", *arguments]) == 2
    return capsys.readouterr().err


def test_a_record_leads_to_its_proposal(ecommerce: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = ds.dataset(ecommerce / "dataset" / "transaction").to_table().slice(1700, 1).to_pylist()[0]
    found = json.loads(told(capsys, str(ecommerce), "--record", str(record["transaction_id"]), "--json"))
    assert {**found["values"], "batch_id": found["batch"], "plan_row_id": found["plan_row"]["plan_row_id"]} == record
    assert found["plan_row"]["gender"] == record["gender"]
    assert found["proposal"]["proposal_id"] == found["plan_row"]["proposal_id"]
    assert found["proposal"]["reason"].startswith("candidates drawn along the tables")
    text = told(capsys, str(ecommerce), "--record", f"transaction:{record['transaction_id']}")
    assert f"gender {record['gender']}" in text
    assert found["proposal"]["reason"] in text


def test_a_cell_leads_to_what_fills_it(ecommerce: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = "payment=Cash on Delivery, location_tier=Developed"
    (found,) = json.loads(told(capsys, str(ecommerce), "--cell", cell, "--json"))
    assert found["table"] == "location_payment"
    assert found["records"] == found["synthetic"] == sum(one["records"] for one in found["proposals"])
    assert 0 < sum(one["in_cell"] for one in found["plan_rows"]) <= found["records"]
    assert "within tolerance" in told(capsys, str(ecommerce), "--cell", cell)


def test_cells_of_several_tables_can_match(ecommerce: Path, capsys: pytest.CaptureFixture[str]) -> None:
    every = json.loads(told(capsys, str(ecommerce), "--cell", "payment=Cash on Delivery", "--json"))
    assert {one["table"] for one in every} == {"payment", "location_payment"}
    one = json.loads(told(capsys, str(ecommerce), "--cell", "payment=Cash on Delivery", "--table", "payment", "--json"))
    assert [cell["table"] for cell in one] == ["payment"]


def test_a_table_held_out_is_followed_as_well(
    ecommerce: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(ecommerce, run)
    record = json.loads((run / "run.json").read_text())
    record["settings"]["hold_out"] = ["location_payment"]
    (run / "run.json").write_text(json.dumps(record))
    cell = "payment=Cash on Delivery,location_tier=Developed"
    (found,) = json.loads(told(capsys, str(run), "--cell", cell, "--table", "location_payment", "--json"))
    assert found["records"] == found["synthetic"]


def test_a_run_without_rejected_records_says_so(ecommerce: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, str(ecommerce), "--rejected") == "no record was rejected\n"
    assert "no such rule (the scenario has none)" in refused(capsys, str(ecommerce), "--rejected", "--rule", "r")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "expected one of --record ID, --cell LABELS or --rejected"),
        (("--record", "1", "--rejected"), "expected one of"),
        (("--record", "x"), "expected a whole number, as in the column transaction_id"),
        (("--record", "shopper:1"), "no entity 'shopper' (expected one of: transaction)"),
        (("--record", "7"), "holds no transaction record 7"),
        (("--cell", "payment"), "expected NAME=LABEL pairs"),
        (("--cell", "payment=Cheque"), "payment has no label 'Cheque' (expected one of: Cash on Delivery"),
    ],
)
def test_what_cannot_be_explained_is_one_line(
    ecommerce: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], expected: str
) -> None:
    assert expected in refused(capsys, str(ecommerce), *arguments)
