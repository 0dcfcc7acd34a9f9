"""Environment of Prefect, Dask and Great Expectations: quiet, and without telemetry, unless the user says otherwise.

They read these variables when they are imported, so `prepare_environment` comes before the first such import.
"""

import os

DEFAULTS = {
    # nothing calls home
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "GX_ANALYTICS_ENABLED": "false",
    # a terminal is not a log: at ERROR Prefect prints the traceback of a flow that refused its input
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_INTERNAL_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_ROOT_LEVEL": "CRITICAL",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "DASK_LOGGING__DISTRIBUTED": "critical",
    # multiprocessing's tracker tells of semaphores that it removes after a process that was killed
    "PYTHONWARNINGS": "ignore:resource_tracker",
    # a busy machine needs longer than the 20 s that Prefect waits for its own server
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}


def prepare_environment() -> None:
    """Set what the user has not set."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
