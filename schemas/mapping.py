"""How the columns of micro-data become variables (YAML, `--mapping FILE`), one block per entity."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, StrictStr

from schemas.scenario import Name, Number


class EntityMapping(BaseModel):
    """Renamed, recoded and left-out columns of one entity's file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[StrictStr, Name] = Field({}, description="column: variable")
    recode: dict[Name, dict[StrictStr, StrictStr | Number]] = Field({}, description="variable: {value as text: value}")
    missing: dict[Name, StrictStr | Number] = Field({}, description="variable: what an empty value means")
    types: dict[Name, Literal["category", "integer", "number"]] = {}
    drop: list[StrictStr] = Field([], description="columns or variables to leave out")


class MappingSpec(RootModel[dict[Name, EntityMapping]]):
    """The mapping of every entity that needs one."""

    model_config = ConfigDict(frozen=True)

    def of(self, entity: str) -> EntityMapping:
        """The mapping of an entity; an empty one if there is none."""
        return self.root.get(entity, EntityMapping())
