"""Good scenarios are read as their authors mean them, whatever form the files have."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from adapters.scenario_files import read_scenario
from schemas.expression import Compare, Constant
from schemas.model import Tolerance
from tests.adapters.examples import SHOP, VILLAGE, with_change, write_folder

ROOT = Path(__file__).resolve().parents[2]
NORTH_AND_SOUTH = "state,age,share\nnorth,{0},0.2\nnorth,{1},0.8\nsouth,{0},0.3\nsouth,{1},0.7\n"


def read(folder, files):
    return read_scenario(write_folder(folder, files))


def table(scenario, name):
    (found,) = [table for table in scenario.tables if table.name == name]
    return found


def same(one, other):
    """Whether two scenarios say the same, apart from their fingerprints."""
    assert [t.name for t in one.tables] == [t.name for t in other.tables]
    for ours, theirs in zip(one.tables, other.tables, strict=True):
        np.testing.assert_array_equal(ours.target, theirs.target)
        assert [axis.labels for axis in ours.axes] == [axis.labels for axis in theirs.axes]
    return (one.root, one.member, one.rules, one.size) == (other.root, other.member, other.rules, other.size)


def test_flat_scenario_is_read(tmp_path):
    shop = read(tmp_path, SHOP)
    assert [v.name for v in shop.root.all_variables] == ["paid", "items", "price", "is_big"]
    assert shop.root.find("items").prior_weights == (2, 1, 0, 0, 0, 0, 0, 0, 0)
    assert shop.root.find("is_big").categories == ("big", "small")
    assert (shop.member, shop.zones, shop.size, shop.title) == (None, None, 100, "shop")
    np.testing.assert_array_equal(table(shop, "paid").target, [[60, 40]])
    assert shop.rules[0].text == 'when paid == "in cash" then price < 400'


def test_nested_scenario_is_read(tmp_path):
    village = read(tmp_path, VILLAGE)
    assert (village.member.name, village.member.parent, village.member.count) == ("person", "household", "size")
    assert [v.name for v in village.root.all_variables] == [
        "county",
        "size",
        "tenure",
        "rent",
        "adults",
        "rent_per_head",
    ]
    assert table(village, "age").tolerance == Tolerance("share_tvd", 0.005)
    assert table(village, "size").tolerance == Tolerance("records", 0)
    assert village.sources["census"]["vintage"] == "2020"


def test_zone_levels_come_from_the_crosswalk_without_its_labels(tmp_path):
    zones = read(tmp_path, VILLAGE).zones
    assert zones.levels == ("county", "state")
    assert zones.names == {"county": ("01", "02", "03"), "state": ("north", "south")}
    np.testing.assert_array_equal(zones.lookup["state"], [0, 0, 1])
    assert zones.partition_by == "county"


def test_table_may_be_of_a_coarser_zone_level(tmp_path):
    age = table(read(tmp_path, VILLAGE), "age")
    assert (age.zone_level, age.units) == ("state", 2)
    np.testing.assert_allclose(age.target, [[0.25, 0.75], [0.3, 0.7]])


def test_shares_the_same_in_every_zone_are_repeated(tmp_path):
    tenure = table(read(tmp_path, VILLAGE), "tenure")
    np.testing.assert_allclose(tenure.target, [[0.6, 0.4]] * 3)


def test_universe_is_parsed_and_kept_as_text(tmp_path):
    tenure = table(read(tmp_path, VILLAGE), "tenure")
    assert tenure.universe_text == "size >= 2"
    assert isinstance(tenure.universe, Compare)
    assert tenure.universe.right == Constant(2.0)


def test_table_with_a_universe_need_not_cover_the_range(tmp_path):
    files = with_change(VILLAGE, "scenario.yaml", "variables: [tenure]", "variables: [size]")
    sizes = read(tmp_path, files | {"targets/tenure.csv": "size,share\n2,0.5\n3,0.3\n4,0.2\n"})
    np.testing.assert_array_equal(table(sizes, "tenure").axes[0].lows, [2, 3, 4])


@pytest.mark.parametrize(
    ("young", "old"),
    [
        ("under 18", "18+"),
        ("<18", "18 or more"),
        ("less than 18", "18 and over"),
        ("0-17", "18-99"),
        ("0 to 17", "18 – 99"),
        ('"[0, 18)"', '"[18, 100)"'),
        ('"[0,17]"', '"[ 18 , 99 ]"'),
    ],
)
def test_classes_of_an_integer_may_be_written_in_many_ways(tmp_path, young, old):
    (axis,) = table(read(tmp_path, VILLAGE | {"targets/age.csv": NORTH_AND_SOUTH.format(young, old)}), "age").axes
    np.testing.assert_array_equal(axis.lows, [0, 18])
    np.testing.assert_array_equal(axis.highs, [18, 100])


@pytest.mark.parametrize(
    ("cheap", "dear"), [("<99.5", "99.5+"), ('"[0, 99.5)"', '"[99.5, 5e2)"'), ("under 99.5", "99.5 or more")]
)
def test_classes_of_a_number_are_half_open_and_close_at_its_range(tmp_path, cheap, dear):
    files = SHOP | {"items_price.csv": f"items,price,share\n1+,{cheap},0.5\n1+,{dear},0.5\n"}
    _, axis = table(read(tmp_path, files), "items_price").axes
    np.testing.assert_array_equal(axis.lows, [0, 99.5])
    np.testing.assert_array_equal(axis.highs, [99.5, 500])


def test_cells_of_a_joint_that_are_not_listed_are_zero(tmp_path):
    files = SHOP | {"items_price.csv": "price,items,share\n100+,5+,0.5\n<100,1-4,0.5\n"}
    joint = table(read(tmp_path, files), "items_price")
    np.testing.assert_array_equal(joint.target, [[[0.5, 0], [0, 0.5]]])


def test_shares_rounded_by_their_publisher_are_made_to_sum_to_one(tmp_path):
    files = VILLAGE | {"targets/tenure.csv": "tenure,share\nowned,0.6\nrented,0.4009\n"}
    assert table(read(tmp_path, files), "tenure").target.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-15)


def test_margin_of_error_may_be_left_out_cell_by_cell(tmp_path):
    paid = table(read(tmp_path, SHOP | {"paid.csv": "moe,paid,count\n,in cash,40\n2.5,by card,60\n"}), "paid")
    np.testing.assert_array_equal(paid.moe, [[2.5, np.nan]])
    np.testing.assert_array_equal(paid.target, [[60, 40]])


@pytest.mark.parametrize(
    "rewrite",
    [
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(lambda text: "\ufeff" + text.replace("\n", "\r\n"), id="both"),
        pytest.param(lambda text: text.rstrip("\n"), id="no line end at the end"),
        pytest.param(lambda text: text + "\n\n", id="blank lines at the end"),
    ],
)
@pytest.mark.parametrize("files", [SHOP, VILLAGE], ids=["shop", "village"])
def test_files_as_other_editors_save_them_are_fine(tmp_path, files, rewrite):
    saved = read(tmp_path / "saved", {name: rewrite(text) for name, text in files.items()})
    assert same(saved, read(tmp_path / "plain", files))


def test_blanks_around_cells_and_quotes_do_not_matter(tmp_path):
    files = SHOP | {"paid.csv": ' paid , count\n "by card",60\n\n in cash,  40 \n'}
    assert same(read(tmp_path / "blanks", files), read(tmp_path / "plain", SHOP))


def test_text_of_any_language_is_read(tmp_path):
    files = {name: text.replace("in cash", "в готівці 現金") for name, text in SHOP.items()}
    assert read(tmp_path, files).root.find("paid").categories == ("by card", "в готівці 現金")


@pytest.mark.parametrize("name", ["paid.parquet", "paid.PARQUET"])
def test_parquet_tables_are_read_like_csv(tmp_path, name):
    plain = write_folder(tmp_path / "csv", SHOP)
    other = write_folder(tmp_path / "parquet", with_change(SHOP, "scenario.yaml", "file: paid.csv", f"file: {name}"))
    pq.write_table(pyarrow.csv.read_csv(plain / "paid.csv"), other / name)
    assert same(read_scenario(other), read_scenario(plain))


def test_parquet_cells_may_be_numbers_and_dictionaries(tmp_path):
    folder = write_folder(tmp_path, with_change(VILLAGE, "scenario.yaml", "targets/size.csv", "size.parquet"))
    county = pa.array(["01", "02", "03"]).dictionary_encode().take(pa.array([0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2]))
    size = pa.array([1, 2, 1, 2, 1, 2, 3, 3, 3, 4, 4, 4])
    pq.write_table(
        pa.table({"county": county, "size": size, "count": pa.array(range(12), pa.float32())}), folder / "size.parquet"
    )
    np.testing.assert_array_equal(
        table(read_scenario(folder), "size").target, [[0, 1, 6, 9], [2, 3, 7, 10], [4, 5, 8, 11]]
    )


@pytest.mark.parametrize("files", [SHOP, VILLAGE], ids=["shop", "village"])
def test_fingerprint_changes_with_every_input_and_with_nothing_else(tmp_path, files):
    folder = write_folder(tmp_path, files)
    before = read_scenario(folder).fingerprint
    (folder / "notes.txt").write_text("not an input", encoding="utf-8")
    assert read_scenario(folder).fingerprint == before
    seen = {before}
    for name in files:
        write_folder(folder, files | {name: files[name] + "\n"})
        seen.add(read_scenario(folder).fingerprint)
    assert len(seen) == 1 + len(files)
    assert read_scenario(write_folder(folder, files)).fingerprint == before


def test_fingerprint_does_not_depend_on_the_folder(tmp_path):
    assert read(tmp_path / "a", SHOP).fingerprint == read(tmp_path / "b" / "c", SHOP).fingerprint


@pytest.mark.parametrize(("name", "tables", "zones"), [("vermont", 12, 14), ("ecommerce", 9, None)])
def test_shipped_scenario_is_read(name, tables, zones):
    scenario = read_scenario(ROOT / "scenarios" / name)
    assert (scenario.name, len(scenario.tables)) == (name, tables)
    assert zones is None or len(scenario.zones.names["county"]) == zones
    assert all(table.target.sum() > 0 for table in scenario.tables)


def test_crosswalk_of_many_zones_is_read_soon(tmp_path):
    zones = [f"{i:05d}" for i in range(20_000)]
    crosswalk = "county,state\n" + "".join(f"{zone},s{zone[:3]}\n" for zone in zones)
    sizes = "county,size,count\n" + "".join(f"{zone},1+,3\n" for zone in zones)
    ages = "state,age,share\n" + "".join(f"s{i:03d},0+,1\n" for i in range(200))
    village = read(tmp_path, VILLAGE | {"zones.csv": crosswalk, "targets/size.csv": sizes, "targets/age.csv": ages})
    assert table(village, "size").target.sum() == 60_000
