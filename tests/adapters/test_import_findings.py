"""What an importer said is told again by a check."""

import json

import pytest

from adapters.import_findings import import_findings
from adapters.scenario_writer import write_files
from schemas.errors import UserError
from schemas.imports import Draft, Finding


def test_what_the_writer_keeps_is_read_back_without_assumptions(tmp_path):
    said = (
        Finding("repaired", "income", "a typo", "controls.csv:37"),
        Finding("assumed", "age", "ends at 99"),
        Finding("doubtful", "race", "adds up to more"),
    )
    write_files(Draft({"name": "small"}, (), said, "Import"), tmp_path)
    found = import_findings(tmp_path)

    assert [(f.kind, f.outcome, f.policy, f.what, at) for f, at in found] == [
        ("import", "reconciled", "repaired", "income: a typo", ["controls.csv:37"]),
        ("import", "noted", "", "race: adds up to more", []),
    ]


def test_a_scenario_that_was_not_imported_has_none(tmp_path):
    assert import_findings(tmp_path) == []


@pytest.mark.parametrize("text", ["{", "[1]", '[{"kind": "noted"}]'])
def test_a_broken_file_is_one_line(tmp_path, text):
    (tmp_path / "import.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"import.json: not readable as an importer's findings"):
        import_findings(tmp_path)


def test_the_file_holds_what_the_page_says(tmp_path):
    write_files(Draft({"name": "small"}, (), (Finding("noted", "x", "y"),), "Import"), tmp_path)
    assert json.loads((tmp_path / "import.json").read_text(encoding="utf-8"))[0]["text"] == "y"
