"""How a flow run ends in Prefect: the name of its state says what failed, for people and automations."""

import logging
from typing import Any

from prefect import get_run_logger
from prefect.states import Failed

from schemas.errors import AuditError, BatchError, SynthorError, UserError

STATE_NAMES: dict[type[SynthorError], str] = {
    AuditError: "AuditFailed",
    BatchError: "BatchFailed",
    UserError: "Refused",
}
"""Others are called Failed, as Prefect does; what nobody raised on purpose, Prefect names itself (Failed, Crashed)."""


def failed_state(error: SynthorError) -> Any:
    """The state to return from a flow: whoever called the flow gets the error raised, as if it had not been caught."""
    if not isinstance(error, (AuditError, UserError)):
        logger: logging.Logger | logging.LoggerAdapter[Any] = get_run_logger()
        logger.error("the run failed", exc_info=error)
    return Failed(name=state_name(error), message=" ".join(str(error).split()), data=error)


def state_name(error: SynthorError) -> str:
    """What the state is called that an error ends a run in."""
    return next((name for kind, name in STATE_NAMES.items() if isinstance(error, kind)), "Failed")
