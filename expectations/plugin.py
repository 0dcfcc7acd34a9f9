"""The custom expectations on target tables. Importing this module is all that plain GX needs to load our suites."""

from typing import Any, ClassVar

from expectations.drift import judge_drift
from expectations.library import BatchExpectation, PandasExecutionEngine, TableMetricProvider, metric_value
from expectations.tolerance import judge_table

_METRIC = "table.target_table_verdict"
_DRIFT_METRIC = "table.target_table_drift"


class TargetTableVerdict(TableMetricProvider):  # type: ignore[misc]  # GX is untyped here
    """The metric: `tolerance.judge_table` on the aggregates of one table."""

    metric_name = _METRIC
    domain_keys = ("batch_id", "row_condition", "condition_parser")  # not "table": the table is a value, not a source
    value_keys = ("table", "cells")

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # GX is untyped here
    def _pandas(
        cls,  # noqa: N805  # GX calls it with the class
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> dict[str, Any]:
        aggregates = execution_engine.get_domain_records(metric_domain_kwargs)
        verdict = judge_table(metric_value_kwargs["table"], aggregates, metric_value_kwargs.get("cells"))
        return {"is_within": verdict.is_within, "observed": verdict.observed, "message": verdict.message}


class ExpectTargetTableWithinTolerance(BatchExpectation):  # type: ignore[misc]  # GX is untyped here
    """Expect every cell of a target table (or the shares of every zone) to be within the table's tolerance.

    Args:
        table: a name in the column `table` of the aggregates.
        cells: how many rows the table has there; absent, any number but none.
    """

    table: str
    cells: int | None = None

    metric_dependencies: ClassVar[tuple[str, ...]] = (_METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("table", "cells")
    args_keys: ClassVar[tuple[str, ...]] = ("table", "cells")

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        verdict = metrics[_METRIC]
        details = {"message": verdict["message"]}
        return {"success": verdict["is_within"], "result": {"observed_value": verdict["observed"], "details": details}}

    @classmethod
    def _prescriptive_template(cls, renderer_configuration: Any) -> Any:
        renderer_configuration.template_str = f"Target table {renderer_configuration.kwargs['table']} within tolerance."
        return renderer_configuration


class TargetTableDrift(TableMetricProvider):  # type: ignore[misc]  # GX is untyped here
    """The metric: `drift.judge_drift` on the cells of one table, now and in the previous publication."""

    metric_name = _DRIFT_METRIC
    domain_keys = ("batch_id", "row_condition", "condition_parser")
    value_keys = ("table", "max_tvd")

    @metric_value(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # GX is untyped here
    def _pandas(
        cls,  # noqa: N805  # GX calls it with the class
        execution_engine: Any,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> dict[str, Any]:
        frame = execution_engine.get_domain_records(metric_domain_kwargs)
        verdict = judge_drift(metric_value_kwargs["table"], frame, metric_value_kwargs["max_tvd"])
        return {"is_within": verdict.is_within, "observed": verdict.observed, "message": verdict.message}


class ExpectTargetTableCloseToPrevious(BatchExpectation):  # type: ignore[misc]  # GX is untyped here
    """Expect the shares of a target table to be near those of the previous publication.

    Args:
        table: a name in the column `table` of the frame that `drift.drift_frame` makes.
        max_tvd: total variation distance allowed, over all zones and cells of the table.
    """

    table: str
    max_tvd: float

    metric_dependencies: ClassVar[tuple[str, ...]] = (_DRIFT_METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("table", "max_tvd")
    args_keys: ClassVar[tuple[str, ...]] = ("table", "max_tvd")

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        verdict = metrics[_DRIFT_METRIC]
        details = {"message": verdict["message"]}
        return {"success": verdict["is_within"], "result": {"observed_value": verdict["observed"], "details": details}}

    @classmethod
    def _prescriptive_template(cls, renderer_configuration: Any) -> Any:
        kwargs = renderer_configuration.kwargs
        renderer_configuration.template_str = f"Target table {kwargs['table']} close to the previous publication."
        return renderer_configuration
