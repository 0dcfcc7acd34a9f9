"""A pack as its author writes it: queries and realism rules that `synthor evaluate` asks of records (YAML)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from schemas.scenario import Name, Number


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuerySpec(_Strict):
    """A question over root records with one number for an answer."""

    name: Name
    group: StrictStr
    text: StrictStr
    statistic: Literal["share", "mean", "median", "difference of means"]
    value: StrictStr = Field(description="an expression of the root entity; for a share, a truth")
    among: StrictStr | None = Field(None, description="which root records are asked about; default: all")
    versus: StrictStr | None = Field(None, description="for a difference of means: whose mean is taken off")
    published: dict[StrictStr, Number] = {}


class PackRuleSpec(_Strict):
    """A realism rule: `when` (default always) holds, `then` should."""

    name: Name
    of: Literal["root", "member"]
    then: StrictStr
    when: StrictStr | None = None


class PackSpec(_Strict):
    """Queries and realism rules over variables that a scenario may have."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    description: str = ""
    member: Name | None = Field(None, description="what the expressions call members; default: as the scenario does")
    rules: list[PackRuleSpec] = []
    queries: list[QuerySpec] = []
