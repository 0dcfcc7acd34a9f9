"""The nearest targets that can be met, where an allocation finds no way to meet all exact cells.

minimise the sum of |slack| over the exact cells, such that A x + slack = wanted, x >= 0 (an elastic linear program).
A vertex of it misses few cells by what has to be missed, where the penalised allocation would smear the contradiction
over all neighbours; its multipliers tell which tables are at odds (Farkas' lemma). A second program finds the rows that
can have weight at all: tables that leave no choice (as many cars missing as households of two or more) force others to
zero, which multipliers reach only at infinity.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from schemas.model import BoolArray, FloatArray, IntArray
from synthesis.condensing import distinct_rows
from synthesis.system import System

NOTICEABLE = 1e-6
YIELDING = 0.01
"""How much more a record of slack costs in the first table than in the last: of two at odds, the later one yields."""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """`system`: aims that can be met; `prior`: without rows that cannot have weight; `tables`: those at odds."""

    system: System
    prior: FloatArray
    slack: FloatArray
    tables: tuple[str, ...]

    @property
    def largest(self) -> float:
        """Records by which the aim of one cell was moved at most."""
        return float(np.abs(self.slack).max(initial=0.0))


def relax(system: System, prior: FloatArray) -> Relaxation | None:
    """The nearest exact targets that rows of positive prior can meet; None where no slack would help."""
    cells = system.exact & ~system.shares
    usable = np.flatnonzero(prior > 0)
    if not cells.any() or len(usable) == 0:
        return None
    patterns, pattern_of_row = _patterns(system, usable, cells)
    wanted = (system.aim - system.committed)[cells]
    found = _elastic(patterns, wanted, _cost(system)[cells])
    if found is None:
        return None
    kept = prior.copy()
    kept[usable[~_supported(patterns, wanted - found[0])[pattern_of_row]]] = 0.0
    slack, multipliers = np.zeros(len(system.aim)), np.zeros(len(system.aim))
    slack[cells], multipliers[cells] = found
    slack[np.abs(slack) < NOTICEABLE] = 0.0
    at_odds = np.unique(_tables(system)[np.abs(multipliers) > NOTICEABLE]) if slack.any() else ()
    named = tuple(str(name) for name in at_odds if name)
    return Relaxation(replace(system, aim=system.aim - slack), kept, slack, named)


def _tables(system: System) -> NDArray[np.str_]:
    return np.repeat([b.table for b in system.blocks], [b.stop - b.start for b in system.blocks])


def _patterns(system: System, usable: IntArray, cells: BoolArray) -> tuple[FloatArray, IntArray]:
    """The distinct ways in which usable rows add to the exact cells, shape (patterns, cells), and each row's."""
    part = system.matrix[usable][:, np.flatnonzero(cells)]
    first, pattern_of_row = distinct_rows(part)
    return part[first].toarray(), pattern_of_row


def _cost(system: System) -> FloatArray:
    """Cost of a record of slack; 0 marks what may not move.

    A zone's number of records stays, and so do cells that want nothing, which no usable row adds to.
    """
    names = [block.table for block in system.blocks]
    first = {name: names.index(name) for name in names}
    rank = np.repeat([first[b.table] for b in system.blocks], [b.stop - b.start for b in system.blocks])
    cost = 1 + YIELDING * (1 - rank / len(names))
    return np.where((_tables(system) == "") | (system.aim - system.committed <= 0), 0.0, cost)


def _elastic(patterns: FloatArray, wanted: FloatArray, cost: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Slack and multiplier per cell; None where not even slack helps (a zone without a usable row)."""
    count, movable = len(patterns), np.flatnonzero(cost)
    unit = sparse.csr_matrix((np.ones(len(movable)), (movable, np.arange(len(movable)))), (len(wanted), len(movable)))
    equalities = sparse.hstack([sparse.csr_matrix(patterns.T), unit, -unit]).tocsc()
    costs = np.concatenate([np.zeros(count), cost[movable], cost[movable]])
    solved = linprog(costs, A_eq=equalities, b_eq=wanted, bounds=(0, None), method="highs")
    if solved.status != 0:
        return None
    slack = np.zeros(len(wanted))
    slack[movable] = solved.x[count : count + len(movable)] - solved.x[count + len(movable) :]
    return slack, np.asarray(solved.eqlin.marginals)


def _supported(patterns: FloatArray, reachable: FloatArray) -> BoolArray:
    """Patterns that have weight in some solution of patterns' x = reachable.

    maximise the sum of t, such that patterns' (t + rest) = scale * reachable, 0 <= t <= 1, rest >= 0, scale >= 1: at
    the optimum t is 1 wherever it can be more than 0.
    """
    count = len(patterns)
    columns = sparse.csr_matrix(patterns.T)
    equalities = sparse.hstack([columns, columns, sparse.csr_matrix(-reachable[:, None])]).tocsc()
    cost = np.concatenate([-np.ones(count), np.zeros(count + 1)])
    bounds = [(0, 1)] * count + [(0, None)] * count + [(1, None)]
    solved = linprog(cost, A_eq=equalities, b_eq=np.zeros(len(reachable)), bounds=bounds, method="highs")
    if solved.status != 0:
        return np.ones(count, dtype=bool)
    supported: BoolArray = solved.x[:count] > 0.5
    return supported
