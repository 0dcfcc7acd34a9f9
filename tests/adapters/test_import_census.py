"""Census tables become target tables with margins of error, whatever layout they come in."""

import json
import math
import re

import numpy as np
import pytest

from adapters.import_census import CensusOptions, draft_census
from adapters.scenario_writer import write_scenario
from schemas.errors import UserError
from synthesis.aims import build_aims
from tests.adapters.census_examples import B01001, B01001_GROUP, B08301_EXPORT, B19001

CSV, API, GROUP, EXPORT = "ACSDT5Y2022.B19001-Data.csv", "b01001.json", "group.json", "ACSDT5Y2022.B08301.csv"
FILES = {CSV: B19001, API: json.dumps(B01001), GROUP: json.dumps(B01001_GROUP), EXPORT: B08301_EXPORT}


@pytest.fixture
def import_tables(tmp_path):
    """Imports some of the files, or changed ones: the draft and the scenario read back."""

    def do(*names, texts=FILES, **options):
        for name in names:
            (tmp_path / name).write_text(texts[name], encoding="utf-8")
        out = tmp_path / "town"
        draft = draft_census([tmp_path / name for name in names], CensusOptions(**options), out)
        return draft, write_scenario(draft, out)

    return do


def refuse(import_tables, *names, **options):
    with pytest.raises(UserError) as caught:
        import_tables(*names, **options)
    return str(caught.value)


def told(draft, kind):
    return " ".join(f"{finding.subject}: {finding.text}" for finding in draft.findings if finding.kind == kind)


def test_csv_with_labels_is_a_table_of_bins_with_margins(import_tables):
    draft, scenario = import_tables(CSV)
    (table,) = scenario.tables
    assert (table.name, table.entity, table.zone_level) == ("b19001", "household", "tract")
    assert table.axes[0].labels == ("0-9999", "10000-49999", "50000+")
    assert table.target.tolist() == [[20, 50, 30], [0, 45, 35], [10, 30, 20]]
    assert np.array_equal(table.moe, [[11, 15, math.nan], [12, 10, 14], [7, 9, 8]], equal_nan=True)
    assert "open class ends at 150,000" in told(draft, "assumed")


def test_zone_without_estimates_is_left_out(import_tables):
    draft, scenario = import_tables(CSV)
    assert scenario.zones.names["tract"] == ("50001960100", "50001960200", "50003970100")
    assert scenario.zones.names["county"] == ("50001", "50003")
    assert "1 tract zones have no estimate in it, 50003970200 for one" in told(draft, "left out")


def test_api_response_takes_its_labels_from_the_group(import_tables):
    _, scenario = import_tables(API, GROUP)
    (table,) = scenario.tables
    assert [(axis.variable, axis.labels) for axis in table.axes] == [
        ("sex", ("Male", "Female")),
        ("age", ("0-17", "18+")),
    ]
    assert table.target[0].tolist() == [[90, 110], [95, 105]]
    assert np.array_equal(table.moe[0], [[12, math.nan], [math.nan, 13]], equal_nan=True)


def test_export_by_label_is_read_by_its_indentation(import_tables):
    _, scenario = import_tables(EXPORT)
    (table,) = scenario.tables
    assert table.name == "b08301"
    assert table.axes[0].labels == ("Drove alone", "Carpooled", "Walked", "Worked from home")
    assert table.target.ravel().tolist() == [900, 100, 150, 50]
    assert table.moe.ravel().tolist() == [70, 30, 25, 12]
    assert scenario.zones is None


def test_households_and_persons_at_two_levels_are_one_nested_scenario(import_tables):
    draft, scenario = import_tables(CSV, API, GROUP)
    assert (scenario.root.name, scenario.member.name, scenario.member.count) == (
        "household",
        "person",
        "household_size",
    )
    assert [(table.name, table.zone_level) for table in scenario.tables] == [("b19001", "tract"), ("b01001", "county")]
    assert build_aims(scenario, None).zone_sizes.tolist() == [100, 80, 60]
    assert "household_size: no table tells it" in told(draft, "assumed")


def test_controlled_estimates_have_no_error(import_tables):
    texts = FILES | {CSV: B19001.replace('"20","11"', '"20","*****"')}
    assert import_tables(CSV, texts=texts)[1].tables[0].moe[0, 0] == 0


def test_parts_that_miss_their_total_are_told(import_tables):
    draft, _ = import_tables(CSV, texts=FILES | {CSV: B19001.replace('"80","9"', '"85","9"')})
    assert "Total: parts miss it in 1 zones, by 5 at most" in told(draft, "doubtful")


def test_table_of_some_gets_a_category_for_the_others(import_tables, tmp_path):
    workers = [["NAME", "B08301_001E", "B08301_002E", "B08301_003E", "state", "county"]]
    workers += [["Ash", "200", "150", "50", "50", "001"], ["Birch", "70", "50", "20", "50", "003"]]
    labels = {"B08301_001E": "Total:", "B08301_002E": "Total:!!Car", "B08301_003E": "Total:!!Walked"}
    group = {"variables": {name: {"label": f"Estimate!!{label}"} for name, label in labels.items()}}
    texts = FILES | {"w.json": json.dumps(workers), "wg.json": json.dumps(group)}
    draft, scenario = import_tables(API, GROUP, "w.json", "wg.json", texts=texts, names={"B08301": ("commute",)})
    assert scenario.root.find("commute").categories == ("Car", "Walked", "not applicable")
    assert scenario.tables[1].universe_text == 'commute != "not applicable"'
    assert "counts 270 of 550 persons" in told(draft, "assumed")


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        ((API,), {}, r"b01001.json:1: no label for B01001_001E: give the API's groups/B01001.json"),
        ((GROUP,), {}, r"holds labels only"),
        ((CSV,), {"entities": {"B1900": "household"}}, r"--entity B1900: no such table .*did you mean 'B19001'"),
        ((CSV,), {"entities": {"B19001": "home"}}, r"expected household or person"),
        ((CSV,), {"names": {"B19001": ("a", "b")}}, r"2 names, expected 1: Less than \$10,000"),
        ((CSV, EXPORT), {}, r"tables by place and by tract|tables by tract and by place"),
    ],
)
def test_what_is_missing_is_asked_for(import_tables, names, options, message):
    assert re.search(message, refuse(import_tables, *names, **options))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"20","11"', '"twenty","11"', r"B19001-Data.csv:3: B19001_002E is 'twenty'"),
        ('"20","11"', '"20","-5"', r"B19001-Data.csv:3: the margin of B19001_002E is '-5'"),
        ("1400000US50001960100", "50001960100", r"B19001-Data.csv:3: GEO_ID '50001960100', expected one such as"),
        ("1400000US50001960100", "0500000US50001", r"zones of several levels \(county, tract\)"),
        ('"20","11",', '"20",', r"B19001-Data.csv:3: row has 10 fields, expected 11"),
        ("B19001_", "S1901_C01_", r"a subject or profile table mixes counts, percentages"),
        ("B19001_", "X_", r"no column such as B19001_001E"),
    ],
)
def test_unreadable_tables_are_one_line_with_their_place(import_tables, old, new, message):
    assert re.search(message, refuse(import_tables, CSV, texts=FILES | {CSV: B19001.replace(old, new)}))


def test_half_a_surrogate_pair_is_no_character(import_tables):
    texts = {**FILES, GROUP: FILES[GROUP].replace("Estimate", "Estim\\ud800ate")}
    assert r"\ud800" in texts[GROUP]
    assert "group.json: not readable as JSON" in refuse(import_tables, API, GROUP, texts=texts)
