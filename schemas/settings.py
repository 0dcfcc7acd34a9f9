"""Settings of a run, as given on the command line, in a deployment's parameters or by `--set`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.exchange import Effort, Sampling

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)] | None


class RunSettings(BaseModel):
    """Everything that shapes a run besides its scenario. The first group decides the bytes of the dataset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Annotated[int, Field(ge=1)] | None = Field(None, description="root records; default: the scenario's")
    random_seed: Annotated[int, Field(ge=0, lt=2**63)] = Field(0, description="same seed, same bytes")
    proposer: Annotated[str, Field(pattern=r"^(offline|anthropic|replay:.+|plugin:[\w.-]+)$")] = Field(
        "offline", description="offline, anthropic, replay:RUN, or plugin:NAME (entry point in synthor.proposers)"
    )
    allocation: Literal["balanced", "proposed"] = Field(
        "balanced", description="counts that meet the targets, or the proposer's own shares as they are"
    )
    max_rounds: Annotated[int, Field(ge=1, le=1000)] = Field(2, description="rounds at most; the last adds the bulk")
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
    max_redraws: Annotated[int, Field(ge=0, le=1000)] = Field(
        200, description="how often rejected records are drawn anew, at most"
    )
    hold_out: tuple[str, ...] = Field((), description="tables that the run does not use but is compared with")
    use_prior: bool = Field(True, description="use the scenario's prior, if it has one")

    chain_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.02, description="prior weight of the tables' chain beside a prior or a model's proposals; 0: no chain rows"
    )
    context: Annotated[str, Field(max_length=2000)] | None = Field(
        None, description="a sentence that steers proposals; default: the scenario's"
    )
    context_strength: Annotated[float, Field(ge=0, le=1)] = Field(
        0.0, description="how far the tables named by `relax` give way to the context: 0 not at all, 1 altogether"
    )
    relax: str = Field("", description="names of tables that the context may overrule, separated by commas")

    model: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        "claude-sonnet-5-5", description="the language model, by the name its server knows"
    )
    temperature: Annotated[float, Field(ge=0, le=2)] | None = Field(
        None, description="sent only if set: current Claude models refuse sampling parameters, local ones take them"
    )
    top_p: Annotated[float, Field(gt=0, le=1)] | None = Field(None, description="as temperature")
    top_k: Annotated[int, Field(ge=1)] | None = Field(None, description="as temperature")
    effort: Effort | None = Field(None, description="how much the model thinks; sent only if set")
    max_reply_tokens: Annotated[int, Field(ge=256, le=128_000)] = Field(
        16_000, description="tokens of one reply at most, its thinking included"
    )
    proposals_per_call: Annotated[int, Field(ge=1, le=200)] = Field(20, description="proposals asked for in one call")
    ask_again_below: Annotated[float, Field(ge=0, le=1)] = Field(
        0.8, description="a reply of which a smaller share is valid is asked for again, once, with its faults"
    )

    fallback: Literal["chain", "none"] = Field(
        "chain",
        description="what covers a batch for which no reply has a valid proposal: the tables' chain, or nothing",
    )
    zone_groups: Annotated[int, Field(ge=1, le=1000)] = Field(
        12, description="groups of similar zones that are asked for together, at most"
    )
    residual_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.002, description="mean TVD of a zone group's tables below which it is not asked for again"
    )
    max_prompt_tokens: Annotated[int, Field(ge=1500, le=500_000)] = Field(
        8000, description="length of a prompt at most, as estimated"
    )
    n_joints: Annotated[int, Field(ge=0, le=20)] = Field(
        3, description="groups of dependent variables that the model is asked for at most; 0: it is not asked"
    )
    joints: Literal["all", "inferred"] = Field(
        "all",
        description="joint tables that bind: all published ones, or those of the inferred groups (the method's own)",
    )
    approximate_joints: bool = Field(
        False, description="let the model approximate tables for groups that have none; soft, and marked as such"
    )

    max_calls: Annotated[int, Field(ge=0)] | None = Field(None, description="model calls of a run at most")
    max_tokens: Annotated[int, Field(ge=0)] | None = Field(None, description="tokens of a run at most, in and out")
    max_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = Field(None, description="cost at most")
    usd_per_million_input: Price = Field(None, description="price of the model, if it is not in the price list")
    usd_per_million_output: Price = Field(None, description="price of the model, if it is not in the price list")
    usd_per_million_cache_read: Price = Field(None, description="default: the input price")
    usd_per_million_cache_write: Price = Field(None, description="default: 1.25 times the input price")
    max_concurrent_calls: Annotated[int, Field(ge=1, le=256)] = Field(8, description="model calls at once, at most")
    call_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(180.0, description="of one attempt")
    ask_timeout_seconds: Annotated[float, Field(gt=0)] = Field(
        900.0, description="of one request with all its attempts; then the offline chain covers it"
    )
    call_retries: Annotated[int, Field(ge=0, le=50)] = Field(6, description="further attempts of a model call")
    max_backoff_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        60.0, description="longest pause between two attempts, whatever a server asks for"
    )

    workers: Annotated[int, Field(ge=1, le=1024)] | None = Field(
        None, description="local Dask workers; default: one per core"
    )
    dask_address: str | None = Field(None, description="scheduler of an existing Dask cluster")
    batch_retries: Annotated[int, Field(ge=0, le=20)] = Field(3, description="further attempts of a batch that failed")
    retry_backoff_seconds: Annotated[float, Field(ge=0, le=600)] = Field(
        1.0, description="pause before a batch's second attempt; it doubles"
    )
    batch_timeout_seconds: Annotated[float, Field(gt=0)] = Field(900.0, description="of one attempt of a batch")
    without: str | None = Field(None, description="a run without the context, whose records are compared with")
    publish_to: str | None = Field(None, description="folder of publications whose current one this run becomes")
    publish_anyway: bool = Field(False, description="publish even if validation fails")
    full_validation: bool = Field(False, description="read every record, whatever their number")
    max_drift: Annotated[float, Field(ge=0, le=1)] = Field(
        0.1, description="total variation of a table's shares to the current publication of publish_to at most"
    )
    on_drift: Literal["warn", "fail"] = Field("warn", description="what a greater drift does")
    max_starts: int = Field(
        10, ge=1, le=1000, description="starts of one flow run, crashes and retries counted; one more fails at once"
    )
    max_age_hours: Annotated[float, Field(gt=0)] | None = Field(
        None, description="age of the run, since it was begun, at which validation fails; default: no limit"
    )

    @property
    def asks(self) -> bool:
        """Whether proposals are asked for, of a model, a plug-in or a run's kept exchanges."""
        return self.proposer != "offline"

    @property
    def sampling(self) -> Sampling:
        """How replies are generated."""
        given = {name: getattr(self, name) for name in ("model", "temperature", "top_p", "top_k", "effort")}
        return Sampling(**given, max_tokens=self.max_reply_tokens)

    def output_identity(self) -> dict[str, object]:
        """The settings that decide the bytes of the dataset, by name.

        Budgets, time-outs and prices are not among them: a run taken up again may be given more.
        """
        names = ["size", "random_seed", "proposer", "allocation", "max_rounds", "early_round_share"]
        names += ["plan_rows", "least_plan_rows", "batch_seconds", "max_redraws", "use_prior", "chain_share", "context"]
        names += ["context_strength", "relax"]
        if self.asks:
            names += ["proposals_per_call", "ask_again_below", "fallback", "zone_groups", "residual_share"]
            names += ["max_prompt_tokens", "n_joints", "joints", "approximate_joints"]
        if self.asks and not self.proposer.startswith("replay:"):
            names += ["model", "temperature", "top_p", "top_k", "effort", "max_reply_tokens"]
        return {name: getattr(self, name) for name in names} | {"hold_out": list(self.hold_out)}

    @field_validator("hold_out", mode="before")
    @classmethod
    def _split_names(cls, given: object) -> object:
        """`--set hold_out=income,age` as well as a list."""
        return tuple(name.strip() for name in given.split(",") if name.strip()) if isinstance(given, str) else given
