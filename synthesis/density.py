"""How a numeric variable is spread inside its atoms: curves, drawn from evenly, and their expected values.

A curve is piecewise even: every atom is cut into as many steps, and within a step all values are alike. Curve 0 is
everybody's, the others are those of records with certain values of other variables (`given`). An atom of a curve is a
*cell*; its number is curve * atoms + atom, so curve 0's cells are the atoms themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.model import FloatArray, IntArray
from synthesis.records import Array

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
    """`points`: steps' ends, (atoms, steps + 1). `masses`: share of a curve's records in an atom, (curves, atoms).

    `knots`: cell + share of the cell below each point, flat, and `values`: those points, cell by cell. `lows`, `lasts`
    and `means`: the least, largest and expected value of each cell.
    """

    is_integer: bool
    points: FloatArray
    masses: FloatArray
    knots: FloatArray
    values: FloatArray
    lows: FloatArray
    lasts: FloatArray
    means: FloatArray
    given: tuple[Given, ...] = ()

    @property
    def atoms(self) -> int:
        """Number of atoms."""
        return len(self.points)

    @property
    def is_exact(self) -> bool:
        """Whether every atom is a single value."""
        return self.is_integer and len(self.points) == self.points[-1, -1] - self.points[0, 0]


def build_density(
    is_integer: bool, points: FloatArray, step_masses: FloatArray, given: tuple[Given, ...] = ()
) -> Density:
    """The density of curves with these `step_masses` (curves, atoms, steps); an atom without mass is spread evenly."""
    curves, atoms, steps = step_masses.shape
    masses, widths = step_masses.sum(axis=2), np.diff(points, axis=1)
    even = widths / widths.sum(axis=1)[:, None]
    shares = np.divide(
        step_masses, masses[:, :, None], out=np.tile(even, (curves, 1, 1)), where=masses[:, :, None] > 0
    ).reshape(-1, steps)
    knots = np.zeros((curves * atoms, steps + 1))
    np.cumsum(shares, axis=1, out=knots[:, 1:])
    knots[:, -1] = 1.0
    knots += np.arange(len(knots))[:, None]
    middles = (points[:, :-1] + points[:, 1:] - is_integer) / 2
    means = (shares * np.tile(middles, (curves, 1))).sum(axis=1)
    every = np.tile(points, (curves, 1))
    lows, ends = every[:, 0], every[:, -1]
    lasts = ends - 1 if is_integer else np.nextafter(ends, lows)
    return Density(is_integer, points, masses, knots.ravel(), every.ravel(), lows, lasts, means, given)


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
    """A value inside each cell. A cell's draws are one from each of equally likely parts of it, in random order.

    That leaves no more sampling noise inside the bins than rounding to whole records needs, and each draw by itself
    follows the density.
    """
    if density.is_exact:
        return density.lows[cells].astype(np.int64)
    order, sizes = _grouped(cells, rng)
    inside = np.repeat(np.arange(len(sizes)), sizes)
    ranks = np.arange(len(cells)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = inside + (ranks + rng.random(len(cells))) / np.repeat(sizes, sizes)
    drawn = np.interp(place, density.knots, density.values)
    if density.is_integer:
        np.floor(drawn, out=drawn)
    values = np.empty(len(cells), dtype=np.int64 if density.is_integer else np.float64)
    # Rounding may bring a draw to the very end of its cell.
    values[order] = np.clip(drawn, density.lows[inside], density.lasts[inside])
    return values


def _grouped(cells: IntArray, rng: np.random.Generator) -> tuple[IntArray, IntArray]:
    """The rows sorted by cell, in random order within each, and the number of rows of every cell up to the largest."""
    shuffled = rng.permutation(len(cells))
    keys = cells[shuffled]
    sizes = np.bincount(keys)
    keys = keys.astype(np.uint16) if len(sizes) <= FEW_CELLS else keys
    return shuffled[np.argsort(keys, kind="stable")], sizes
