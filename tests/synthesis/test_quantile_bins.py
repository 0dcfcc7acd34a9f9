"""Quantile bins: every value in one bin, frequent values alone, cut where a uniform spread fits worst."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthesis.labels import parse_bin
from synthesis.quantile_bins import bin_axis, quantile_binning
from synthesis.tabulation import axis_codes, tabulate

numbers = st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=1, max_size=60)
integers = st.lists(st.integers(-5000, 5000), min_size=1, max_size=60)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.one_of(numbers.map(lambda v: (v, False)), integers.map(lambda v: (v, True))), st.integers(1, 8))
def test_every_value_has_a_bin_and_every_label_says_its_interval(column, bins):
    values, is_integer = np.array(column[0], dtype=float), column[1]
    binning = quantile_binning(values, is_integer, bins)
    low, high = binning.limits

    for edges in (binning.main, binning.fine):
        axis = bin_axis("x", edges, is_integer)
        counts = tabulate({"x": values}, [axis], None, 1)
        assert counts.sum() == len(values)
        kind = "integer" if is_integer else "number"
        spans = [parse_bin(label, kind, low, high) for label in axis.labels]
        assert np.array(spans) == pytest.approx(np.stack([axis.lows, axis.highs], axis=1), rel=1e-12)
    assert set(binning.main) <= set(binning.fine)


def test_bins_hold_equal_shares_and_are_cut_into_equal_parts():
    values = np.random.default_rng(0).normal(size=6000)
    binning = quantile_binning(values, is_integer=False)
    assert np.histogram(values, binning.main)[0] == pytest.approx(np.full(6, 1000), abs=2)
    assert len(binning.fine) == 6 * 8 + 1
    assert np.diff(binning.fine[8:17]) == pytest.approx(np.full(8, np.diff(binning.main)[1] / 8), abs=1e-6)


def test_a_frequent_value_has_its_own_bin():
    incomes = np.concatenate([np.zeros(500), np.arange(1, 501) * 100])
    axis = bin_axis("income", quantile_binning(incomes, is_integer=True).main, True)
    assert axis.labels[0] == "0"
    assert tabulate({"income": incomes}, [axis], None, 1)[0, 0] == 500


def test_an_integer_of_few_values_is_tabulated_by_value():
    axis = bin_axis("size", quantile_binning(np.array([2, 2, 5]), is_integer=True).fine, True)
    assert axis.labels == ("2", "3", "4", "5")


def test_the_least_uniform_bin_is_cut_first():
    values = np.concatenate([np.linspace(0, 100, 500, endpoint=False), 100 + 100 * np.linspace(0, 1, 500) ** 6])
    binning = quantile_binning(values, is_integer=False, bins=2, cut=1)
    assert len(binning.fine) == 1 + 1 + 8
    assert (np.diff(binning.fine)[1:] < 20).all()


def test_nothing_is_cut_on_demand_and_a_constant_is_one_bin():
    values = np.arange(1000.0)
    binning = quantile_binning(values, is_integer=False, cut=0)
    assert len(binning.fine) == len(binning.main) == 7
    constant = quantile_binning(np.full(9, 3.5), is_integer=False)
    assert axis_codes(bin_axis("x", constant.fine, False), np.array([3.5])).tolist() == [0]
