"""Means, totals and quantiles in a scenario: what is read, and what the author of a broken one is told."""

import numpy as np
import pytest

from adapters.scenario_files import read_scenario
from tests.adapters.examples import SHOP, refusal, with_change, write_folder

MEAN = """\
  spent:
    entity: order
    variables: [paid]
    file: spent.csv
    measure: mean
    of: price
rules:
"""
FILES = with_change(SHOP, "scenario.yaml", "rules:\n", MEAN) | {"spent.csv": "paid,mean,moe\nin cash,80,5\n"}


def test_a_mean_is_read_with_nan_where_none_is_published(tmp_path):
    (spent,) = read_scenario(write_folder(tmp_path, FILES)).moments

    assert (spent.name, spent.of, spent.measure, spent.tolerance) == ("spent", "price", "mean", 0.02)
    np.testing.assert_array_equal(spent.cells.target, [[np.nan, 80]])
    np.testing.assert_array_equal(spent.cells.moe, [[np.nan, 5]])


def test_tables_of_counts_are_read_as_before(tmp_path):
    assert [table.name for table in read_scenario(write_folder(tmp_path, FILES)).tables] == ["paid", "items_price"]


@pytest.mark.parametrize("measure", ["total", "quantile"])
def test_totals_and_quantiles_of_everybody_need_no_variables(tmp_path, measure):
    more = "    quantile: 0.25\n" if measure == "quantile" else ""
    text = (
        MEAN.replace("[paid]", "[]").replace("measure: mean", f"measure: {measure}").replace("rules:", f"{more}rules:")
    )
    files = with_change(SHOP, "scenario.yaml", "rules:\n", text) | {"spent.csv": f"{measure}\n70\n"}
    (spent,) = read_scenario(write_folder(tmp_path, files)).moments

    assert (spent.measure, spent.cells.target.tolist()) == (measure, [70])
    assert spent.quantile == (0.25 if measure == "quantile" else 0.5)


BROKEN = {
    "variable missing": ("    of: price\n", "", "scenario.yaml:27: targets.spent: expected `of`, the numeric variable"),
    "variable unknown": ("of: price", "of: prise", "scenario.yaml:32: targets.spent.of: unknown variable 'prise'"),
    "variable a category": ("of: price", "of: is_big", "scenario.yaml:32: targets.spent.of: 'is_big' is a category"),
    "quantile of a mean": (
        "of: price",
        "of: price\n    quantile: 0.5",
        "scenario.yaml:33: targets.spent.quantile: expected measure: quantile beside it",
    ),
    "which quantile": (
        "measure: mean",
        "measure: quantile",
        "scenario.yaml:31: targets.spent.measure: expected which quantile, as in 0.5 for medians",
    ),
    "quantile out of range": (
        "of: price",
        "of: price\n    quantile: 1",
        "scenario.yaml:33: targets.spent.quantile: expected less than 1, got 1",
    ),
    "bound": (
        "of: price",
        "of: price\n    binds: share",
        "scenario.yaml:33: targets.spent.binds: a mean binds as it is, expected no binds",
    ),
    "tolerance in records": (
        "of: price",
        "of: price\n    tolerance: {records: 3}",
        "scenario.yaml:33: targets.spent.tolerance: expected relative, one of them",
    ),
}


@pytest.mark.parametrize(("old", "new", "told"), BROKEN.values(), ids=BROKEN)
def test_the_author_of_a_broken_moment_is_told_where_and_what(tmp_path, old, new, told):
    assert refusal(write_folder(tmp_path, with_change(FILES, "scenario.yaml", old, new))).startswith(told)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("paid,mean\nin cash,501\n", "spent.csv:2: mean '501' is outside the range of price, 0 to 500"),
        ("paid,mean\nin cash,x\n", "spent.csv:2: mean 'x' is not a number"),
        ("paid,mean\nin cash,1\nin cash,2\n", "spent.csv:3: the cell was already given on line 2"),
        ("paid,count\nin cash,1\n", "spent.csv:1: missing column 'mean'"),
    ],
)
def test_a_broken_file_is_located(tmp_path, rows, told):
    assert refusal(write_folder(tmp_path, FILES | {"spent.csv": rows})).startswith(told)


def test_moments_alone_are_no_targets(tmp_path):
    start, stop = (FILES["scenario.yaml"].index(text) for text in ("  paid:\n    entity", "  spent:"))
    files = FILES | {"scenario.yaml": FILES["scenario.yaml"][:start] + FILES["scenario.yaml"][stop:]}

    assert "expected a table of counts or shares" in refusal(write_folder(tmp_path, files))
