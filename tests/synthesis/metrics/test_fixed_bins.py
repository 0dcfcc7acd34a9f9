"""Fixed bins depend on the declared range alone."""

import numpy as np
import pytest

from schemas.model import Variable
from synthesis.metrics.fixed_bins import fixed_bins

AGE = Variable("age", "integer", low=0, high=99)
INCOME = Variable("income", "integer", low=0, high=415_000)
PRICE = Variable("price", "number", low=0.0, high=2000.0)
SIZE = Variable("size", "integer", low=1, high=7)


def test_an_integer_of_few_values_keeps_them():
    bins = fixed_bins(SIZE)
    assert (bins.size, bins.codes(np.array([1, 7])).tolist()) == (7, [0, 6])


@pytest.mark.parametrize("variable", [AGE, PRICE, INCOME, SIZE])
def test_bins_span_the_declared_range(variable):
    bins = fixed_bins(variable, 20)
    end = variable.high + (variable.kind == "integer")
    assert (bins.edges[0], bins.edges[-1]) == pytest.approx((variable.low, end))
    assert len(bins.edges) == bins.size + 1
    assert (np.diff(bins.edges) > 0).all()


def test_wide_ranges_widen_upwards():
    widths = np.diff(fixed_bins(INCOME).edges)
    assert widths[0] < 2000
    assert widths[-1] > 50_000
    assert np.ptp(np.diff(fixed_bins(PRICE).edges)) == pytest.approx(0)


def test_values_outside_the_range_fall_into_the_outermost_bins():
    assert fixed_bins(PRICE).codes(np.array([-5.0, 1e9])).tolist() == [0, 19]
