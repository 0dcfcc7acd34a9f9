"""Free texts of records: what the reply says that their plan row comes from, else an example, else nothing.

The engine never sees them. A record's plan row leads to its proposal, a member's place to the one listed there.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from schemas.model import Entity, IntArray, Scenario, TextVariable
from schemas.proposal import Text, Values
from synthesis.plan import Plan
from synthesis.records import Records
from synthesis.reply_rows import Offered, first_reply


class Texts(NamedTuple):
    """A column: `pool[codes]`; None is no text."""

    codes: IntArray
    pool: tuple[str | None, ...]


def has_texts(scenario: Scenario) -> bool:
    """Whether records have free text."""
    return any(entity.texts for entity in scenario.entities)


def texts_of(
    scenario: Scenario,
    plan: Plan,
    plan_rows: IntArray,
    records: Records,
    offered: Sequence[Offered],
    rng: np.random.Generator,
) -> tuple[Mapping[str, Texts], Mapping[str, Texts]]:
    """The texts of drawn records, of each one's plan row, and those of their members."""
    number = plan.proposal[plan_rows] - first_reply(scenario)
    number = np.where((number >= 0) & (number < len(offered)), number, len(offered))
    root = _columns(scenario.root, [one.proposal.values for one in offered], number, rng)
    if scenario.member is None:
        return root, {}
    listed = np.array([*(len(one.proposal.members) for one in offered), 0], dtype=np.int64)
    first = np.cumsum(listed) - listed
    theirs = number[records.parent]
    place = np.arange(records.member_count) - np.searchsorted(records.parent, records.parent)
    every = [values for one in offered for values in one.proposal.members]
    # Members that no proposal lists were drawn along the chain.
    entry = np.where(place < listed[theirs], first[theirs] + place, len(every))
    return root, _columns(scenario.member, every, entry, rng)


def _columns(entity: Entity, written: Sequence[Values], entry: IntArray, rng: np.random.Generator) -> dict[str, Texts]:
    return {text.name: _column(text, written, entry, rng) for text in entity.texts}


def _column(variable: TextVariable, written: Sequence[Values], entry: IntArray, rng: np.random.Generator) -> Texts:
    """One of its texts for every entry of `written`, evenly; the entry after the last stands for no reply."""
    otherwise: tuple[str | None, ...] = variable.examples or (None,)
    found = [values.get(variable.name) for values in written]
    choices = [one.texts if isinstance(one, Text) else otherwise for one in found]
    choices.append(otherwise)
    sizes = np.array([len(one) for one in choices], dtype=np.int64)
    start = np.cumsum(sizes) - sizes
    drawn = np.floor(rng.random(len(entry)) * sizes[entry]).astype(np.int64)
    return Texts(start[entry] + drawn, tuple(text for one in choices for text in one))
