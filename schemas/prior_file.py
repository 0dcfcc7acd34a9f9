"""A file of `prior/` as its author writes it (the boundary; `schemas.prior` holds what the engine uses)."""

import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr, WithJsonSchema

from schemas.scenario import Name, Number

Text = Annotated[StrictStr, Field(min_length=1)]
_PAIR = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2}
Given = Annotated[
    Any,
    WithJsonSchema(
        {
            "description": "a value; [low, high] (uniform; integers include both ends); "
            "{category, number or bin: weight, …}; {normal: [mean, deviation], within: [low, high]}; "
            "{lognormal: [median, deviation of the logarithm], within: [low, high]}",
            "anyOf": [
                {"type": ["string", "number"]},
                _PAIR,
                {
                    "type": "object",
                    "properties": {"normal": _PAIR, "lognormal": _PAIR, "within": _PAIR},
                    "additionalProperties": {"type": "number", "minimum": 0},
                    "minProperties": 1,
                },
            ],
        }
    ),
]
"""How a variable is drawn; checked by the reader, which knows the variable."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MemberSpec(_Strict):
    """Members of one role."""

    role: Name
    number: Given = Field(1, description="how many: 1, [1, 3] or {1: .4, 2: .6}")
    values: dict[Name, Given] = Field({}, description="per variable of the member; what is left out follows elsewhere")


class ArchetypeSpec(_Strict):
    """A kind of root record, with its members."""

    name: Name
    share: Annotated[Number, Field(gt=0)] = Field(description="relative to the file's other archetypes")
    reason: Text
    when: StrictStr | None = Field(None, description="an expression over root variables: where the archetype occurs")
    values: dict[Name, Given] = Field({}, description="per variable of the root entity")
    members: list[MemberSpec] = []


class DifferenceSpec(_Strict):
    """The variable is that of another member plus `value`."""

    to: Name | Annotated[list[Name], Field(min_length=1)] = Field(
        description="role of the other member, or several in order of preference; previous: the member before, "
        "if it is of the same kind"
    )
    value: Given
    where: StrictStr | None = Field(None, description="an expression over the other member")


class SameSpec(_Strict):
    """The variable is that of another member, with a probability."""

    to: Name | Annotated[list[Name], Field(min_length=1)]
    probability: Annotated[Number, Field(gt=0, le=1)] = 1
    where: StrictStr | None = Field(None, description="an expression over the other member")


class RelationSpec(_Strict):
    """How a variable follows from others: one of difference, same and values."""

    name: Name
    reason: Text
    entity: Name | None = Field(None, description="default: the member entity, or the root where there is none")
    role: Name | Annotated[list[Name], Field(min_length=1)] | None = Field(None, description="default: every role")
    variable: Name
    when: StrictStr | None = Field(
        None, description="an expression; it may use role, and other members as in spouse.age"
    )
    difference: DifferenceSpec | None = None
    same: SameSpec | None = None
    values: Given = None


class PriorSpec(_Strict):
    """What somebody knows of the structure of the records beside the tables: archetypes and relations."""

    author: Text
    date: datetime.date
    model: StrictStr = Field("", description="the language model that wrote it, if one did")
    prompt_version: StrictStr = ""
    description: StrictStr = ""
    weight: Annotated[Number, Field(gt=0)] = Field(1, description="of this file against others of the folder")
    role_variable: Name | None = Field(None, description="a category variable of the member that states its role")
    archetypes: Annotated[list[ArchetypeSpec], Field(min_length=1)]
    relations: list[RelationSpec] = []
