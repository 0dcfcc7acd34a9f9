"""Draws from the distributions of a prior, and whether a value is possible under one."""

import numpy as np
from scipy.special import ndtr, ndtri

from schemas.model import BoolArray, FloatArray
from schemas.prior import Distribution, Normal


def draw_values(distribution: Distribution, kind: str, count: int, rng: np.random.Generator) -> FloatArray:
    """Independent draws; integers and category codes are whole."""
    if isinstance(distribution, Normal):
        return _draw_normal(distribution, kind, count, rng)
    lows, highs, weights = (np.array(part) for part in (distribution.lows, distribution.highs, distribution.weights))
    picked = np.zeros(count, dtype=np.int64)
    if len(lows) > 1:
        ends = np.cumsum(weights)
        # The last part of positive weight takes what rounding leaves of the sum.
        picked = np.minimum(
            np.searchsorted(ends, rng.random(count) * ends[-1], side="right"), np.flatnonzero(weights)[-1]
        )
    low, high = lows[picked], highs[picked]
    values: FloatArray = low + rng.random(count) * (high - low)
    if kind == "number":
        return np.where(high > low, np.minimum(values, np.nextafter(high, low)), low)
    return np.minimum(np.floor(values), high - 1)


def is_possible(distribution: Distribution, values: FloatArray) -> BoolArray:
    """Whether each value lies where the distribution has mass."""
    if isinstance(distribution, Normal):
        return (values >= distribution.low) & (values <= distribution.high)
    found = np.zeros(len(values), dtype=bool)
    for low, high, weight in zip(distribution.lows, distribution.highs, distribution.weights, strict=True):
        if weight > 0:
            found |= (values >= low) & ((values < high) | (values == low))
    return found


def bounds(distribution: Distribution) -> tuple[float, float]:
    """Lowest and highest value of a distribution of whole numbers."""
    if isinstance(distribution, Normal):
        return distribution.low, distribution.high
    used = [i for i, weight in enumerate(distribution.weights) if weight > 0]
    return min(distribution.lows[i] for i in used), max(distribution.highs[i] for i in used) - 1


def interval_ends(distribution: Distribution) -> set[float]:
    """Where the density of a numeric variable jumps."""
    if isinstance(distribution, Normal):
        return set()
    single = {
        float(np.nextafter(h, np.inf)) for h, low in zip(distribution.highs, distribution.lows, strict=True) if h == low
    }
    return {*distribution.lows, *distribution.highs, *single}


def _draw_normal(shape: Normal, kind: str, count: int, rng: np.random.Generator) -> FloatArray:
    """By inversion between the limits, so that truncation costs nothing."""
    half = 0.5 if kind == "integer" else 0.0
    limits = np.array([shape.low - half, shape.high + half])
    if shape.is_log:
        limits = np.log(np.maximum(limits, 1e-300))
    low, high = ndtr((limits - shape.mean) / shape.deviation)
    score = ndtri(np.clip(low + rng.random(count) * (high - low), 1e-300, 1 - 1e-16))
    values = shape.mean + shape.deviation * score
    if shape.is_log:
        values = np.exp(values)
    if kind == "integer":
        return np.clip(np.rint(values), np.ceil(shape.low), np.floor(shape.high))
    return np.clip(values, shape.low, np.nextafter(shape.high, shape.low))
