"""Members against the root records that have to list them: person totals that no household sizes can hold."""

from dataclasses import dataclass

import numpy as np

from schemas.model import FloatArray, IntArray, Scenario
from synthesis.figures import Figures, totals_of
from synthesis.levels import at_level, common_level, level_size, mapping
from synthesis.spaces import Space, Spaces

NOTICEABLE_RECORDS = 0.5


@dataclass(frozen=True, slots=True)
class ReachGap:
    """Members that `member_table` counts (all, or at least and at most so many of one type), per unit of `level`,
    and between what bounds the cells of `root_table` can list them.

    `cells` are the member table's cells of that type, none where all members are meant. `open_cell` is the only cell
    of the root table that leaves room, and `implied` the members per record that it would have to list over all units.
    """

    member_table: str
    root_table: str
    level: str | None
    cells: tuple[int, ...]
    least: FloatArray
    most: FloatArray
    low: FloatArray
    high: FloatArray
    variance: FloatArray
    open_cell: int | None
    implied: float | None

    @property
    def outside(self) -> FloatArray:
        """Members too many (or, negative, too few) for the root records, per unit."""
        over, under = self.least - self.high, self.low - self.most
        return np.where(over > NOTICEABLE_RECORDS, over, 0) - np.where(under > NOTICEABLE_RECORDS, under, 0)


def reach_gaps(scenario: Scenario, spaces: Spaces, figures: Figures) -> list[ReachGap]:
    """All members against the root table that bounds them most tightly, then each type of them likewise."""
    listing = next((space for space in spaces.root if space.members is not None), None)
    typed = next((space for space in spaces.member if space.members is not None), None)
    if listing is None or typed is None:
        return []
    found = []
    for kind in (
        None,
        *range(typed.members.shape[1] if typed.members is not None and typed.members.shape[1] > 1 else 0),
    ):
        gaps = [gap for root in listing.tables for gap in _gaps(scenario, spaces, figures, listing, typed, root, kind)]
        told = [gap for gap in gaps if np.abs(gap.outside).max() > 0]
        if told:
            found.append(max(told, key=lambda gap: float(np.abs(gap.outside).sum())))
    return found


def _gaps(
    scenario: Scenario, spaces: Spaces, figures: Figures, listing: Space, typed: Space, root: str, kind: int | None
) -> list[ReachGap]:
    table = spaces.views[root].table
    if table.universe is not None or root not in figures.scaled or listing.members is None:
        return []
    listed = listing.members.sum(axis=1) if kind is None else listing.members[:, kind]
    per_cell = _extremes(listing.of(root), listed, figures.scaled[root].shape[1])
    closed = _closed_classes(spaces, listing, root, listed)
    found = []
    for name, least, most, cells in _member_sides(scenario, spaces, figures, typed, kind):
        level = common_level(scenario, spaces.views[name].table.zone_level, table.zone_level)
        own = spaces.views[name].table.zone_level
        counts = at_level(scenario, figures.scaled[root], table.zone_level, level)
        sides = [at_level(scenario, side, own, level) for side in (least, most)]
        variance = at_level(scenario, figures.variances[name].sum(axis=1), own, level)
        if counts is None or variance is None or sides[0] is None or sides[1] is None:
            continue
        low, high = ((counts * _in_units(scenario, per_cell, closed, side, level)).sum(axis=1) for side in (0, 1))
        implied = _implied(counts.sum(axis=0), per_cell, float(sides[0].sum())) if kind is None else (None, None)
        found.append(ReachGap(name, root, level, cells, sides[0], sides[1], low, high, variance, *implied))
    return found


def _member_sides(
    scenario: Scenario, spaces: Spaces, figures: Figures, typed: Space, kind: int | None
) -> list[tuple[str, FloatArray, FloatArray, tuple[int, ...]]]:
    """Tables that count members (of a type): at least and at most how many, per unit, and in which cells."""
    if kind is None:
        reference = figures.references.get(typed.entity)
        totals = None if reference is None else totals_of(scenario, reference, reference.zone_level)
        is_held = reference is not None and reference.name in spaces.views
        return (
            [(reference.name, totals, totals, ())] if reference is not None and totals is not None and is_held else []
        )
    assert typed.members is not None
    found, is_kind = [], typed.members[:, kind] > 0
    for name in typed.tables:
        if name in figures.scaled and spaces.views[name].table.universe is None:
            cells = np.arange(figures.scaled[name].shape[1])
            touched, left = (np.isin(cells, typed.of(name)[part]) for part in (is_kind, ~is_kind))
            values = figures.scaled[name]
            least, most = values[:, touched & ~left].sum(axis=1), values[:, touched].sum(axis=1)
            found.append((name, least, most, tuple(np.flatnonzero(touched).tolist())))
    return found


def _extremes(cells: IntArray, listed: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
    """The fewest and the most members that a root record of each cell can list."""
    low, high = np.full(count, np.inf), np.zeros(count)
    np.minimum.at(low, cells, listed.astype(float))
    np.maximum.at(high, cells, listed.astype(float))
    return np.where(np.isfinite(low), low, 0.0), high


def _closed_classes(
    spaces: Spaces, listing: Space, root: str, listed: IntArray
) -> list[tuple[int, str | None, tuple[FloatArray, FloatArray]]]:
    """Cells of the root table that a table of shares divides further (how 4 or more divides, say).

    Per such cell the shares' level and, per unit of it, the fewest and most members a record has on average.
    """
    found = []
    for name in listing.tables:
        table = spaces.views[name].table
        if table.measure != "share" or table.universe is None or not spaces.views[name].is_whole:
            continue
        inside = listing.of(name) >= 0
        cells = np.unique(listing.of(root)[inside])
        if len(cells) == 1 and not (listing.of(root)[~inside] == cells[0]).any():
            low, high = _extremes(listing.of(name)[inside], listed[inside], table.unit_cells)
            shares = table.target.reshape(table.units, -1)
            found.append((int(cells[0]), table.zone_level, (shares @ low, shares @ high)))
    return found


def _in_units(
    scenario: Scenario,
    per_cell: tuple[FloatArray, FloatArray],
    closed: list[tuple[int, str | None, tuple[FloatArray, FloatArray]]],
    side: int,
    level: str | None,
) -> FloatArray:
    """The fewest (0) or most (1) members per record of each cell, in every unit: (units, cells)."""
    found = np.tile(per_cell[side], (level_size(scenario, level), 1))
    for cell, own, averages in closed:
        units = mapping(scenario, level, own)
        if units is not None:
            found[:, cell] = averages[side][units]
    return found


def _implied(
    counts: FloatArray, per_cell: tuple[FloatArray, FloatArray], members: float
) -> tuple[int | None, float | None]:
    """The only cell whose records may list more or fewer members, and how many each would on average."""
    low, high = per_cell
    wide = np.flatnonzero(high > low)
    if len(wide) != 1 or counts[wide[0]] <= 0:
        return None, None
    cell = int(wide[0])
    rest = float((counts * low).sum() - counts[cell] * low[cell])
    return cell, (members - rest) / float(counts[cell])
