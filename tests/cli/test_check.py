"""`synthor check`: every defect of real control totals is told with files, lines, size and policy."""

import json

import pytest

from cli.main import main
from tests.adapters.defects import DORMITORY, write_defects
from tests.adapters.examples import SHOP, VILLAGE, with_change, write_folder


@pytest.fixture
def defects(tmp_path):
    return write_defects(tmp_path / "defects")


def check(capsys, folder, code=0):
    assert main(["check", str(folder), "--json"]) == code
    return json.loads(capsys.readouterr().out)


def finding(found, kind, *tables):
    return next(f for f in found["findings"] if f["kind"] == kind and set(tables) <= set(f["tables"]))


def test_every_defect_is_found_with_its_tables(capsys, defects):
    found = check(capsys, defects)

    assert found["runnable"]
    quarters = finding(found, "reach", "size", "age")
    assert (quarters["policy"], quarters["worst_zone"]) == ("shares", "001")
    assert 0 < quarters["worst_records"] < DORMITORY
    assert "does it count some who live in no household" in quarters["what"]
    assert "goes with race=several" in finding(found, "total", "race")["what"]
    assert "by age as many have 2.9 or more" in finding(found, "total", "university")["what"]
    assert "more" in finding(found, "total", "commute")["what"]
    assert "counts of commute=transit in commute are multiples of 2" in finding(found, "multiples", "commute")["what"]
    assert "evenly" in finding(found, "universe", "age", "work")["what"]
    overlap = finding(found, "overlap", "no_car", "fewer", "enough")
    assert overlap["policy"] == "nearest"
    assert overlap["zones"] == 24
    assert finding(found, "crosswalk")["at"] == ["zones.csv:50"]


def test_a_finding_names_the_lines_of_its_worst_zone(capsys, defects):
    found = check(capsys, defects)

    quarters = finding(found, "reach", "size", "age")
    assert quarters["at"] == ["targets/age.csv:2-4", "targets/size.csv:2-5"]
    lines = (defects / "targets" / "age.csv").read_text().splitlines()
    assert all(line.startswith("001,") for line in lines[1:4])


def test_piped_output_is_plain_and_says_what_the_policies_do(capsys, defects):
    assert main(["check", str(defects)]) == 0
    printed = capsys.readouterr().out

    assert "\x1b" not in printed
    assert "\n! total: race counts " in printed
    assert "\n  targets/race.csv:" in printed
    assert "\n→ shares: a table that binds shares keeps its shares;" in printed
    assert printed.rstrip().endswith("findings reconciled as stated")


def test_a_policy_that_refuses_ends_with_1_and_no_run_begins(capsys, defects, tmp_path):
    with (defects / "scenario.yaml").open("a", encoding="utf-8") as file:
        file.write("reconcile: {totals: refuse}\n")
    found = check(capsys, defects, code=1)

    assert not found["runnable"]
    assert finding(found, "total", "race")["outcome"] == "refused"
    assert main(["check", str(defects)]) == 1
    assert "not runnable: " in capsys.readouterr().out


def test_an_unreadable_scenario_ends_with_2(capsys, tmp_path):
    broken = write_folder(tmp_path / "shop", with_change(SHOP, "paid.csv", "60", "sixty"))
    assert main(["check", str(broken)]) == 2
    assert "paid.csv:2: count 'sixty' is not a number" in capsys.readouterr().err


def test_a_scenario_without_contradictions_is_runnable(capsys, tmp_path):
    for name, files in (("shop", SHOP), ("village", VILLAGE)):
        found = check(capsys, write_folder(tmp_path / name, files))
        assert [f for f in found["findings"] if f["outcome"] != "noted"] == []


def test_nonzero_cells_that_a_rule_forbids_are_told_with_their_line(capsys, tmp_path):
    rules = (
        SHOP["scenario.yaml"]
        .replace("then: price < 400", "then: items < 5")
        .replace(
            "  paid:\n    entity: order\n    variables: [paid]",
            "  paid:\n    entity: order\n    variables: [paid, items]",
        )
    )
    files = {**SHOP, "scenario.yaml": rules}
    files["paid.csv"] = "paid,items,count\nby card,1-4,30\nby card,5+,30\nin cash,1-4,35\nin cash,5+,5\n"
    (found,) = (
        f for f in check(capsys, write_folder(tmp_path / "shop", files))["findings"] if f["kind"] == "forbidden"
    )

    assert (found["records"], found["at"], found["policy"]) == (5, ["paid.csv:5"], "nearest")


def test_pairs_that_no_table_speaks_of_are_told(capsys, defects):
    assert main(["check", str(defects)]) == 0
    printed = capsys.readouterr().out
    assert "\nevidence: " in printed
    assert "; no table speaks of household.size × person.sex, " in printed

    pairs = {(p["one"], p["other"]): p["evidence"] for p in check(capsys, defects)["evidence"]["pairs"]}
    assert pairs["person.sex", "person.race"] == "prior only"
    assert pairs["household.bg", "person.race"] == "controlled"
