"""aggregates.parquet: one row per target cell, in the scenario's order, with what it was measured against."""

import numpy as np
import pandas as pd
import pytest

from adapters.aggregates_file import COLUMNS, aggregates_table, write_aggregates
from adapters.scenario_files import read_scenario
from expectations.tolerance import judge_table
from synthesis.aggregates import count_records, no_counts
from synthesis.aims import build_aims
from synthesis.discrepancy import discrepancies
from synthesis.moment_fit import moment_fits
from synthesis.records import Records
from tests.adapters.examples import SHOP, VILLAGE, with_change, write_folder
from tests.strategies import compiled

MARGINS = "county,size,count,moe\n01,1,5,2\n01,2+,7,\n02,1,6,1\n02,2+,8,1\n03,1,9,1\n03,2+,4,1\n"


@pytest.fixture
def village_folder(tmp_path):
    """The village, one of its tables with margins of error."""
    return write_folder(tmp_path / "village", VILLAGE | {"targets/size.csv": MARGINS})


@pytest.fixture
def found(village):
    """Discrepancies: of household sizes one cell is three records short; nobody is of any age; tenure fits."""
    counts = no_counts(village)
    counts["size"][:] = [2, 7, 6, 8, 9, 4]
    counts["tenure"][:] = [6, 4] * 3
    return discrepancies(village, build_aims(village, None), counts)


@pytest.fixture
def frame(village, found, tmp_path):
    """The file, read back."""
    write_aggregates(tmp_path / "aggregates.parquet", village, found)
    return pd.read_parquet(tmp_path / "aggregates.parquet")


def of(frame, table):
    return frame[frame["table"] == table].reset_index(drop=True)


def test_there_is_one_row_per_cell_in_the_scenarios_order(frame, village):
    assert len(frame) == sum(table.cells for table in village.tables)
    assert list(frame["table"].unique()) == [table.name for table in village.tables]
    assert list(of(frame, "size")["zone"]) == ["01", "01", "02", "02", "03", "03"]
    assert list(of(frame, "size")["cell"]) == ["size=1", "size=2+"] * 3


def test_columns_are_those_of_the_schema(village, found):
    table = aggregates_table(village, found)
    assert table.schema.equals(COLUMNS)
    assert all(column.num_chunks == 1 for column in table.columns)


def test_discrepancy_is_target_minus_synthetic(frame):
    size = of(frame, "size")
    assert list(size["discrepancy"]) == [3, 0, 0, 0, 0, 0]
    assert list(size["within"]) == [False, True, True, True, True, True]
    np.testing.assert_array_equal(frame["reconciled"] - frame["synthetic"], frame["discrepancy"])


def test_target_is_told_as_published(frame):
    assert list(of(frame, "size")["target"]) == [5, 7, 6, 8, 9, 4]
    np.testing.assert_allclose(of(frame, "age")["target"], [0.25, 0.75, 0.3, 0.7])
    assert list(of(frame, "age")["measure"].unique()) == ["share"]


def test_shares_are_within_table_and_zone(frame):
    sums = frame.groupby(["table", "zone"])[["target_share", "synthetic_share"]].sum()
    np.testing.assert_allclose(sums["target_share"].drop("age"), 1)
    np.testing.assert_allclose(sums["synthetic_share"].drop("age"), 1)


def test_table_without_synthetic_records_has_shares_of_zero(frame):
    assert list(of(frame, "age")["synthetic"]) == [0, 0, 0, 0]
    assert list(of(frame, "age")["synthetic_share"]) == [0, 0, 0, 0]


def test_tolerance_and_universe_are_the_tables(frame):
    told = frame.groupby("table", sort=False)[["tolerance_kind", "tolerance", "universe", "zone_level"]].first()
    assert list(told["tolerance_kind"]) == ["records", "share_tvd", "records"]
    assert list(told["tolerance"]) == [2, 0.005, 0]
    assert list(told["universe"].fillna("")) == ["", "", "size >= 2"]
    assert list(told["zone_level"]) == ["county", "state", "county"]


def test_margin_of_error_is_null_where_none_is_published(frame):
    moe = of(frame, "size")["moe"]
    assert moe[0] == 2
    assert moe.isna().tolist() == [False, True, False, False, False, False]
    assert of(frame, "age")["moe"].isna().all()


def test_a_margin_of_error_is_the_tolerance_and_gives_discrepancies_in_standard_errors(frame):
    size = of(frame, "size")
    assert list(size["tolerance"]) == [2, 0, 1, 1, 1, 1]
    assert size["standard_errors"][0] == pytest.approx(3 / (2 / 1.645))
    assert size["standard_errors"].isna().tolist() == [False, True, False, False, False, False]
    assert of(frame, "age")["standard_errors"].isna().all()


MOMENTS = """\
  prices:
    entity: order
    variables: [paid]
    file: prices.csv
    measure: mean
    of: price
  median_items:
    entity: order
    variables: []
    file: median.csv
    measure: quantile
    quantile: 0.5
    of: items
rules:
"""


def test_means_and_quantiles_follow_the_tables_with_what_they_are_of(tmp_path):
    files = with_change(SHOP, "scenario.yaml", "rules:\n", MOMENTS)
    files |= {"prices.csv": "paid,mean\nby card,120\n", "median.csv": "quantile\n2.5\n"}
    shop = read_scenario(write_folder(tmp_path / "shop", files))
    coder, aims = compiled(shop), build_aims(shop, None)
    orders = Records(
        4,
        {
            "paid": np.array([0, 0, 1, 1]),
            "items": np.array([1, 2, 2, 9]),
            "price": np.array([100.0, 137.0, 5, 5]),
            "is_big": np.array([1, 1, 1, 0]),
        },
    )
    counts = count_records(coder, orders)
    frame = aggregates_table(shop, discrepancies(shop, aims, counts), moment_fits(shop, aims, counts)).to_pandas()
    prices, median = of(frame, "prices"), of(frame, "median_items")

    assert list(prices["cell"]) == ["paid=by card"]
    assert (prices["of"][0], prices["measure"][0], prices["target"][0]) == ("price", "mean", 120)
    assert prices["synthetic"][0] == pytest.approx(118.5)
    assert (prices["tolerance_kind"][0], bool(prices["within"][0])) == ("relative", True)
    # One of four has 1 item, and half of those with 2, which cover [2, 3), are below 2.5.
    assert (median["cell"][0], median["target"][0], median["reconciled"][0]) == ("all", 2.5, 0.5)
    assert median["synthetic"][0] == pytest.approx(0.5)
    assert (median["tolerance_kind"][0], median["quantile"][0]) == ("share", 0.5)
    assert judge_table("prices", frame).is_within
    assert not judge_table("prices", frame.assign(synthetic=frame["synthetic"] * 1.1)).is_within


def test_table_of_the_whole_has_no_zone(tmp_path):
    shop = read_scenario(write_folder(tmp_path / "shop", SHOP))
    found = discrepancies(shop, build_aims(shop, None), no_counts(shop))
    frame = aggregates_table(shop, found).to_pandas()
    assert frame[["zone", "zone_level", "universe", "moe"]].isna().all(axis=None)
    assert list(of(frame, "items_price")["cell"])[:2] == ["items=1-4, price=<100", "items=1-4, price=100+"]
