"""Applying a prior's relations to a draft: the first that applies sets a value."""

from collections.abc import Iterable

import numpy as np

from schemas.expression import Aggregate
from schemas.model import BoolArray, FloatArray, IntArray, Variable
from schemas.prior import Difference, Distribution, Prior, Relation, SameAs
from synthesis.distributions import draw_values, is_possible
from synthesis.evaluation import walk
from synthesis.prior_draft import ABSENT, Draft, Position

TRIES = 16
"""Draws of a difference until it leads to a value that the archetype allows."""
Limits = dict[int, Distribution]
"""Per member part, what its archetype allows of a variable."""


def looks_at_members(relation: Relation) -> bool:
    """Whether a relation's condition counts or sums over members."""
    return relation.when is not None and any(isinstance(part, Aggregate) for part in walk(relation.when))


def apply_relations(
    draft: Draft,
    prior: Prior,
    relations: Iterable[Relation],
    position: Position,
    limits: Limits,
    rng: np.random.Generator,
) -> None:
    """Set, in file order, what relations of one variable say where it is unset at a position."""
    for relation in relations:
        rows = _rows(draft, prior, relation, position)
        if len(rows) == 0:
            continue
        variable = draft.scenario.variable(relation.entity, relation.variable)
        assert isinstance(variable, Variable)
        follows = relation.follows
        if isinstance(follows, Difference):
            assert position is not None
            _differ(draft, prior, follows, variable, position, rows, limits, rng)
        elif isinstance(follows, SameAs):
            assert position is not None
            _copy(draft, prior, follows, variable, position, rows, limits, rng)
        else:
            draft.put(position, variable.name, rows, draw_values(follows, variable.kind, len(rows), rng))


def _rows(draft: Draft, prior: Prior, relation: Relation, position: Position) -> IntArray:
    """Where the relation applies: unset, of its role and source, its condition true."""
    free = draft.exists(position) & ~draft.known(position, relation.variable) & (draft.source == relation.source)
    if relation.roles and position is not None:
        free &= np.isin(draft.role[position], list(relation.roles))
    rows = np.flatnonzero(free)
    if relation.when is None or len(rows) == 0:
        return rows
    if position is None and looks_at_members(relation):
        return rows[draft.holds_in_record(relation.when, rows)]
    return rows[draft.holds(relation.when, position, rows, prior)]


def _other(
    draft: Draft, prior: Prior, follows: Difference | SameAs, name: str, position: int, rows: IntArray
) -> tuple[FloatArray, IntArray]:
    """The other member's value, and for which of the rows (as indices into them) there is one."""
    values, found = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
    for role in follows.roles:
        code = prior.roles.index(role) if role in prior.roles else role
        positions = draft.others(position, rows, code)
        theirs, is_set = draft.gather(positions, rows, name)
        is_set &= ~found
        if follows.where is not None:
            for at in np.unique(positions[is_set]):
                here = np.flatnonzero(is_set & (positions == at))
                is_set[here] = draft.holds(follows.where, int(at), rows[here], prior)
        values[is_set], found = theirs[is_set], found | is_set
    return values, np.flatnonzero(found)


def _differ(
    draft: Draft,
    prior: Prior,
    follows: Difference,
    variable: Variable,
    position: int,
    rows: IntArray,
    limits: Limits,
    rng: np.random.Generator,
) -> None:
    theirs, found = _other(draft, prior, follows, variable.name, position, rows)
    rows, theirs = rows[found], theirs[found]
    values, waiting = np.zeros(len(rows)), np.arange(len(rows))
    for _ in range(TRIES):
        if len(waiting) == 0:
            break
        drawn = theirs[waiting] + draw_values(follows.distribution, variable.kind, len(waiting), rng)
        values[waiting] = drawn
        waiting = waiting[~_are_allowed(draft, variable, position, rows[waiting], drawn, limits)]
    draft.broken[rows[waiting]] = True
    values = np.clip(values, variable.low, variable.high)
    draft.put(position, variable.name, rows, values)


def _copy(
    draft: Draft,
    prior: Prior,
    follows: SameAs,
    variable: Variable,
    position: int,
    rows: IntArray,
    limits: Limits,
    rng: np.random.Generator,
) -> None:
    """Rows that do not copy are left to what follows."""
    theirs, found = _other(draft, prior, follows, variable.name, position, rows)
    rows, theirs = rows[found], theirs[found]
    same = rng.random(len(rows)) < follows.probability
    same &= _are_allowed(draft, variable, position, rows, theirs, limits)
    draft.put(position, variable.name, rows[same], theirs[same])


def _are_allowed(
    draft: Draft, variable: Variable, position: int, rows: IntArray, values: FloatArray, limits: Limits
) -> BoolArray:
    allowed = np.ones(len(rows), dtype=bool)
    if variable.kind != "category":
        allowed = (values >= variable.low) & (values < variable.high + (variable.kind == "integer"))
    part = draft.part[position, rows]
    for index in np.unique(part[part != ABSENT]).tolist():
        if index in limits:
            inside = part == index
            allowed[inside] &= is_possible(limits[index], values[inside])
    return allowed
