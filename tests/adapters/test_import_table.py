"""A plain CSV becomes a target table: of a new scenario, or of one that is there and otherwise stays as it is."""

import re

import pytest

from adapters.import_table import TableOptions, import_table
from adapters.scenario_files import read_scenario
from schemas.errors import UserError
from tests.adapters.examples import VILLAGE, write_folder

AGES = 'county,Age,persons,error\n01,0-17,"1,500",90\n01,18+,4500,\n02,0-17,900,70\n02,18+,3100,120\n'


@pytest.fixture
def bring(tmp_path):
    """Imports a CSV text into `town`."""

    def do(text, folder="town", **options):
        path = tmp_path / "ages.csv"
        path.write_text(text, encoding="utf-8")
        return import_table(path, TableOptions(**options), tmp_path / folder)

    return do


def test_new_scenario_of_one_table(bring):
    draft, scenario = bring(AGES, entity="person", variables=("Age",), zone="county", value="persons", moe="error")
    (table,) = scenario.tables
    assert (scenario.root.name, table.name, table.zone_level, table.axes[0].labels) == (
        "person",
        "ages",
        "county",
        ("0-17", "18+"),
    )
    assert table.target.tolist() == [[1500, 4500], [900, 3100]]
    assert table.moe[1].tolist() == [70, 120]
    assert (scenario.root.find("age").low, scenario.root.find("age").high) == (0, 99)
    assert 'state it with --range "Age=0:99"' in draft.findings[0].text


def test_range_is_the_users(bring):
    _, scenario = bring(
        AGES, entity="person", variables=("Age",), zone="county", value="persons", ranges={"Age": (0, 110)}
    )
    assert scenario.root.find("age").high == 110


def test_text_is_a_category_and_shares_stay_shares(bring):
    _, scenario = bring("tenure,share\nowned,0.6\nrented,0.4\n", entity="home", variables=("tenure",), measure="share")
    assert scenario.root.find("tenure").categories == ("owned", "rented")
    assert scenario.tables[0].measure == "share"


def test_table_is_added_and_comments_stay(bring, tmp_path):
    commented = {**VILLAGE, "scenario.yaml": VILLAGE["scenario.yaml"].replace("name: village", "name: village  # ours")}
    write_folder(tmp_path / "town", commented)
    before = read_scenario(tmp_path / "town")
    _, scenario = bring(
        "sex,school,count\nfemale,yes,7\nfemale,no,5\nmale,yes,6\nmale,no,4\n",
        entity="person",
        variables=("sex", "school"),
        name="schooling",
        source="census",
    )
    assert [table.name for table in scenario.tables] == [*(table.name for table in before.tables), "schooling"]
    assert scenario.member.find("school").categories == ("yes", "no")
    again = read_scenario(tmp_path / "town")
    assert again.fingerprint == scenario.fingerprint
    text = (tmp_path / "town" / "scenario.yaml").read_text(encoding="utf-8")
    assert text.startswith("name: village  # ours\n")
    assert "  adults: {type: integer, range: [0, 4], value: count(person.age >= 18)}\n" in text


def test_members_can_be_added_to_a_flat_scenario(bring):
    bring("size,count\n1,5\n2,6\n", entity="household", variables=("size",), name="sizes")
    _, scenario = bring("sex,count\nf,9\nm,8\n", entity="person", variables=("sex",), parent="household", count="size")
    assert scenario.member.count == "size"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variables": ("ag",)}, r"--variables ag: no such column .*did you mean 'Age'|expected one of"),
        ({"value": "person"}, r"--value person: no such column .*did you mean 'persons'"),
        ({"value": "persons", "zone": "state"}, r"--zone state: no such column"),
        (
            {"value": "persons", "zone": "county", "entity": "persn"},
            r"--entity persn: no entity of .*did you mean 'person'",
        ),
        ({"value": "persons", "zone": "county", "name": "size"}, r"has a table 'size' already"),
        ({"value": "persons", "zone": "county", "source": "sensus"}, r"--source sensus: .*did you mean 'census'"),
        ({"value": "persons", "measure": "counts"}, r"--measure counts: expected count, share or percent"),
        ({"value": "Age"}, r"ages.csv:2: Age is '0-17', expected a number"),
        ({"value": "persons", "zone": "county"}, r"ages.csv:1: no rows for county '03'"),
    ],
)
def test_mistakes_leave_the_scenario_as_it_was(bring, tmp_path, options, message):
    write_folder(tmp_path / "town", VILLAGE)
    before = {path: path.read_bytes() for path in (tmp_path / "town").rglob("*") if path.is_file()}
    with pytest.raises(UserError) as caught:
        bring(AGES, **{"entity": "person", "variables": ("Age",)} | options)
    assert re.search(message, str(caught.value))
    assert {path: path.read_bytes() for path in (tmp_path / "town").rglob("*") if path.is_file()} == before


def test_tolerance_is_of_records_or_of_shares(bring):
    counted = {"entity": "person", "variables": ("Age",), "zone": "county", "value": "persons"}
    assert bring(AGES, **counted, tolerance=2)[1].tables[0].tolerance.value == 2
    shares = "tenure,share\nowned,0.6\nrented,0.4\n"
    found = bring(shares, "homes", entity="home", variables=("tenure",), measure="share", tolerance=0.01)[1]
    assert (found.tables[0].tolerance.kind, found.tables[0].tolerance.value) == ("share_tvd", 0.01)
    with pytest.raises(UserError, match="--tolerance 2: expected 0 or more, and at most 1"):
        bring(shares, "other", entity="home", variables=("tenure",), measure="share", tolerance=2)
    with pytest.raises(UserError, match="--tolerance nan: expected 0 or more"):
        bring(AGES, "other", **counted, tolerance=float("nan"))


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("Age;Persons\n0 to 17 years;1,500\n18 years and over;4500\nTotal;6000\n", {"value": "Persons"}),
        ("Age\tPersons\nunder 18\t1500\n18 and older\t4500\n", {"value": "Persons"}),
        ("Age,Persons\n0-17,1500\n18+,4500\nEverybody,6000\n", {"value": "Persons", "totals": ("Everybody",)}),
    ],
)
def test_separators_totals_and_words_of_offices_are_read(bring, text, options):
    draft, scenario = bring(text, entity="person", variables=("Age",), ranges={"Age": (0, 99)}, **options)
    assert scenario.tables[0].target.tolist() == [[1500, 4500]]
    assert [finding.kind for finding in draft.findings] == ["left out"] * ("6000" in text)


def test_a_total_that_its_parts_miss_is_doubtful(bring):
    text = "Age,Sex,Persons\n0-17,female,700\n0-17,male,800\n0-17,Total,1600\nAll,Total,1600\n"
    draft, scenario = bring(text, entity="person", variables=("Age", "Sex"), value="Persons")
    assert scenario.tables[0].target.tolist() == [[[700, 800]]]
    assert [str(finding).partition(" (/")[0] for finding in draft.findings] == [
        "doubtful: Sex: 2 rows of Total; its parts add up to 1,500, not 1,600",
    ]


def test_categories_across_become_a_variable(bring):
    text = "Age,Female,Male,Total\n0-17,700,800,1500\n18+,2100,2400,4500\n"
    options = {"entity": "person", "variables": ("Age",), "value": "Persons", "across": "Sex"}
    draft, scenario = bring(text, **options)
    assert [axis.labels for axis in scenario.tables[0].axes] == [("0-17", "18+"), ("Female", "Male")]
    assert scenario.tables[0].target.tolist() == [[[700, 800], [2100, 2400]]]
    assert "2 rows of Total, which its parts add up to" in str(draft.findings[0])
    for wrong, message in (({"across": "Age"}, "--across Age: expected a name"), ({"moe": "m"}, "expected no --moe")):
        with pytest.raises(UserError, match=message):
            bring(text, "other", **{**options, **wrong})


def test_percentages_become_shares(bring):
    text = "county,tenure,percent\n01,owned,66.7%\n01,rented,33.4%\n02,owned,50\n02,rented,50\n"
    options = {"entity": "home", "variables": ("tenure",), "measure": "percent", "zone": "county"}
    draft, scenario = bring(text, **options)
    assert scenario.tables[0].target[1].tolist() == [0.5, 0.5]
    assert "percentages are rounded: may be missed by a TVD of 0.0005" in str(draft.findings[0])
    assert scenario.tables[0].tolerance.value == 0.0005
    with pytest.raises(UserError, match=r"ages.csv:1: percentages sum to 90 in 02, expected 100"):
        bring(text.replace("02,owned,50", "02,owned,40"), "other", **options)


def test_a_mistake_is_placed_in_the_users_file(bring):
    counted = {"entity": "person", "variables": ("Age",), "zone": "county", "value": "persons"}
    bring(AGES, **counted)
    with pytest.raises(UserError, match=r"ages.csv:3: .*cannot read bin 'many'") as caught:
        bring(AGES.replace("18+", "many"), **counted, name="again")
    assert "targets" not in str(caught.value)
