"""Guidance: what a proposal prompt tells a proposer, in a form that programs can read as well.

A prompt carries it in one or more fenced blocks of JSON lines (`synthesis/guidance_text.py`), so that people, models,
plugged-in proposers and test instruments all read the same.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GuidedVariable(_Frozen):
    """A variable the proposer sets. Integers include both ends of low..high; numbers lie in [low, high)."""

    name: str
    entity: str
    kind: Literal["category", "integer", "number", "text"]
    categories: tuple[str, ...] = ()
    left_out: int = 0
    """Categories that are not listed for length; the guidance's cells may name them."""
    low: float | None = None
    high: float | None = None
    length: int | None = None
    """Of a text: characters at most."""
    description: str = ""


class GuidedCell(_Frozen):
    """A cell of a target table: `missing` is target minus synthetic, in shares of the entity's records.

    `where` gives a category or a half-open interval [low, high) per variable of the table.
    """

    table: str
    entity: str
    where: dict[str, str | tuple[float, float]]
    target: float
    missing: float


class Asked(_Frozen):
    """What is wanted: at most `proposals` proposals that stand for `records` root records."""

    proposals: int
    records: int
    root: str
    member: str | None = None
    count: str | None = None
    """The root variable that says how many members are listed."""


class Guidance(_Frozen):
    """All of it."""

    asked: Asked
    variables: tuple[GuidedVariable, ...] = ()
    cells: tuple[GuidedCell, ...] = ()
