"""Settings of a run, as given on the command line, in a deployment's parameters or by `--set`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class RunSettings(BaseModel):
    """Everything that shapes a run besides its scenario. The first group decides the bytes of the dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Annotated[int, Field(ge=1)] | None = Field(None, description="root records; default: the scenario's")
    random_seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    proposer: Literal["offline"] = "offline"
    allocation: Literal["balanced"] = "balanced"
    max_rounds: Annotated[int, Field(ge=1, le=20)] = 2
    early_round_share: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.04, description="share of the records that each round before the last adds"
    )
    plan_rows: Annotated[int, Field(ge=100, le=2_000_000)] = Field(
        30_000, description="candidate plan rows of a unit, at most"
    )
    least_plan_rows: Annotated[int, Field(ge=100, le=2_000_000)] = Field(
        20_000, description="candidate plan rows of a unit, at least; more follow the prior more closely"
    )
    batch_seconds: Annotated[float, Field(gt=0, le=600)] = Field(3.0, description="work aimed at per batch")
    max_redraws: Annotated[int, Field(ge=0, le=1000)] = 200
    use_prior: bool = Field(True, description="use the scenario's prior, if it has one")

    workers: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None, description="local Dask workers; default: one per core"
    )
    dask_address: str | None = Field(None, description="scheduler of an existing Dask cluster")
    batch_retries: Annotated[int, Field(ge=0, le=20)] = 3
    retry_backoff_seconds: Annotated[float, Field(ge=0, le=600)] = 1.0
    batch_timeout_seconds: Annotated[float, Field(gt=0)] = 900.0
    publish_anyway: bool = False
    full_validation: bool = False

    def output_identity(self) -> dict[str, object]:
        """The settings that decide the bytes of the dataset, by name."""
        names = ("size", "random_seed", "proposer", "allocation", "max_rounds", "early_round_share")
        more = ("plan_rows", "least_plan_rows", "batch_seconds", "max_redraws", "use_prior")
        return {name: getattr(self, name) for name in names + more}
