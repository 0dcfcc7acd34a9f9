"""great_expectations, imported without noise or telemetry: the one module that imports it (it takes seconds)."""

import logging
import os
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")  # GX reads it when it is imported
_showwarning = warnings.showwarning
with warnings.catch_warnings():
    # GX 1.24 imports sre_constants and sre_parse, which Python deprecates since 3.11.
    warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
    import great_expectations as gx
    from great_expectations import expectations as gxe
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
    from great_expectations.execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.metrics.metric_provider import metric_value
    from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
    from great_expectations.expectations.row_conditions import Column

    if warnings.showwarning is not _showwarning:
        logging.captureWarnings(False)  # GX's batch_manager redirects every warning of the process to logging

__all__ = [
    "BatchExpectation",
    "Column",
    "ExpectationSuite",
    "PandasExecutionEngine",
    "TableMetricProvider",
    "frame_validator",
    "gxe",
    "metric_value",
]

_RESULT_FORMAT = {"result_format": "BASIC", "partial_unexpected_count": 3}


def frame_validator() -> Callable[[pd.DataFrame, Any], list[Any]]:
    """A function that validates a frame against a suite, in one in-memory context that holds the last frame only."""
    # The default in-memory configuration makes a temporary directory for documents that nobody asked for.
    stores = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    context = gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=stores))
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("frame")
    whole = asset.add_batch_definition_whole_dataframe("whole")

    def validate(frame: pd.DataFrame, suite: Any) -> list[Any]:
        batch = whole.get_batch({"dataframe": frame})
        return list(batch.validate(suite, result_format=_RESULT_FORMAT).results)

    return validate
