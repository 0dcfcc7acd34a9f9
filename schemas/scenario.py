"""scenario.yaml as its author writes it (the boundary; `schemas.model` holds what the engine uses)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="lower-case letters, digits and _")]
Number = StrictInt | StrictFloat


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSpec(_Strict):
    """Where a table was published."""

    publisher: str
    title: str
    vintage: StrictStr = ""
    licence: str = ""
    url: str = ""
    note: str = ""


class CaseSpec(_Strict):
    """One branch of a derived category: `when` it holds, its `value`; `otherwise` closes the list."""

    when: StrictStr | None = None
    value: StrictStr | None = None
    otherwise: StrictStr | None = None


class VariableSpec(_Strict):
    """A variable that the proposer sets."""

    type: Literal["category", "integer", "number"]
    description: str = ""
    categories: list[StrictStr] | None = None
    ordered: StrictBool = False
    range: tuple[Number, Number] | None = Field(None, description="integers: both ends included; numbers: [low, high)")
    unit: str = ""
    prior_weights: dict[StrictStr, Number] | None = Field(
        None, description="relative weight of categories or integers where no table speaks"
    )


class DerivedSpec(_Strict):
    """A variable computed from others of its entity, or over its members."""

    type: Literal["category", "integer", "number"]
    description: str = ""
    value: StrictStr | None = Field(None, description="an expression (integers and numbers)")
    cases: list[CaseSpec] | None = Field(None, description="a category by cases")
    range: tuple[Number, Number] | None = None
    unit: str = ""


class EntitySpec(_Strict):
    """The root entity, or the members listed under it."""

    description: str = ""
    parent: Name | None = None
    count: Name | None = Field(None, description="root integer variable: how many members a root record has")
    variables: dict[Name, VariableSpec]
    derived: dict[Name, DerivedSpec] = {}


class ZonesSpec(_Strict):
    """The zone variable and its crosswalk to coarser levels."""

    variable: Name
    crosswalk: StrictStr = Field(
        description="CSV: a column named like the variable lists the zones; further columns are coarser levels, "
        "or their names (*_name)"
    )
    description: str = ""
    partition_by: Name | None = None


class ToleranceSpec(_Strict):
    """How far a table may be missed: records per cell, margins of error, or total variation of shares per zone."""

    records: Annotated[Number, Field(ge=0)] | None = None
    share_tvd: Annotated[Number, Field(ge=0, le=1)] | None = None
    relative: Annotated[Number, Field(ge=0)] | None = Field(
        None, description="means and totals: of the published value; default 0.02"
    )
    share: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        None, description="quantiles: of the share of records below the published value; default 0.01"
    )
    moe: Annotated[Number, Field(ge=0)] | None = Field(
        None, description="multiples of each cell's margin of error; default 1 for tables with a moe column"
    )


class TargetSpec(_Strict):
    """A published table to be matched."""

    entity: Name
    variables: list[Name] = Field(description="may be empty for a mean, total or quantile of everybody")
    file: StrictStr
    measure: Literal["count", "share", "mean", "total", "quantile"] = Field(
        description="what the file's column of that name holds, per cell: records, shares, or a moment of `of`"
    )
    of: Name | None = Field(None, description="the numeric variable of a mean, total or quantile")
    quantile: Annotated[Number, Field(gt=0, lt=1)] | None = Field(
        None, description="which quantile: 0.5 for medians. A whole number v covers [v, v + 1)"
    )
    binds: Literal["count", "share"] | None = Field(
        None,
        description="what a run aims at; default: as measured for the root entity, shares for members, whose number "
        "follows from the root records",
    )
    zone: Name | None = None
    same_in_every_zone: StrictBool = False
    universe: StrictStr | None = None
    tolerance: ToleranceSpec | None = None
    importance: Annotated[Number, Field(gt=0, le=1_000_000)] = Field(
        1, description="how much the table matters beside tables that contradict it; 1 is usual"
    )
    source: str | None = None
    note: str = ""


class RuleSpec(_Strict):
    """An acceptance rule: `when` (default always) holds, `then` must."""

    name: Name
    entity: Name
    then: StrictStr
    when: StrictStr | None = None
    reason: str = ""


class ReconcileSpec(_Strict):
    """What a run does where tables contradict each other (`synthor check` lists where they do)."""

    totals: Literal["rescale", "refuse"] = Field(
        "rescale", description="tables over everybody whose totals differ: rescaled to one of them, or refused"
    )
    contradictions: Literal["nearest", "refuse"] = Field(
        "nearest", description="cells that cannot be met together: the nearest counts that can, or refused"
    )
    sizes_from: Name | None = Field(
        None, description="the table that sets how many root records each zone has; default: the first that can"
    )


class ScenarioSpec(_Strict):
    """A scenario: entities, zones, target tables, rules and context."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
    title: str = ""
    description: str = ""
    size: Annotated[StrictInt, Field(ge=1)] | None = Field(None, description="root records to synthesise")
    context: str = Field("", description="a sentence for the proposer (what-if)")
    sources: dict[str, SourceSpec] = {}
    entities: Annotated[dict[Name, EntitySpec], Field(min_length=1)]
    zones: ZonesSpec | None = None
    targets: Annotated[dict[Name, TargetSpec], Field(min_length=1)]
    rules: list[RuleSpec] = []
    reconcile: ReconcileSpec = ReconcileSpec()
