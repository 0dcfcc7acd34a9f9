"""The structural prior as the engine uses it: archetypes of nested records, and relations between their members.

Built by `adapters.prior_files` from a scenario's `prior/` folder; checked and frozen.
"""

from dataclasses import dataclass

from schemas.expression import Node

ROLE = "role"
"""Name under which a member's role is seen by a prior's conditions."""
PREVIOUS = "previous"
"""Instead of a role: the member before, if it is of the same kind (an older sibling)."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Intervals [low, high), uniform inside, with weights that sum to 1; category code c is [c, c + 1).

    Where low == high the value is exactly that number.
    """

    lows: tuple[float, ...]
    highs: tuple[float, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Normal:
    """A normal distribution truncated to [low, high]; with `is_log` that of the logarithm, and `mean` the median."""

    mean: float
    deviation: float
    low: float
    high: float
    is_log: bool = False


Distribution = Mix | Normal


@dataclass(frozen=True, slots=True)
class Setting:
    """How a variable is drawn."""

    variable: str
    distribution: Distribution


@dataclass(frozen=True, slots=True)
class MemberPart:
    """`number` members of a role (an index into the prior's roles)."""

    role: int
    number: Distribution
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Archetype:
    """A kind of root record with its members and its share among the archetypes; `source` says whose it is."""

    name: str
    share: float
    reason: str
    source: int
    when: Node | None
    settings: tuple[Setting, ...]
    members: tuple[MemberPart, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """The value is that of another member plus a draw; the other is the first of `roles` that obeys `where`."""

    roles: tuple[str, ...]
    where: Node | None
    distribution: Distribution


@dataclass(frozen=True, slots=True)
class SameAs:
    """With `probability` the value is that of another member, else this relation says nothing."""

    roles: tuple[str, ...]
    where: Node | None
    probability: float


@dataclass(frozen=True, slots=True)
class Relation:
    """How a variable of the root or of members in `roles` (empty: all) follows from what is known already."""

    name: str
    reason: str
    source: int
    entity: str
    variable: str
    roles: frozenset[int]
    when: Node | None
    follows: Difference | SameAs | Distribution


@dataclass(frozen=True, slots=True)
class PriorSource:
    """One file: who says so, and since when; a model and its prompt version where a language model wrote it."""

    path: str
    author: str
    date: str
    model: str = ""
    prompt_version: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Prior:
    """Everything the files of `prior/` say. Shares sum to 1 over all of them."""

    roles: tuple[str, ...]
    role_variable: str | None
    archetypes: tuple[Archetype, ...]
    relations: tuple[Relation, ...]
    sources: tuple[PriorSource, ...]
