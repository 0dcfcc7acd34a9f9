"""A cumulative distribution between its published points: a monotone cubic, with a tail where the last class is open.

The cubic is Hermite's, with three-point slopes limited as by Fritsch and Carlson (SIAM J. Numer. Anal. 17, 1980), so
each bin keeps its mass and no density is negative. An open class decays as the hazard of the class before it says: by
the classical Pareto interpolation of income classes, or exponentially where the class is no wide multiple of its edge.
"""

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from schemas.model import FloatArray

STEEPEST = 3.0
"""A slope at most this many times the mean density of the bins beside it keeps a cubic monotone."""
PARETO_SPAN = 2.5
"""A class that reaches this many times its lower edge has a Pareto tail; a narrower one an exponential tail."""

NEGLIGIBLE = 1e-9
"""A class with a smaller share shows nothing of a decay."""


def cumulative_at(edges: FloatArray, masses: FloatArray, points: FloatArray, is_open: bool = False) -> FloatArray:
    """The mass below each point, from bins between consecutive `edges`; an open last class decays to its end."""
    if len(masses) == 1:
        return masses[0] * (points - edges[0]) / (edges[1] - edges[0])
    slopes = edge_densities(edges, masses)
    tail = _tail(edges, masses) if is_open else None
    if tail is not None:
        slopes[-2] = min(tail.first_density() * masses[-1], STEEPEST * masses[-2] / (edges[-2] - edges[-3]))
    below = np.concatenate(([0.0], np.cumsum(masses)))
    found: FloatArray = CubicHermiteSpline(edges, below, slopes)(points)
    if tail is not None:
        is_above = points > edges[-2]
        found[is_above] = below[-2] + masses[-1] * tail.share_below(points[is_above])
    return found


def edge_densities(edges: FloatArray, masses: FloatArray) -> FloatArray:
    """The density at each of two or more bins' edges: between its neighbours' means, and never too steep."""
    widths = np.diff(edges)
    means = masses / widths
    inner = (means[:-1] * widths[1:] + means[1:] * widths[:-1]) / (widths[:-1] + widths[1:])
    ends = 1.5 * means[[0, -1]] - 0.5 * inner[[0, -1]]
    found = np.concatenate((ends[:1], inner, ends[1:]))
    smaller = np.minimum(np.append(means[0], means), np.append(means, means[-1]))
    return np.clip(found, 0, STEEPEST * smaller)


@dataclass(frozen=True, slots=True)
class _Tail:
    """A truncated exponential in x, or in log x (a Pareto tail), from `start` to `end`."""

    start: float
    end: float
    rate: float
    is_pareto: bool

    def first_density(self) -> float:
        """The share per unit of x at the start."""
        return self.rate / self._whole() / (self.start if self.is_pareto else 1.0)

    def share_below(self, points: FloatArray) -> FloatArray:
        return -np.expm1(-self.rate * self._distance(points)) / self._whole()

    def _whole(self) -> float:
        return float(-np.expm1(-self.rate * self._distance(np.array(self.end))))

    def _distance(self, points: FloatArray) -> FloatArray:
        return np.log(points / self.start) if self.is_pareto else points - self.start


def _tail(edges: FloatArray, masses: FloatArray) -> _Tail | None:
    """The tail of the last class; None where a cubic decays fast enough, or nothing is known of the decay."""
    before, start, end = edges[-3:]
    if min(masses[-2:]) <= NEGLIGIBLE * masses.sum():
        return None
    fall = np.log1p(masses[-2] / masses[-1])  # of the survival function, over the class before
    if fall * (end - start) <= STEEPEST * (start - before):
        return None
    is_pareto = before > 0 and end >= PARETO_SPAN * start
    rate = fall / (np.log(start / before) if is_pareto else start - before)
    return _Tail(float(start), float(end), float(rate), is_pareto)
