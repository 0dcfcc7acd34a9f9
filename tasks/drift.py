"""Drift: this run's aggregates against those of the publication that it is to replace. No record is read."""

from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pyarrow as pa

from adapters.object_path import location
from adapters.publications import read_previous
from adapters.run_folder import RunFolder
from adapters.storage import read_parquet
from expectations.checkpoint import judge_drift
from expectations.outcomes import Failure, SuiteOutcome
from schemas.model import Scenario
from schemas.settings import RunSettings


def drift_outcome(
    run: RunFolder, scenario: Scenario, settings: RunSettings, aggregates: pd.DataFrame
) -> tuple[SuiteOutcome | None, dict[str, Any]]:
    """The suite's outcome, None where nothing can be compared, and what to say of the publication before."""
    if settings.publish_to is None:
        return None, _not_judged("publish_to is not set, so there is no publication to compare with")
    entry = read_previous(location(settings.publish_to), run)
    if entry is None:
        return None, _not_judged(f"{settings.publish_to}: no previous publication")
    path = RunFolder(location(entry["run"])).aggregates
    told = {name: entry.get(name) for name in ("publication", "run", "published_at")}
    told["age_hours"] = round(
        (datetime.now(UTC) - datetime.fromisoformat(entry["published_at"])).total_seconds() / 3600
    )
    try:
        before = read_parquet(path).to_pandas()
    except (OSError, pa.ArrowException) as exc:
        reason = f"{path}: not readable ({str(exc).splitlines()[0]})"
        return _unreadable(settings, reason), {**_not_judged(reason), "previous": told}
    outcome = judge_drift(scenario, settings, aggregates, before)
    return outcome, {"judged": True, "said": f"compared with publication {told['publication']}", "previous": told}


def _not_judged(reason: str) -> dict[str, Any]:
    return {"judged": False, "said": f"drift is not judged: {reason}", "previous": None}


def _unreadable(settings: RunSettings, reason: str) -> SuiteOutcome:
    """A previous publication is named but its aggregates are gone: as grave as the drift that may hide there."""
    if settings.on_drift == "warn":
        found = Failure("drift", "previous aggregates are readable", reason, severity="warning")
        return SuiteOutcome("drift", success=True, evaluated=1, failed=0, warnings=(found,))
    found = Failure("drift", "previous aggregates are readable", reason)
    return SuiteOutcome("drift", success=False, evaluated=1, failed=1, failures=(found,))
