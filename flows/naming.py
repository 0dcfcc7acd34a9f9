"""Names that a flow run is found by: its own, in Prefect, and that of the folder which it writes to."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.runtime import deployment, flow_run

from schemas.errors import RunError, UserError
from schemas.settings import RunSettings

_FIELD = re.compile(r"\{(\w*)\}")


def first_name() -> str:
    """A flow run's name before its scenario has been read: the scenario's folder, and the size if one is given."""
    given: dict[str, Any] = flow_run.parameters
    size = getattr(given.get("settings"), "size", None)
    return f"{Path(given['scenario']).name}{'' if size is None else f'-n{size}'}"


def name_flow_run(scenario: str, size: int) -> None:
    """Rename this flow run to say scenario and number of records."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(flow_run.id, name=f"{scenario}-n{size}")


def folder_of_run(out: str) -> str:
    """`out` with its fields filled in, if a deployment ran the flow: a schedule that always named one folder would
    find its run finished there.
    """
    return out if deployment.id is None else filled(out, flow_run.scheduled_start_time, str(flow_run.id))


def filled(out: str, due: datetime, run_id: str) -> str:
    """`out` with {date} and {time} (UTC) for which the run was scheduled first, and {run}, the start of its id.

    None of them changes when the run is tried again, so that it finds its folder.
    """
    due = due.astimezone(UTC)
    fields = {"date": f"{due:%Y-%m-%d}", "time": f"{due:%Y-%m-%dT%H%M%SZ}", "run": run_id[:8]}

    def value(found: re.Match[str]) -> str:
        if found[1] not in fields:
            raise UserError(f"out: no such field {found[0]!r}, expected {{date}}, {{time}} or {{run}}")
        return fields[found[1]]

    return _FIELD.sub(value, out)


def refuse_another_start(starts: int, settings: RunSettings) -> None:
    """Fail a flow run that has been started too often: what brings its process down may bring it down for ever."""
    if starts > settings.max_starts:
        raise RunError(
            f"started {starts:,} times (max_starts {settings.max_starts:,}): its process may be what dies each time, "
            f"for want of memory most often; mend that, then `synthor resume` its folder"
        )
