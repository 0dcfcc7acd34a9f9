"""A PopulationSim folder becomes a scenario that reads back, with its counts unchanged and its defects told."""

import csv
import re

import pytest

from adapters.import_populationsim import ImportOptions, draft_populationsim, with_importances
from adapters.scenario_files import read_scenario
from adapters.scenario_writer import write_scenario
from schemas.errors import UserError
from schemas.scenario import TargetSpec
from synthesis.aims import build_aims
from tests.adapters.examples import with_change, write_folder
from tests.adapters.populationsim_examples import CROSSWALK, REGION, SETTINGS, TAZ, TOWN, TRACT


@pytest.fixture
def import_town(tmp_path):
    """Imports the town, or a changed one: the draft and the scenario read back."""

    def do(files=TOWN, **options):
        folder = write_folder(tmp_path / "inputs", files)
        draft = draft_populationsim(folder, ImportOptions(**options))
        return draft, write_scenario(draft, tmp_path / "town")

    return do


def refuse(tmp_path, files, **options):
    """What a user is told, without the folder."""
    folder = write_folder(tmp_path / "inputs", files)
    with pytest.raises(UserError) as caught:
        draft_populationsim(folder, ImportOptions(**options))
    return str(caught.value).replace(f"{folder}/", "").replace(str(folder), "inputs")


def told(draft, kind):
    found = {}
    for finding in draft.findings:
        if finding.kind == kind:
            found[finding.subject] = f"{found.get(finding.subject, '')}{finding.text}; "
    return {subject: text.removesuffix("; ") for subject, text in found.items()}


def table(scenario, name):
    return next(table for table in scenario.tables if table.name == name)


def cells(folder, name):
    with (folder / "targets" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {(row[0], row[1]): float(row[2]) for row in list(csv.reader(file))[1:]}


def test_sibling_controls_become_one_table_each(import_town):
    _, scenario = import_town()
    held = {table.name: (table.entity, table.zone_level, table.axes[0].labels) for table in scenario.tables}
    assert held == {
        "num_hh": ("household", "taz", ("all",)),
        "np": ("household", "taz", ("1", "2", "3+")),
        "hincp": ("household", "taz", ("0-25000", "25001-50000", "50001-75000", "75001+")),
        "veh_np_adults": ("household", "tract", ("no veh", "enough veh", "few veh")),
        "hupac": ("household", "tract", ("no children", "children")),
        "agep": ("person", "tract", ("0-17", "18-64", "65+")),
        "rac1p": ("person", "tract", ("white", "asian", "other")),
        "wkhp": ("person", "region", ("part", "full", "not counted")),
    }


def test_counts_are_those_of_the_files(import_town, tmp_path):
    import_town()
    rows = list(csv.DictReader(TAZ.splitlines()))
    for row in rows:
        held = [cells(tmp_path / "town", "np")[row["TAZ"], size] for size in ("1", "2", "3+")]
        assert held == [float(row[name]) for name in ("SIZE1", "SIZE2", "SIZE3")]
    assert cells(tmp_path / "town", "rac1p")["0200", "asian"] == 1


def test_scenario_has_aims_without_reconciliation(import_town):
    aims = build_aims(import_town()[1], None)
    assert aims.zone_sizes.tolist() == [5, 6, 4, 5]
    assert aims.reconciliations == ()


def test_typo_and_overlap_are_repaired_and_told(import_town):
    repaired = told(import_town()[0], "repaired")
    assert repaired["hh_inc_more"].endswith("a typo, read as 50,001 to 75,000")
    assert "the first that holds" in repaired["hh_no_veh, hh_enough_veh, hh_few_veh"]


def test_what_the_files_do_not_tell_is_an_assumption(import_town):
    draft, scenario = import_town()
    assumed = told(draft, "assumed")
    assert "count(person.agep >= 18)" in assumed["households.NP_ADULTS"]
    assert "open class ends at 7" in assumed["households.NP"]
    assert "importer's assumption" in scenario.root.find("np").description
    assert draft.document["sources"]["importer"]["title"] == "importer's assumption, not a published figure"


def test_rest_of_a_members_table_is_total_minus_classes(import_town, tmp_path):
    draft, _ = import_town()
    assert cells(tmp_path / "town", "wkhp") == {("1", "part"): 8, ("1", "full"): 18, ("1", "not counted"): 24}
    assert "count 26 of 50 persons" in told(draft, "noted")["p_full, p_part"]


def test_notes_in_the_scenario_hold_every_finding(import_town, tmp_path):
    draft, _ = import_town()
    notes = (tmp_path / "town" / "IMPORT.md").read_text(encoding="utf-8")
    assert all(finding.text in notes for finding in draft.findings)


def test_crosswalk_repeats_are_one_and_zones_without_totals_left_out(import_town):
    draft, scenario = import_town()
    assert scenario.zones.names["taz"] == ("1", "2", "3", "4")
    assert "1 of the crosswalk's 5 zones have no totals, 9 for one" in told(draft, "left out")["TAZ"]
    assert told(draft, "noted")["TAZ"].startswith("1 repeated rows")


@pytest.mark.parametrize("where", [("TRACT", "100"), ("PUMA", "600")])
def test_part_of_the_zones(import_town, where):
    draft, scenario = import_town(where=(where,))
    assert scenario.zones.names["taz"] == ("1", "2")
    assert table(scenario, "agep").target.sum() == 27
    assert "of which only a part was asked for" in told(draft, "left out")["p_full"]


def test_values_of_one_column_are_alternatives(import_town):
    draft, scenario = import_town(where=(("TAZ", "1"), ("TAZ", "4")))
    assert scenario.zones.names["taz"] == ("1", "4")
    assert scenario.member is None  # every table of persons is by tract, and both tracts are cut
    assert "only households are synthesised" in told(draft, "left out")["num_per"]


def test_where_reads_columns_of_the_totals_too(import_town):
    assert import_town(where=(("STATE", "50"),))[1].zones.names["taz"] == ("1", "2", "3", "4")


def test_members_can_bind_counts(import_town):
    _, scenario = import_town(binds_members="count")
    assert table(scenario, "num_per").target.sum() == 50
    assert {t.binds for t in scenario.tables} == {"count"}


def test_tolerance_of_persons_shares_is_assumed(import_town):
    draft, scenario = import_town()
    assert {t.tolerance.value for t in scenario.tables if t.entity == "person"} == {0.02}
    assert any("TVD of 0.02 per zone" in text for text in told(draft, "assumed").values())


def test_tolerance_of_persons_shares_can_be_stated(import_town):
    draft, scenario = import_town(member_tolerance=0.005)
    assert {t.tolerance.value for t in scenario.tables if t.entity == "person"} == {0.005}
    assert not any("TVD of" in text for text in told(draft, "assumed").values())


def test_definition_and_range_are_the_users(import_town):
    _, scenario = import_town(
        ranges={("households", "NP"): (1, 9)}, definitions={("households", "NP_ADULTS"): "count(person.agep >= 21)"}
    )
    assert scenario.root.find("np").high == 9
    assert scenario.root.find("np_adults").expression.argument.right.value == 21


def test_settings_name_files_and_columns(tmp_path):
    files = {
        "configs/settings.yaml": SETTINGS,
        "configs/controls.csv": TOWN["controls.csv"],
        "data/zones.csv": TAZ.replace("TAZ,STATE", "ZONE,STATE"),
        "data/control_totals_TRACT.csv": TRACT,
        "data/meta.csv": REGION,
        "data/cross.csv": CROSSWALK.replace("TRACT", "TRACTCE"),
    }
    draft = draft_populationsim(write_folder(tmp_path / "inputs", files), ImportOptions())
    assert "seed geography was PUMA" in draft.document["description"]
    assert len(draft.document["targets"]) == 8


def test_geography_that_the_crosswalk_calls_otherwise_is_found_by_its_units(import_town):
    draft, scenario = import_town(
        {**TOWN, "geo_cross_walk.csv": CROSSWALK.replace("TRACT", "TRACTCE").replace("5,9,0900,900,1\n", "")}
    )
    assert "its column TRACTCE holds the same units" in told(draft, "assumed")["TRACT"]
    assert scenario.zones.names["tract"] == ("0100", "0200")


def test_unreadable_expression_is_listed_and_the_rest_imported(import_town):
    files = with_change(TOWN, "controls.csv", "persons.WKHP < 35", "persons.WKHP.apply(f) < 35")
    draft, scenario = import_town(files)
    assert "is not an expression known here" in told(draft, "left out")["p_part"]
    assert table(scenario, "wkhp").target.sum() == 50


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("controls.csv", "SIZE1,households", "SIZ1,households", r"control_totals_taz.csv:1: no column 'SIZ1'.*'SIZE1'"),
        ("controls.csv", "hh_size_1,TAZ", "hh_size_1,TAS", r"inputs: no control totals for geography 'TAS'"),
        (
            "controls.csv",
            "p_part,REGION,persons",
            "p_part,REGION,person",
            r"controls.csv:23: unknown seed table 'person'.*'persons'",
        ),
        ("controls.csv", "p_part", "p_full", r"controls.csv:23: target 'p_full' is empty or appears twice"),
        (
            "controls.csv",
            "hh_size_1,TAZ,households,5000",
            "hh_size_1,TAZ,households,x",
            r"controls.csv:4: importance 'x'",
        ),
        ("controls.csv", "control_field", "field", r"controls.csv:1: missing column 'control_field'"),
        ("control_totals_taz.csv", "1,50,5,12,2", "1,50,5,12,-2", r"control_totals_taz.csv:2: SIZE1 is '-2'"),
        ("control_totals_taz.csv", "1,50,5,12,2", "1,50,5,12,", r"control_totals_taz.csv:2: SIZE1 is ''"),
        (
            "control_totals_taz.csv",
            "2,50,6",
            "1,50,6",
            r"control_totals_taz.csv:3: TAZ '1' was given other totals on line 2",
        ),
        (
            "geo_cross_walk.csv",
            "2,2,0100",
            "2,2,0200",
            r"geo_cross_walk.csv:4: TAZ '2' lies in TRACT '0200' here and in '0100' on line 3",
        ),
        ("geo_cross_walk.csv", ",TRACT,", ",TRACKT,", r"no column 'TRACT'.*'TRACKT'"),
        ("control_totals_TRACT.csv", "0200,1", "0300,1", r"TRACT '0200', which TAZ zones lie in, has no totals"),
        ("control_totals_taz.csv", "3,50,4,10", "3,50,4", r"control_totals_taz.csv:4: row has 10 fields, expected 11"),
    ],
)
def test_mistakes_are_one_line_with_their_place(tmp_path, name, old, new, message):
    assert re.search(message, refuse(tmp_path, with_change(TOWN, name, old, new)))


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (("STATES", "50"), r"--where STATES: no such column .*did you mean 'STATE'"),
        (("STATE", "51"), r"--where STATE=51: no zone has this value, expected one of: 50"),
    ],
)
def test_where_that_fits_nothing_names_what_would(tmp_path, where, message):
    assert re.search(message, refuse(tmp_path, TOWN, where=(where,)))


def test_range_of_a_column_that_no_control_uses_is_refused(tmp_path):
    message = refuse(tmp_path, TOWN, ranges={("households", "HINC"): (0, 1)})
    assert message == "households.HINC: no control uses this column (did you mean 'households.HINCP'?)"


def test_folder_without_controls_is_refused(tmp_path):
    files = {name: text for name, text in TOWN.items() if name != "controls.csv"}
    assert "no file 'controls.csv'" in refuse(tmp_path, files)


def test_households_alone_are_a_scenario_without_members(import_town):
    lines = TOWN["controls.csv"].splitlines(keepends=True)
    kept = "".join(line for line in lines if ",persons," not in line and "HUPAC" not in line and "VEH" not in line)
    _, scenario = import_town({**TOWN, "controls.csv": kept})
    assert scenario.member is None
    assert len(scenario.tables) == 3


def test_nothing_is_written_over(tmp_path):
    folder = write_folder(tmp_path / "inputs", TOWN)
    draft = draft_populationsim(folder, ImportOptions())
    write_scenario(draft, tmp_path / "town")
    before = read_scenario(tmp_path / "town").fingerprint
    with pytest.raises(UserError, match="exists and is not empty"):
        write_scenario(draft, tmp_path / "town")
    assert read_scenario(tmp_path / "town").fingerprint == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["inputs", "town"]


def test_importance_is_carried(import_town):
    draft, _ = import_town()
    assert draft.document["targets"]["np"]["note"].endswith("Importance 5000.")
    held = {name: spec.get("importance", 1) for name, spec in draft.document["targets"].items()}
    expected = {"num_hh": 1000, "np": 5, "hincp": 0.5} if "importance" in TargetSpec.model_fields else {}
    assert held == {name: expected.get(name, 1) for name in held}


def test_importances_are_relative_to_the_most_common_one():
    names = {"a": 500.0, "b": 500.0, "c": 1e9}
    targets = {name: {"importance": value, "note": "Controls."} for name, value in names.items()}
    held = with_importances(targets, is_known=True)
    assert [spec.get("importance", 1) for spec in held.values()] == [1, 1, 1_000_000]
    assert held["c"]["note"] == "Controls. Importance 1000000000."
