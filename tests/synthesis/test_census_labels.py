"""Labels of census tables: totals dropped, grids of axes, bins of numbers."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.census_labels import parse_range, read_tree, split_label
from synthesis.labels import parse_bin

AGES = ("Under 5 years", "5 to 9 years", "10 to 17 years", "18 and 19 years", "20 years", "21 years and over")


@pytest.mark.parametrize(
    ("label", "path"),
    [
        ("Estimate!!Total:!!Male:!!Under 5 years", ("Male", "Under 5 years")),
        ("Estimate!!Total!!Male!!Under 5 years", ("Male", "Under 5 years")),
        ("Total: - Less than $10,000", ("Less than $10,000",)),
        ("Car, or van: - Carpooled: - In 2-person carpool", ("Car, or van", "Carpooled", "In 2-person carpool")),
        ("Estimate!!Total:", ()),
        ("Total:", ()),
    ],
)  # fmt: skip
def test_labels_are_split_below_the_total(label, path):
    assert split_label(label) == path


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Under 5 years", (-math.inf, 4)),
        ("Less than $10,000", (-math.inf, 9999)),
        ("$10,000 to $14,999", (10000, 14999)),
        ("$200,000 or more", (200000, math.inf)),
        ("85 years and over", (85, math.inf)),
        ("18 and 19 years", (18, 19)),
        ("20 years", (20, 20)),
        ("1-person household", (1, 1)),
        ("7-or-more person household", (7, math.inf)),
        ("4 or more vehicles available", (4, math.inf)),
        ("No vehicle available", (0, 0)),
        ("Drove alone", None),
        ("Male", None),
    ],
)
def test_ranges_of_whole_numbers(label, expected):
    assert parse_range(label) == expected


def test_grid_of_labels_has_an_axis_a_level():
    labels = ["Estimate!!Total:", *(f"Estimate!!Total:!!{sex}:" for sex in ("Male", "Female"))]
    labels += [f"Estimate!!Total:!!{sex}:!!{age}" for sex in ("Male", "Female") for age in AGES]
    tree = read_tree([split_label(label) for label in labels])
    sex, age = tree.axes
    assert (sex.name, sex.labels, sex.bins) == ("sex", ("Male", "Female"), ())
    assert (age.name, age.bins) == ("age", ("0-4", "5-9", "10-17", "18-19", "20", "21+"))
    assert (age.low, age.high, age.unit) == (0, 99, "years")
    assert tree.cells[9] == (1, 0)
    assert tree.parents[0] == tuple(range(3, 15))
    assert tree.parents[2] == tuple(range(9, 15))


def test_uneven_labels_are_one_axis_of_leaves():
    labels = ["Car:", "Car: - Alone", "Car: - Carpooled:", "Car: - Carpooled: - In 2", "Walked", "Bus:", "Bus: - Alone"]
    tree = read_tree([split_label(label) for label in labels])
    assert tree.axes[0].labels == ("Car, Alone", "In 2", "Walked", "Bus, Alone")
    assert sorted(tree.parents) == [0, 2, 5]


def test_ranges_with_a_gap_are_categories():
    tree = read_tree([("1 person",), ("3 persons",), ("4 or more persons",)])
    assert not tree.axes[0].is_numeric


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=8, unique=True).map(sorted))
def test_bins_are_read_back_as_a_partition(cuts):
    labels = [f"Under {cuts[0]} years"]
    labels += [
        f"{low} to {high - 1} years" if high - low > 1 else f"{low} years" for low, high in itertools.pairwise(cuts)
    ]
    labels.append(f"{cuts[-1]} years and over")
    (axis,) = read_tree([(label,) for label in labels]).axes
    spans = [parse_bin(text, "integer", axis.low, axis.high) for text in axis.bins]
    assert [low for low, _ in spans] == [0, *cuts]
    assert [high for _, high in spans] == [*cuts, axis.high + 1]
