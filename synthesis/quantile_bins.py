"""Bins taken from values: quantile bins as in arXiv 2505.14752, and equal sub-bins of those that need them most.

A value so frequent that it fills a bin by itself (an income of 0) gets a bin of its own; the others share the rest.
"""

import itertools
from dataclasses import dataclass

import numpy as np

from schemas.model import Axis, FloatArray
from synthesis.records import Array

MAIN_BINS, SUB_BINS = 6, 8
MAX_SINGLE_VALUES = 12
"""An integer with at most this many possible values is tabulated value by value."""
DIGITS = 5
"""Edges of numbers are rounded to this many digits of the variable's width; sub-bins to three more."""


@dataclass(frozen=True, slots=True)
class Binning:
    """Edges of the main bins, and of the finer bins that the marginal uses; ranges are half open."""

    is_integer: bool
    main: FloatArray
    fine: FloatArray
    decimals: int

    @property
    def limits(self) -> tuple[float, float]:
        """The variable's range: for integers both ends included, for numbers [low, high)."""
        return float(self.main[0]), float(self.main[-1]) - (1.0 if self.is_integer else 0.0)


def quantile_binning(
    values: Array, is_integer: bool, bins: int = MAIN_BINS, sub_bins: int = SUB_BINS, cut: int | None = None
) -> Binning:
    """The binning of a column; `cut` main bins are cut into sub-bins, those farthest from uniform first (None: all)."""
    held = values.astype(float)
    low, high = held.min(), held.max()
    decimals = 0 if is_integer else _decimals(low, high)
    step = 10.0**-decimals
    if is_integer and high - low < MAX_SINGLE_VALUES:
        single = np.arange(low, high + 2)
        return Binning(True, single, single, 0)
    ends = _ends(low, high, step, decimals)
    main = _main_edges(held, ends, step, bins, is_integer)
    main = np.unique(np.round(main, decimals))
    chosen = _least_uniform(held, main, cut, step)
    fine = _cut(main, chosen, sub_bins, is_integer, decimals)
    return Binning(is_integer, main, fine, decimals)


def bin_axis(variable: str, edges: FloatArray, is_integer: bool) -> Axis:
    """The half-open bins between consecutive edges, labelled as target tables write them."""
    labels = tuple(_label(low, high, is_integer) for low, high in itertools.pairwise(edges.tolist()))
    return Axis(variable, labels, edges[:-1], edges[1:])


def _decimals(low: float, high: float) -> int:
    """Decimals of edges; a range narrow for its distance from 0 has no more of them than a float can hold."""
    width = max(high - low, 1e-5 * max(abs(low), abs(high)), 1e-6)
    return max(DIGITS - int(np.floor(np.log10(width))), 0)


def _ends(low: float, high: float, step: float, decimals: int) -> tuple[float, float]:
    """The range, rounded outward; its upper end lies above every value."""
    lower, upper = (round(float(np.floor(end / step)) * step, decimals) for end in (low, high))
    return (lower if lower <= low else lower - step), (upper + step if upper + step > high else upper + 2 * step)


def _main_edges(values: FloatArray, ends: tuple[float, float], step: float, bins: int, is_integer: bool) -> FloatArray:
    distinct, counts = np.unique(values, return_counts=True)
    heavy = distinct[counts * bins >= len(values)]
    if not is_integer:
        heavy = np.floor(heavy / step) * step
    others = values[~np.isin(values, distinct[counts * bins >= len(values)])]
    edges = [np.array(ends), heavy, heavy + step]
    if len(others):
        inner = np.quantile(others, np.linspace(0, 1, max(bins - len(heavy), 1) + 1)[1:-1])
        edges.append(np.ceil(inner) if is_integer else inner)
    return np.clip(np.concatenate(edges), *ends)


def _least_uniform(values: FloatArray, main: FloatArray, cut: int | None, step: float) -> set[int]:
    """The main bins worth cutting: share of records × distance of the values within from a uniform spread."""
    found = {}
    for i, (low, high) in enumerate(itertools.pairwise(main)):
        inside = np.sort(values[(values >= low) & (values < high)])
        if high - low > 1.5 * step and len(inside):
            even = low + (np.arange(len(inside)) + 0.5) / len(inside) * (high - low)
            found[i] = float(np.abs(inside - even).sum() / (high - low))
    order = sorted(found, key=lambda i: (-found[i], i))
    return set(order if cut is None else order[:cut])


def _cut(main: FloatArray, chosen: set[int], sub_bins: int, is_integer: bool, decimals: int) -> FloatArray:
    parts = []
    for i, (low, high) in enumerate(itertools.pairwise(main)):
        edges = np.linspace(low, high, sub_bins + 1) if i in chosen else np.array([low, high])
        parts.append(np.round(edges) if is_integer else np.round(edges, decimals + 3))
    return np.unique(np.concatenate(parts))


def _label(low: float, high: float, is_integer: bool) -> str:
    if not is_integer:
        return f"[{low:.15g}, {high:.15g})"
    if high - low == 1:
        return f"{low:.0f}"
    return f"{low:.0f}-{high - 1:.0f}" if low >= 0 else f"[{low:.0f}, {high:.0f})"
