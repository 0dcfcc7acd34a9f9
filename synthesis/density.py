"""How a numeric variable is spread inside its atoms: curves, values drawn from them, and their expected values.

Curve 0 is everybody's, the others are those of records with certain values of other variables (`given`). An atom of a
curve is a *cell*; its number is curve * atoms + atom, so curve 0's cells are the atoms themselves. Drawing looks a cell
up in a table of quantiles, which costs what an even draw does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.model import FloatArray, IntArray
from synthesis.records import Array

MAX_SLOTS, ALL_SLOTS = 256, 2**18
"""Equally likely slots of a cell, at most, and of all cells."""
EVEN_RECORDS = 8
"""Records that share an equal part of a cell. One would give the least error in totals, but records that keep apart as
a sample of persons never does: a classifier tells them from real ones. By eight it hardly can."""
CHANCE_DRAWS = 512
"""Draws per cell beyond which chance spreads them evenly enough (to a hundredth of the cell's width)."""
SINGLE_STEPS = 2**12
"""Single precision is enough where it tells at least so many values of every atom apart."""
FEW_CELLS = 2**16
"""Cell numbers that fit two bytes are sorted by radix, several times faster."""


@dataclass(frozen=True, slots=True)
class Given:
    """A variable that selects the curve: the bin of each of its atoms, out of `size`."""

    variable: str
    lookup: IntArray
    size: int


@dataclass(frozen=True, slots=True)
class Density:
    """`masses`: share of a curve's records in an atom, (curves, atoms).

    Per cell, `lasts` is the largest value and `means` the expected one, (cells,). Its values rise through equally
    likely slots, evenly within each: from `starts` by `steps`, flat (cells * slots).
    """

    is_integer: bool
    is_exact: bool
    masses: FloatArray
    slots: int
    starts: FloatArray
    steps: FloatArray
    lasts: FloatArray
    means: FloatArray
    given: tuple[Given, ...] = ()
    firsts: FloatArray | None = None
    """The least value of each cell where single precision is enough to keep the variable: all draws are such values."""

    @property
    def is_single(self) -> bool:
        """Whether its draws can be kept in single precision without leaving their cells."""
        return self.firsts is not None

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return self.masses.shape[1]


def build_density(
    is_integer: bool, points: FloatArray, step_masses: FloatArray, given: tuple[Given, ...] = ()
) -> Density:
    """The density of curves with `step_masses` (curves, atoms, steps) between `points` (atoms, steps + 1).

    Within a step all values are alike, and so they are in an atom without mass.
    """
    curves, atoms, _ = step_masses.shape
    quantiles = _quantiles(points, step_masses)
    ends = np.tile(points[:, -1], curves)
    starts = np.tile(points[:, 0], curves)
    single = None if is_integer else _single_bounds(starts, ends)
    lasts = ends - 1 if is_integer else np.nextafter(ends, starts) if single is None else single[1]
    return Density(
        is_integer=is_integer,
        is_exact=is_integer and atoms == points[-1, -1] - points[0, 0],
        masses=step_masses.sum(axis=2),
        slots=quantiles.shape[1] - 1,
        starts=quantiles[:, :-1].ravel(),
        steps=np.diff(quantiles, axis=1).ravel(),
        lasts=lasts,
        means=_means(quantiles, is_integer),
        given=given,
        firsts=None if single is None else single[0],
    )


def _single_bounds(starts: FloatArray, ends: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """The least and the greatest single-precision value in each [start, end); None where they are too coarse for one.

    A value is on the same side of both ends whichever precision a reader compares it in.
    """
    with np.errstate(over="ignore"):
        nearest, above = starts.astype(np.float32), ends.astype(np.float32)
    firsts = np.where(nearest < starts, np.nextafter(nearest, np.float32(np.inf)), nearest)
    lasts = np.nextafter(above, np.float32(-np.inf))
    if not (np.isfinite(nearest) & np.isfinite(above)).all():
        return None
    step = np.spacing(np.maximum(np.abs(firsts), np.abs(lasts)))
    if not (lasts - firsts >= SINGLE_STEPS * step).all():
        return None
    return firsts.astype(np.float64), lasts.astype(np.float64)


def as_kept(density: Density, values: FloatArray, cells: IntArray) -> FloatArray:
    """The values as they will be kept, each inside its cell: in single precision where that is enough."""
    if density.firsts is None:
        return np.minimum(values, density.lasts[cells])
    return np.clip(values.astype(np.float32), density.firsts[cells], density.lasts[cells]).astype(np.float64)


def cells_of(density: Density, name: str, atoms: Mapping[str, Array]) -> IntArray:
    """The cell that each row of `atoms` draws the variable from; curve 0's where what selects a curve is unset (-1)."""
    own: IntArray = atoms[name].astype(np.int64, copy=False)
    if not all(given.variable in atoms for given in density.given) or not density.given:
        return own
    curve, is_known = np.zeros(len(own), dtype=np.int64), np.ones(len(own), dtype=bool)
    for given in density.given:
        codes: IntArray = atoms[given.variable].astype(np.int64, copy=False)
        is_known &= codes >= 0
        curve = curve * given.size + given.lookup[codes]
    return np.where(is_known, (curve + 1) * density.atoms, 0) + own


def draw_values(density: Density, cells: IntArray, rng: np.random.Generator) -> Array:
    """A value inside each cell, by its density.

    Where a cell has few draws, they are dealt to equally likely parts of it: less is left to chance inside the bins.
    """
    if density.is_exact:
        return density.lasts[cells].astype(np.int64)
    is_chance = len(cells) > CHANCE_DRAWS * len(density.lasts)
    place = rng.random(len(cells)) if is_chance else _even_places(cells, rng)
    place *= density.slots
    slot = place.astype(np.int64)
    place -= slot
    slot += cells * density.slots
    values = density.starts[slot] + place * density.steps[slot]
    if density.is_integer:
        np.floor(values, out=values)
    # Rounding may bring a draw to the excluded end of its cell.
    kept = as_kept(density, values, cells)
    return kept.astype(np.int64) if density.is_integer else kept


def _even_places(cells: IntArray, rng: np.random.Generator) -> FloatArray:
    """Places in [0, 1): the rows of a cell are dealt, in random order, to equal parts of it, `EVEN_RECORDS` to each."""
    shuffled = rng.permutation(len(cells))
    keys = cells[shuffled]
    sizes = np.bincount(keys)
    by_cell = np.argsort(keys.astype(np.uint16) if len(sizes) <= FEW_CELLS else keys, kind="stable")
    total = np.repeat(sizes, sizes)
    ranks = np.arange(len(cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    lows = ranks - ranks % EVEN_RECORDS
    highs = np.minimum(lows + EVEN_RECORDS, total)
    places = np.empty(len(cells))
    places[shuffled[by_cell]] = (lows + rng.random(len(cells)) * (highs - lows)) / total
    return np.minimum(places, np.nextafter(1.0, 0.0))


def _quantiles(points: FloatArray, step_masses: FloatArray) -> FloatArray:
    """Each cell's value at equally spaced shares, its two ends included: (cells, slots + 1)."""
    curves, _, steps = step_masses.shape
    masses = step_masses.sum(axis=2, keepdims=True)
    even = np.broadcast_to(np.diff(points, axis=1) / np.ptp(points, axis=1)[:, None], step_masses.shape)
    shares = np.divide(step_masses, masses, out=even.copy(), where=masses > 0).reshape(-1, steps)
    below = np.concatenate([np.zeros((len(shares), 1)), np.cumsum(shares, axis=1)], axis=1)
    below[:, -1] = 1.0
    slots = min(max(ALL_SLOTS // len(shares), 16), MAX_SLOTS)
    first = np.arange(len(shares))[:, None]
    values = np.tile(points, (curves, 1))
    # Cell c's distribution function is shifted to [c, c + 1]: one interpolation serves all.
    quantiles = np.interp(first + np.linspace(0, 1, slots + 1), (first + below).ravel(), values.ravel())
    quantiles[:, 0], quantiles[:, -1] = values[:, 0], values[:, -1]
    return quantiles


def _means(quantiles: FloatArray, is_integer: bool) -> FloatArray:
    """The expected value of each cell; that of a floor where values are whole numbers."""
    starts, ends = quantiles[:, :-1], quantiles[:, 1:]
    if not is_integer:
        return ((starts + ends) / 2).mean(axis=1)
    whole = np.floor(quantiles)
    area = whole * (whole - 1) / 2 + whole * (quantiles - whole)  # of floor(x), from 0
    floors = np.divide(np.diff(area, axis=1), ends - starts, out=whole[:, :-1].copy(), where=ends > starts)
    return floors.mean(axis=1)
