"""Fixed bins of a variable, for metrics over tables: from its declared range alone, never from values.

An integer of few values has one bin per value. Up to a width of WIDE the bins are equally wide; wider ranges (incomes)
have bins that widen upwards, equal on the scale of asinh: most values lie in the lowest percents of such a range.
"""

from dataclasses import dataclass

import numpy as np

from schemas.model import Derived, FloatArray, IntArray, Variable
from synthesis.records import Array

DEFAULT_BINS = 20
WIDE = 10_000.0
STRETCH = 200.0


@dataclass(frozen=True, slots=True)
class FixedBins:
    """Codes from 0 to size - 1; numbers outside the declared range fall into the outermost bins."""

    size: int
    edges: FloatArray | None
    text: str

    def codes(self, values: Array) -> IntArray:
        """The bin of each value; a category's is its code."""
        if self.edges is None:
            return values.astype(np.int64)
        return np.clip(np.searchsorted(self.edges, values, side="right") - 1, 0, self.size - 1)


def fixed_bins(variable: Variable | Derived, bins: int = DEFAULT_BINS) -> FixedBins:
    """The bins of a variable with a declared range."""
    if variable.kind == "category":
        return FixedBins(len(variable.categories), None, f"{len(variable.categories)} categories")
    end = variable.high + 1 if variable.kind == "integer" else variable.high
    width = end - variable.low
    if variable.kind == "integer" and width <= bins:
        return FixedBins(int(width), np.arange(variable.low, end + 1), f"{int(width)} values")
    steps = np.linspace(0, 1, bins + 1)
    if width <= WIDE:
        edges, text = variable.low + width * steps, f"{bins} bins of equal width"
    else:
        edges = variable.low + width / STRETCH * np.sinh(np.arcsinh(STRETCH) * steps)
        text = f"{bins} bins, widening"
    if variable.kind == "integer":
        edges = np.unique(np.ceil(edges))
    return FixedBins(len(edges) - 1, edges, text)
