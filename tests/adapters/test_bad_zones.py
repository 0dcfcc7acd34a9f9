"""What the author of broken zones is told."""

import pytest

from adapters.scenario_files import read_scenario
from tests.adapters.examples import VILLAGE, refusal, with_change, write_folder

ZONES = {
    "crosswalk missing": (
        "crosswalk: zones.csv",
        "crosswalk: zone.csv",
        "scenario.yaml:24: zones.crosswalk: no such file: 'zone.csv' (did you mean 'zones.csv'?)",
    ),
    "zone variable not in the crosswalk": (
        "variable: county",
        "variable: country",
        "zones.csv:1: missing column 'country', expected the zone variable",
    ),
    "sizes from a table that cannot set them": (
        "zones:\n  variable",
        "reconcile: {sizes_from: age}\nzones:\n  variable",
        "scenario.yaml:22: reconcile.sizes_from: expected a table that counts all household records by county, "
        "got 'age' (expected one of: size)",
    ),
    "zone variable reserved": (
        "variable: county",
        "variable: person_id",
        "scenario.yaml:23: zones.variable: this name is reserved for record ids",
    ),
    "partition level unknown": (
        "crosswalk: zones.csv",
        "crosswalk: zones.csv\n  partition_by: region",
        "scenario.yaml:25: zones.partition_by: unknown level 'region' (expected one of: county, state)",
    ),
    "zone level unknown": (
        "zone: state",
        "zone: stat",
        "scenario.yaml:36: targets.age.zone: unknown zone level 'stat' (did you mean 'state'?)",
    ),
    "zone level is a label": (
        "zone: state",
        "zone: county_name",
        "scenario.yaml:36: targets.age.zone: unknown zone level 'county_name' (did you mean 'county'?)",
    ),
    "zone among variables": (
        "    variables: [age]",
        "    variables: [age, state]",
        "scenario.yaml:35: targets.age.variables.1: 'state' is a zone level, expected it as zone",
    ),
    "zone variable among variables": (
        "    variables: [size]",
        "    variables: [size, county]",
        "scenario.yaml:28: targets.size.variables.1: 'county' is the table's zone already",
    ),
    "same everywhere without a zone": (
        "    zone: county\n    same_in",
        "    same_in",
        "scenario.yaml:42: targets.tenure.same_in_every_zone: expected a zone level and measure: share",
    ),
    "counts the same everywhere": (
        "    universe: size >= 2\n    file: targets/tenure.csv\n    measure: share",
        "    file: targets/tenure.csv\n    measure: count",
        "scenario.yaml:43: targets.tenure.same_in_every_zone: expected a zone level and measure: share",
    ),
    "source mistyped": (
        "source: census",
        "source: sensus",
        "scenario.yaml:32: targets.size.source: unknown source 'sensus' (did you mean 'census'?)",
    ),
    "member variable in a root table": (
        "variables: [tenure]",
        "variables: [tenure, sex]",
        (
            "scenario.yaml:41: targets.tenure.variables.1: 'sex' is a variable of person, expected a "
            "variable of household"
        ),
    ),
}

ROWS = {
    "zone repeated": ("zones.csv", "02,Birch", "01,Birch", "zones.csv:3: zone '01' appears twice, first on line 2"),
    "zone with a slash": ("zones.csv", "02,Birch", "a/b,Birch", "zones.csv:3: 'a/b' is not usable as a zone name"),
    "zone without a name": ("zones.csv", "02,Birch", ",Birch", "zones.csv:3: '' is not usable as a zone name"),
    "zone without its level": ("zones.csv", "Birch,north", "Birch,", "zones.csv:3: zone '02' has no state"),
    "level not usable": (
        "zones.csv",
        "county_name,state",
        "county_name,State",
        (
            "zones.csv:1: column 'State' is not usable as a zone level: expected a name of lower-case "
            "letters, digits and _ (labels: a column that ends in _name)"
        ),
    ),
    "level named like a table's column": (
        "zones.csv",
        "county_name,state",
        "county_name,count",
        (
            "zones.csv:1: column 'count' is not usable as a zone level: this name is reserved for target "
            "tables, whose columns are called count, share, moe"
        ),
    ),
    "zone variable in capitals": (
        "zones.csv",
        "county,county_name",
        "County,county_name",
        "zones.csv:1: missing column 'county', expected the zone variable",
    ),
    "zone missing": (
        "targets/size.csv",
        "03,1,9\n03,2+,4\n",
        "",
        "targets/size.csv:1: no rows for county '03', expected every unit of the crosswalk",
    ),
    "zones missing": (
        "targets/size.csv",
        "02,1,6\n02,2+,8\n03,1,9\n03,2+,4\n",
        "",
        "targets/size.csv:1: no rows for county '02' and 1 more, expected every unit of the crosswalk",
    ),
    "zone without its zero": (
        "targets/size.csv",
        "03,1,9",
        "3,1,9",
        "targets/size.csv:6: '3' is no unit of county in the crosswalk (did you mean '03'?)",
    ),
    "column of another level": (
        "targets/size.csv",
        "county,size",
        "state,size",
        (
            "targets/size.csv:1: missing column 'county', expected: county, size, count (and optionally "
            "moe), got: state, size, count"
        ),
    ),
    "shares of one zone": (
        "targets/age.csv",
        "south,18+,0.7",
        "south,18+,0.6",
        "targets/age.csv:4: shares of state 'south' sum to 0.9, expected 1",
    ),
    "zone unknown": (
        "targets/age.csv",
        "south,18+,0.7",
        "west,18+,0.7",
        "targets/age.csv:5: 'west' is no unit of state in the crosswalk (expected one of: north, south)",
    ),
    "shares of every zone": (
        "targets/tenure.csv",
        "rented,0.4",
        "rented,0.3",
        "targets/tenure.csv:1: shares sum to 0.9, expected 1",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), ZONES.values(), ids=ZONES)
def test_broken_zones_are_refused(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(VILLAGE, "scenario.yaml", old, new))) == message


@pytest.mark.parametrize(("name", "old", "new", "message"), ROWS.values(), ids=ROWS)
def test_broken_zone_rows_are_located_by_line(tmp_path, name, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(VILLAGE, name, old, new))) == message


def test_a_row_that_repeats_another_is_read_once_and_remarked(tmp_path):
    rows = VILLAGE["zones.csv"] + "02,Birch,north\n01,Ash,north\n"
    zones = read_scenario(write_folder(tmp_path, {**VILLAGE, "zones.csv": rows})).zones

    assert zones.names["county"] == ("01", "02", "03")
    assert [(remark.what, remark.lines) for remark in zones.remarks] == [
        ("2 rows repeat others as they are: read once", (5, 6))
    ]
