"""scenario.yaml as its author writes it (the boundary; `schemas.model` holds what the engine uses)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", description="lower-case letters, digits and _")]
Number = StrictInt | StrictFloat


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceSpec(_Strict):
    """Where a table was published."""

    publisher: str = Field(description="office or body")
    title: str = Field(description="of the publication or table")
    vintage: StrictStr = Field("", description="period the figures are of, in quotes")
    licence: str = Field("", description="on what terms; repeated in the data card")
    url: str = Field("", description="where it can be found")
    note: str = Field("", description="anything a reader has to know")


class CaseSpec(_Strict):
    """One branch of a derived category: `when` it holds, its `value`; `otherwise` closes the list."""

    when: StrictStr | None = Field(None, description="an expression that is true or false")
    value: StrictStr | None = Field(None, description="the category where it is true")
    otherwise: StrictStr | None = Field(None, description="the category where no case was true")


class VariableSpec(_Strict):
    """A variable that the proposer sets."""

    type: Literal["category", "integer", "number", "text"] = Field(
        description="text is free text, filled by a model's replies; no table, rule or definition may use it"
    )
    description: str = Field("", description="what it is; a language model reads it too")
    categories: list[StrictStr] | None = Field(None, description="of a category: its values, as the tables write them")
    ordered: StrictBool = Field(False, description="whether the categories have an order")
    range: tuple[Number, Number] | None = Field(None, description="integers: both ends included; numbers: [low, high)")
    unit: str = Field("", description="such as years, or EUR per year")
    prior_weights: dict[StrictStr, Number] | None = Field(
        None, description="relative weight of categories or integers where no table speaks"
    )
    max_length: Annotated[StrictInt, Field(ge=1, le=2000)] | None = Field(
        None, description="of a text: characters at most; default 200"
    )
    examples: list[StrictStr] | None = Field(
        None, description="of a text: what records have that come from no reply, one of them each; default: nothing"
    )


class DerivedSpec(_Strict):
    """A variable computed from others of its entity, or over its members."""

    type: Literal["category", "integer", "number"]
    description: str = Field("", description="what it is")
    value: StrictStr | None = Field(None, description="an expression (integers and numbers)")
    cases: list[CaseSpec] | None = Field(None, description="a category by cases")
    range: tuple[Number, Number] | None = Field(None, description="bounds of its values; integers need them")
    unit: str = Field("", description="such as years")


class EntitySpec(_Strict):
    """The root entity, or the members listed under it."""

    description: str = Field("", description="what a record stands for")
    parent: Name | None = Field(None, description="of members: the root entity they are listed under")
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
    description: str = Field("", description="what a zone is")
    partition_by: Name | None = Field(
        None, description="level by which the output is partitioned; default: the variable"
    )


class ToleranceSpec(_Strict):
    """How far a table may be missed: records per cell, margins of error, or total variation of shares per zone."""

    records: Annotated[Number, Field(ge=0)] | None = Field(None, description="each cell, by so many records")
    share_tvd: Annotated[Number, Field(ge=0, le=1)] | None = Field(
        None, description="the table in each zone, by so large a share of its records in another cell"
    )
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
    """A published table to be matched: it counts `entity`; `file` is a CSV with a row per cell."""

    entity: Name = Field(description="what is counted")
    variables: list[Name] = Field(
        description="what makes up a cell; may be empty for a mean, total or quantile of everybody"
    )
    file: StrictStr = Field(description="CSV or parquet in the scenario's folder")
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
    zone: Name | None = Field(None, description="zone level of the column of that name; default: no zones")
    same_in_every_zone: StrictBool = Field(
        False,
        description="shares of the whole, asked of every zone; `zone` names the level, the CSV has no such column",
    )
    universe: StrictStr | None = Field(None, description="an expression: whom the table counts; default: everybody")
    tolerance: ToleranceSpec | None = None
    importance: Annotated[Number, Field(gt=0, le=1_000_000)] = Field(
        1, description="how much the table matters beside tables that contradict it; 1 is usual"
    )
    source: str | None = Field(None, description="one of the scenario's sources")
    note: str = Field("", description="anything a reader has to know; repeated in the data card")


class RuleSpec(_Strict):
    """An acceptance rule: `when` (default always) holds, `then` must."""

    name: Name
    entity: Name = Field(description="the records it judges")
    then: StrictStr = Field(description="an expression that has to be true")
    when: StrictStr | None = Field(None, description="an expression: the records it is about; default: all")
    reason: str = Field("", description="why; told with every rejection")


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

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", description="as a name, but may hold -")]
    title: str = Field("", description="one line")
    description: str = Field("", description="a few sentences; the data card begins with them")
    size: Annotated[StrictInt, Field(ge=1)] | None = Field(None, description="root records to synthesise")
    context: str = Field("", description="a sentence for the proposer (what-if)")
    sources: dict[str, SourceSpec] = {}
    entities: Annotated[dict[Name, EntitySpec], Field(min_length=1)]
    zones: ZonesSpec | None = None
    targets: Annotated[dict[Name, TargetSpec], Field(min_length=1)]
    rules: list[RuleSpec] = []
    reconcile: ReconcileSpec = ReconcileSpec()
