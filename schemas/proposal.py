"""Proposals: what a proposer suggests, one nested object each. The form a reply is checked into, before compilation.

On the wire a value may be written short: `"Male"`, `35`, `[18, 35]`, `[{"category": "Car", "weight": 0.7}, ...]`, and
of a free text `"to the market"` or `["to the market", "to school"]`.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Category(_Frozen):
    """One category of a category variable."""

    category: str


class WeightedCategory(_Frozen):
    """A part of a mix."""

    category: str
    weight: Weight


class Mix(_Frozen):
    """Several categories with weights, which need not sum to one."""

    mix: Annotated[tuple[WeightedCategory, ...], Field(min_length=1)]


class Exact(_Frozen):
    """One value of a numeric variable."""

    value: Finite


class Range(_Frozen):
    """A numeric variable's range: [low, high) for a number, both ends included for an integer (as in a scenario)."""

    low: Finite
    high: Finite


class Text(_Frozen):
    """What a free-text variable can be: each record has one of them."""

    texts: Annotated[tuple[str, ...], Field(min_length=1)]


Value = Category | Mix | Exact | Range | Text
Values = dict[str, Value]


class Proposal(_Frozen):
    """One proposed kind of record: a value for every root variable, its members, how much of it, and why.

    The zone variable is never in `values`: a request names its zones. The count variable of the members may be left
    out, the list of members says it.
    """

    values: Values
    members: tuple[Values, ...] = ()
    roles: tuple[str, ...] = ()
    """Of each member, where the scenario has a prior with roles; "" for a member that has none of them."""
    share: Weight
    """Weight among the proposals of one reply, or the number of records where a request asks for counts."""
    reason: str = ""
    source: str = ""
    """Where it stands: `exchange id/position in the reply`; empty until it was checked."""
