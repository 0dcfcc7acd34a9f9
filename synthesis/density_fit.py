"""The densities of a scenario's numeric variables, from what its tables say about them.

Everybody's curve runs through the cumulative points of all tables over the variable, zones taken together: by zone,
shapes inside bins proved no better than pooled ones, and worse where zones are small. Published bins with few records
are joined first, since their counts are mostly noise. Where a joint table tells the variable apart by others, each of
their cells gets a curve of its own, in proportion to how its smooth distribution differs from everybody's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from schemas.model import Axis, Derived, FloatArray, Scenario, TargetTable, Variable
from synthesis.binning import Grid, Grids, axis_lookup
from synthesis.density import Density, Given, build_density
from synthesis.interpolation import cumulative_at
from synthesis.labels import is_open_above

MAX_STEPS, ALL_STEPS = 64, 1024
"""Steps of an atom, at most, and roughly of all atoms."""
RELIABLE_RECORDS = 100
"""Neighbouring bins are joined until they count as many records (or an eighth of all)."""
SHRINKAGE_RECORDS = 100
"""Records of everybody's distribution that are added to each one given other variables."""
MAX_CURVES = 128
SWEEPS = 30


@dataclass(frozen=True, slots=True)
class _Margin:
    """A table's own distribution of a variable over bins that hold all its values."""

    edges: FloatArray
    counts: FloatArray
    is_open: bool


@dataclass(frozen=True, slots=True)
class _Joint:
    """A table as (cells of other variables, bins), and those variables."""

    edges: FloatArray
    counts: FloatArray
    is_open: bool
    given: tuple[Given, ...]


def fit_densities(scenario: Scenario, grids: Grids) -> Grids:
    """The grids with a density for every numeric variable that the proposer sets."""
    found = {}
    for entity in scenario.entities:
        for variable in entity.variables:
            grid = grids.of(entity.name, variable.name)
            if grid.edges is not None:
                found[entity.name, variable.name] = _fit(scenario, grids, entity.name, variable, grid)
    return replace(grids, densities=found)


def _fit(scenario: Scenario, grids: Grids, entity: str, variable: Variable, grid: Grid) -> Density:
    assert grid.edges is not None
    margins = list(_margins(scenario, entity, variable))
    knots = _knots(margins) if margins else _Margin(grid.edges[[0, -1]], np.ones(1), False)
    is_integer = variable.kind == "integer"
    points = _points(grid.edges, is_integer, knots)
    if variable.prior_weights is not None:
        weights = np.concatenate(([0.0], np.cumsum(variable.prior_weights)))
        below = weights[(points - variable.low).astype(np.int64)]
        return build_density(is_integer, points, np.diff(below / weights[-1], axis=1)[None])
    everybody = _step_masses(knots, points)
    joint = _best_joint(scenario, grids, entity, variable)
    if joint is None:
        return build_density(is_integer, points, everybody[None])
    curves = np.concatenate([everybody[None], everybody * _ratios(joint, points)])
    return build_density(is_integer, points, curves / curves.sum(axis=(1, 2), keepdims=True), joint.given)


def _points(edges: FloatArray, is_integer: bool, knots: _Margin) -> FloatArray:
    """The ends of each atom's steps: evenly spaced, by ratio in an open class; whole numbers for an integer."""
    steps = min(max(ALL_STEPS // (len(edges) - 1), 8), MAX_STEPS)
    lows, highs = edges[:-1, None], edges[1:, None]
    shares = np.linspace(0, 1, steps + 1)
    points = lows + (highs - lows) * shares
    if knots.is_open and knots.edges[-2] > 0:
        in_tail = edges[:-1] >= knots.edges[-2]
        points[in_tail] = lows[in_tail] * (highs[in_tail] / lows[in_tail]) ** shares
    points = np.round(points) if is_integer else points
    points[:, 0], points[:, -1] = edges[:-1], edges[1:]
    return points


def _step_masses(margin: _Margin, points: FloatArray) -> FloatArray:
    shares = margin.counts / margin.counts.sum()
    below = cumulative_at(margin.edges, shares, points.ravel(), margin.is_open)
    return np.maximum(np.diff(below.reshape(points.shape), axis=1), 0)


def _ratios(joint: _Joint, points: FloatArray) -> FloatArray:
    """How much more of a curve's records lie in a step than of everybody's: (curves, atoms, steps)."""
    pooled = joint.counts.sum(axis=0)
    shrunk = joint.counts + SHRINKAGE_RECORDS * pooled / pooled.sum()
    masses = np.stack([_step_masses(_Margin(joint.edges, row, joint.is_open), points) for row in shrunk])
    average = np.average(masses, axis=0, weights=shrunk.sum(axis=1))
    return np.divide(masses, average, out=np.ones(masses.shape), where=average > 0)


def _margins(scenario: Scenario, entity: str, variable: Variable) -> Iterator[_Margin]:
    """The tables' distributions of the variable; those of a universe only where no table is over everybody."""
    tables = [table for table, _ in _tables_over(scenario, entity, variable)]
    everybody = [table for table in tables if table.universe is None]
    for table in everybody or tables:
        counts, axis = _pooled(scenario, table), _axis_index(table, variable.name)
        margin = counts.sum(axis=tuple(i for i in range(counts.ndim) if i != axis))
        yield _Margin(_edges(table.axes[axis]), margin, is_open_above(table.axes[axis].labels[-1]))


def _knots(margins: list[_Margin]) -> _Margin:
    """The points a curve runs through: all tables' edges, their shares reconciled by raking, thin bins joined."""
    edges = np.unique(np.concatenate([margin.edges for margin in margins]))
    shares = np.diff(edges) / (edges[-1] - edges[0])
    bins = [np.searchsorted(margin.edges, edges[:-1], side="right") - 1 for margin in margins]
    for _ in range(SWEEPS if len(margins) > 1 else 1):
        for margin, place in zip(margins, bins, strict=True):
            current = np.bincount(place, weights=shares, minlength=len(margin.counts))
            wanted = margin.counts / margin.counts.sum()
            shares = shares * np.divide(wanted, current, out=np.zeros(len(wanted)), where=current > 0)[place]
    is_open = len(edges) > 2 and any(margin.is_open and margin.edges[-2] == edges[-2] for margin in margins)
    return _join_thin(_Margin(edges, shares * max(margin.counts.sum() for margin in margins), is_open))


def _join_thin(margin: _Margin) -> _Margin:
    """The margin with neighbouring thin bins joined until they count enough records; an open class stays by itself."""
    least = min(RELIABLE_RECORDS, margin.counts.sum() / 8)
    closed = len(margin.counts) - margin.is_open
    kept, waiting = [0], 0.0
    for index, count in enumerate(margin.counts[:closed]):
        if count >= least and kept[-1] < index:
            kept.append(index)
        waiting = count if kept[-1] == index else waiting + count
        if waiting >= least:
            kept.append(index + 1)
    kept = sorted({*kept, closed, len(margin.counts)})
    return _Margin(margin.edges[kept], np.add.reduceat(margin.counts, kept[:-1]), margin.is_open)


def _best_joint(scenario: Scenario, grids: Grids, entity: str, variable: Variable) -> _Joint | None:
    """The table whose other variables say most about this one, if they say more than its noise would."""
    best, most = None, 0.0
    for table, owners in _tables_over(scenario, entity, variable):
        axis = _axis_index(table, variable.name)
        others = [i for i in range(len(table.axes)) if i != axis]
        curves = int(np.prod([len(table.axes[i]) for i in others]))
        if table.universe is not None or not others or curves > MAX_CURVES:
            continue
        given = tuple(_given(scenario, grids, owners[i], table.axes[i]) for i in others)
        counts = np.moveaxis(_pooled(scenario, table), axis, -1).reshape(curves, -1)
        said = _information(counts)
        if said > most and all(one is not None for one in given):
            is_open = is_open_above(table.axes[axis].labels[-1])
            best, most = _Joint(_edges(table.axes[axis]), counts, is_open, given), said  # type: ignore[arg-type]
    return best


def _given(scenario: Scenario, grids: Grids, owner: str, axis: Axis) -> Given | None:
    """The variable as one that selects curves; None where it is derived, or where not all its values have a bin."""
    if isinstance(scenario.variable(owner, axis.variable), Derived):
        return None
    lookup = axis_lookup(axis, grids.of(owner, axis.variable))[:-1]
    return None if (lookup < 0).any() else Given(axis.variable, lookup, len(axis))


def _information(counts: FloatArray) -> float:
    """Mutual information of rows and columns in nats, less what independent counts would show on average."""
    total = counts.sum()
    joint = counts / total
    product = joint.sum(axis=1)[:, None] * joint.sum(axis=0)
    some = joint > 0
    found = float((joint[some] * np.log(joint[some] / product[some])).sum())
    rows, columns = (int(np.count_nonzero(counts.sum(axis=i))) for i in (1, 0))
    return found - (rows - 1) * (columns - 1) / (2 * total)


def _tables_over(scenario: Scenario, entity: str, variable: Variable) -> Iterator[tuple[TargetTable, tuple[str, ...]]]:
    """The entity's tables whose bins hold all values of the variable and count somebody; and each axis' owner."""
    own = scenario.entity(entity)
    end = variable.high + 1 if variable.kind == "integer" else variable.high
    for table in scenario.tables:
        owners = tuple(entity if own.find(axis.variable) else scenario.root.name for axis in table.axes)
        for axis, owner in zip(table.axes, owners, strict=True):
            if table.entity == entity == owner and axis.variable == variable.name and table.target.sum() > 0:
                edges = _edges(axis)
                if edges[0] == variable.low and edges[-1] == end and (axis.lows[1:] == axis.highs[:-1]).all():  # type: ignore[index]
                    yield table, owners


def _pooled(scenario: Scenario, table: TargetTable) -> FloatArray:
    """The table with its zones taken together, in records; shares stand for as many as the scenario has."""
    counts = table.target.sum(axis=0)
    return counts if table.measure == "count" else counts * ((scenario.size or RELIABLE_RECORDS**2) / counts.sum())


def _axis_index(table: TargetTable, name: str) -> int:
    return next(i for i, axis in enumerate(table.axes) if axis.variable == name)


def _edges(axis: Axis) -> FloatArray:
    assert axis.lows is not None
    assert axis.highs is not None
    return np.append(axis.lows, axis.highs[-1])
