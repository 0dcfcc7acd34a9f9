"""Groups of dependent variables as a model names them, and what they come to beside the published tables."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Status = Literal["published", "margin", "expanded", "partly", "prior only", "approximated"]
"""A table of just these variables; the margin of a wider table; tables that together hold them all, expanded by maximum
entropy; tables that hold some of them; no table holds any two; no table, but the model's own approximation."""


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GuessedCell(_Frozen):
    """A cell of an approximated table: a category or bin label per variable of the group, and its share."""

    values: tuple[str, ...]
    share: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Group(_Frozen):
    """Variables that depend on each other, seen from an entity."""

    entity: str
    variables: tuple[str, ...]
    reason: str = ""
    cells: tuple[GuessedCell, ...] = ()


class Dependencies(_Frozen):
    """What a run keeps of the inference; it decides which tables bind."""

    groups: tuple[Group, ...] = ()
    joints: Literal["all", "inferred"] = "all"
    uses_approximations: bool = False
    exchanges: tuple[str, ...] = ()
    reason: str = ""
    """Why there are no groups, in one line."""
