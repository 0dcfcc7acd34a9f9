"""A preview: nested records within the scenario's rules, the same for the same seed, and nothing written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.starter_files import write_starter
from cli.main import main
from cli.nested_table import nested_lines

ROOT = Path(__file__).resolve().parents[2]
ECOMMERCE = str(ROOT / "scenarios" / "ecommerce")


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preview") / "town"
    write_starter(folder)
    return folder


def told(capsys, *arguments):
    assert main(["preview", *map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_households_list_their_members(town, capsys):
    found = json.loads(told(capsys, town, "--records", "40", "--json"))
    households = found["records"]
    assert len(households) == 40
    assert [len(one["person"]) for one in households] == [one["household_size"] for one in households]
    assert all(any(person["age"] >= 18 for person in one["person"]) for one in households)


def test_the_same_seed_gives_the_same_records_and_another_others(town, capsys):
    first, again = (told(capsys, town, "--records", "5", "--random-seed", "3") for _ in range(2))
    assert first == again != told(capsys, town, "--records", "5", "--random-seed", "4")


def test_members_stand_indented_under_their_household(town, capsys):
    lines = told(capsys, town, "--records", "3").splitlines()
    assert "household_size" in lines[0]
    assert lines[1].startswith("    age")
    assert sum(bool(line) and not line.startswith(" ") for line in lines[2:-2]) == 3
    assert "3 of the" in lines[-1]


def test_columns_are_shortened_to_the_width(town, capsys):
    from adapters.scenario_files import read_scenario

    records = json.loads(told(capsys, town, "--records", "5", "--json"))["records"]
    lines = [text for text, _ in nested_lines(read_scenario(town), records, 50)]
    assert max(map(len, lines)) <= 50
    assert any("…" in line for line in lines)


def test_no_more_records_than_there_are(capsys):
    found = json.loads(told(capsys, ECOMMERCE, "--records", "10000", "--json"))
    assert len(found["records"]) == found["size"] == 2000


def test_numbers_out_of_range_are_one_line(capsys):
    assert main(["preview", ECOMMERCE, "--records", "0"]) == 2
    assert capsys.readouterr().err.startswith("synthor: --records 0: expected 1 to 10,000")


def test_a_preview_needs_no_prefect_and_writes_nothing(tmp_path):
    heavy = ["prefect", "dask", "distributed", "great_expectations", "pandas"]
    code = (
        f"import sys; from cli.main import main; code = main(['preview', {ECOMMERCE!r}, '--records', '2']); "
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr.strip(), list(tmp_path.iterdir())) == (0, "[]", [])
