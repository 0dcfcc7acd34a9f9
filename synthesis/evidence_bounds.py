"""How far tables that hold two variables apart fix them together.

Over the patterns of the tables that link the two: the maximum-entropy joint distribution (an even one, raked), and
the extreme ones that linear programs find by making single cells as large and as small as the tables allow. The tables
leave open at least the range of associations found so; members are looked at one by one, not as households.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog, nnls

from schemas.model import FloatArray, IntArray, Scenario
from synthesis.binning import Key
from synthesis.levels import at_level
from synthesis.spaces import Spaces

MAX_PATTERNS = 3000
MAX_CELLS = 6
"""Cells of the pair's joint table that are driven to their extremes: those that hold most."""
SWEEPS = 200
FIRMLY, SMALLEST = 1e4, 1e-6
"""Weight of what the tables ask against independence; the smallest share that is told apart from none."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Cramér's V of the maximum-entropy distribution, and the lowest and highest found among the extreme ones."""

    entropy: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Ground:
    """Patterns with their even weights, and what the tables ask of shares of them: rows @ x = wanted."""

    weights: FloatArray
    rows: FloatArray
    wanted: FloatArray


def bound_pair(scenario: Scenario, spaces: Spaces, one: Key, other: Key, through: tuple[str, ...]) -> Bounds | None:
    """The bounds of a pair; None where the two are not in one space, or it is too large."""
    first, second = _axis_of(spaces, one, through), _axis_of(spaces, other, through)
    if first is None or second is None or second[0] not in spaces.holding(first[0]).tables:
        return None
    space = spaces.holding(first[0])
    names = [name for name in dict.fromkeys([first[0], second[0], *through]) if name in space.tables]
    cells = np.stack([space.of(name) for name in names], axis=1)
    patterns, of_pattern = np.unique(cells, axis=0, return_inverse=True)
    if len(patterns) > MAX_PATTERNS:
        return None
    weights = np.bincount(of_pattern.ravel(), weights=space.weights, minlength=len(patterns)).astype(float)
    ground = _feasible(_ground(scenario, spaces, names, patterns, weights))
    if ground is None:
        return None
    bins = [_bins(spaces, axis, patterns[:, names.index(axis[0])]) for axis in (first, second)]
    return _range(ground, bins[0], bins[1])


def cramers_v(joint: FloatArray) -> float:
    """Cramér's V of a joint distribution: 0 for independence, 1 where one variable decides the other."""
    rows, columns = joint.sum(axis=1), joint.sum(axis=0)
    expected = np.outer(rows, columns)
    used = expected > 0
    chi = float(((joint - expected)[used] ** 2 / expected[used]).sum() / max(joint.sum(), 1e-300))
    degrees = min(int((rows > 0).sum()), int((columns > 0).sum())) - 1
    return float(np.sqrt(min(chi / degrees, 1.0))) if degrees > 0 else 0.0


def _axis_of(spaces: Spaces, key: Key, through: tuple[str, ...]) -> tuple[str, int] | None:
    """The table (over everybody, and of those that link the pair, if there is one) and its axis that bin a variable."""
    found = [
        (view.table.universe is not None, name not in through, name, i)
        for name, view in spaces.views.items()
        for i in view.kept
        if view.cells.keys[i] == key
    ]
    return min(found, key=lambda f: f[:2])[2:] if found else None


def _bins(spaces: Spaces, axis: tuple[str, int], cells: IntArray) -> IntArray:
    """The bin of every pattern along one axis of a table; the last is for those outside its universe."""
    view = spaces.views[axis[0]]
    shape = tuple(len(view.table.axes[i]) for i in view.kept)
    position = view.kept.index(axis[1])
    return np.where(cells >= 0, np.unravel_index(np.maximum(cells, 0), shape)[position], shape[position])


def _ground(scenario: Scenario, spaces: Spaces, names: list[str], patterns: IntArray, weights: FloatArray) -> _Ground:
    rows, wanted = [np.ones((1, len(patterns)))], [np.ones(1)]
    for i, name in enumerate(names):
        view = spaces.views[name]
        summed = at_level(scenario, view.values(view.table.target), view.table.zone_level, None)
        if summed is None or summed.sum() <= 0:
            continue
        shares = summed[0] / summed[0].sum()
        inside = (patterns[:, i] == np.arange(len(shares))[:, None]).astype(float)
        # A table with a universe speaks of shares of that universe only.
        if view.table.universe is not None:
            inside, shares = inside - shares[:, None] * (patterns[:, i] >= 0), np.zeros(len(shares))
        rows.append(inside)
        wanted.append(shares)
    return _Ground(weights, np.vstack(rows), np.concatenate(wanted))


def _feasible(ground: _Ground) -> _Ground | None:
    """The same with the nearest demands that can be met together."""
    count, width = ground.rows.shape
    equalities = np.hstack([ground.rows, np.eye(count)[:, 1:], -np.eye(count)[:, 1:]])
    costs = np.concatenate([np.zeros(width), np.ones(2 * (count - 1))])
    solved = linprog(costs, A_eq=equalities, b_eq=ground.wanted, bounds=(0, None), method="highs")
    return _Ground(ground.weights, ground.rows, ground.rows @ solved.x[:width]) if solved.status == 0 else None


def _range(ground: _Ground, first: IntArray, second: IntArray) -> Bounds:
    shape = int(first.max()) + 1, int(second.max()) + 1
    flat = first * shape[1] + second

    def association(shares: FloatArray) -> float:
        counted = np.bincount(flat, weights=shares, minlength=shape[0] * shape[1]).astype(float)
        return cramers_v(counted.reshape(shape))

    entropy = _raked(ground)
    mass = np.bincount(flat, weights=entropy, minlength=shape[0] * shape[1]).astype(float)
    found = [association(entropy), association(_most_independent(ground, flat, mass.reshape(shape)))]
    for cell in np.argsort(-mass, kind="stable")[:MAX_CELLS]:
        for sign in (1.0, -1.0):
            cost = sign * (flat == cell)
            solved = linprog(cost, A_eq=ground.rows, b_eq=ground.wanted, bounds=(0, None), method="highs")
            if solved.status == 0:
                found.append(association(solved.x))
    return Bounds(found[0], min(found), max(found))


def _most_independent(ground: _Ground, flat: IntArray, joint: FloatArray) -> FloatArray:
    """The shares that the tables allow whose joint is nearest to independence of the entropy's margins (chi-square)."""
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0)).ravel()
    scale = 1 / np.sqrt(np.maximum(product, SMALLEST))
    cells = (flat == np.arange(len(product))[:, None]) * scale[:, None]
    system = np.vstack([cells, ground.rows * FIRMLY])
    return np.asarray(nnls(system, np.concatenate([product * scale, ground.wanted * FIRMLY]))[0])


def _raked(ground: _Ground) -> FloatArray:
    """The maximum-entropy shares: exp of a sum of multipliers times the even weights, by damped Newton on the dual."""
    rows, wanted = ground.rows, ground.wanted
    multipliers = np.zeros(len(wanted))
    base = ground.weights / ground.weights.sum()
    shares = base
    for _ in range(SWEEPS):
        shares = base * np.exp(np.clip(rows.T @ multipliers, -500, 50))
        residual = wanted - rows @ shares
        if np.abs(residual).max() < 1e-9:
            break
        hessian = (rows * shares) @ rows.T + 1e-10 * np.eye(len(wanted))
        step = np.linalg.lstsq(hessian, residual, rcond=None)[0]
        multipliers += step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
    return shares / shares.sum()
