"""What Prefect's UI shows of a run beside its state: progress, the verdict, the worst cells."""

import logging
import os
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from prefect.artifacts import (
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.settings import PREFECT_API_URL

from adapters.report_misses import find_worst_cells
from adapters.report_tables import read_grids
from adapters.run_folder import RunFolder
from adapters.storage import read_parquet

OWN_SERVER = "SYNTHOR_OWN_PREFECT_SERVER"
"""Environment variable with the address of a server that a run has brought along."""
SECONDS_BETWEEN = 5.0
"""Pause between two updates of the progress: each is a call to the server."""
SHOWN_CELLS = 20
SHOWN_ZONES = 200


class Artifacts:
    """The artifacts of one run. A run that brings its own server along has nobody who looks: it makes none.

    One that cannot be made is told in the log and fails nothing.
    """

    def __init__(self, run: RunFolder, scenario: str, size: int) -> None:
        self._run = run
        self._key = artifact_key(scenario)
        self._size = size
        self._is_on = PREFECT_API_URL.value() not in (None, os.environ.get(OWN_SERVER))
        self._progress: UUID | None = None
        self._told = 0.0
        self._records = 0

    def start(self) -> None:
        """Show that nothing is done yet."""
        self._progress = self._made(
            lambda: create_progress_artifact(0.0, f"{self._key}-progress", f"0 of {self._size:,} records")
        )

    def add(self, records: int) -> None:
        """Show further records, if the last update is some seconds old."""
        self._records += records
        if time.monotonic() - self._told > SECONDS_BETWEEN:
            self._update()

    def finish(self, record: Mapping[str, Any]) -> None:
        """Show how it ended: the summary, and the cells that are furthest off."""
        self._update()
        self._made(lambda: create_markdown_artifact(summary(record, self._run), f"{self._key}-summary", "How it went"))
        rows = self._made(lambda: worst_rows(self._run))
        if rows:
            self._made(lambda: create_table_artifact(rows, f"{self._key}-worst-cells", "Cells furthest off"))
        if "retired" in (record.get("update") or {}):
            churn = churn_rows(record["update"])
            told = "Records kept, added and retired, zones with most retired first"
            self._made(lambda: create_table_artifact(churn, f"{self._key}-churn", told))

    def _update(self) -> None:
        progress, self._told = self._progress, time.monotonic()
        if progress is not None:
            share = 100.0 * min(self._records / self._size, 1.0)
            told = f"{self._records:,} of {self._size:,} records"
            self._made(lambda: update_progress_artifact(progress, share, told))

    def _made(self, make: Callable[[], Any]) -> Any:
        if not self._is_on:
            return None
        try:
            return make()
        except Exception as error:  # the server, its database, the network: none of them is worth a dataset
            logging.getLogger("prefect.synthor").warning("an artifact could not be made: %s", error)
            return None


def artifact_key(scenario: str) -> str:
    """The scenario's name in the characters that Prefect takes in a key."""
    return re.sub(r"[^a-z0-9]+", "-", scenario.lower()).strip("-") or "scenario"


def worst_rows(run: RunFolder) -> list[dict[str, Any]]:
    """The cells furthest off, those outside their tolerance first."""
    if not run.aggregates.is_file():
        return []
    found = find_worst_cells(read_grids(read_parquet(run.aggregates).to_pandas()), SHOWN_CELLS)
    return [
        {
            "table": cell.table,
            "zone": cell.zone,
            "cell": cell.cell,
            "published": round(cell.published, 4),
            "aimed": round(cell.aimed, 2),
            "synthetic": cell.synthetic,
            "off by": round(cell.discrepancy, 2),
            "within": "yes" if cell.is_within else "no",
        }
        for cell in found
    ]


def churn_rows(update: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What an update kept, added and retired: in all, then in the zones where most changed."""
    zones = sorted(update["zones"], key=lambda zone: (-zone["retired"], -zone["added"]))[:SHOWN_ZONES]
    whole = {"zone": "all", **{name: update[name] for name in ("kept", "added", "retired")}}
    rows = [{name: zone[name] for name in ("zone", "kept", "added", "retired")} for zone in zones if zone["zone"]]
    return [whole, *rows]


def summary(record: Mapping[str, Any], run: RunFolder) -> str:
    """Verdict, targets met, cost and where to look, as Markdown."""
    rounds, validation, llm = record.get("rounds") or [{}], record.get("validation") or {}, record.get("llm") or {}
    last, durations = rounds[-1], record.get("durations") or {}
    records = ", ".join(f"{entity['records']:,} {name}" for name, entity in (record.get("entities") or {}).items())
    link = run.report.as_uri() if hasattr(run.report, "as_uri") else str(run.report)
    rows = {
        "status": record["status"],
        "records": records or "none",
        "targets met": f"{last['cells_within']:,} of {last['cells']:,} cells" if "cells" in last else "unknown",
        "validation": _verdict(validation),
        "drift": (validation.get("drift") or {}).get("said", "not judged"),
        "cost": f"{llm.get('calls', 0):,} calls, {llm.get('tokens', 0):,} tokens, {llm.get('usd', 0.0):.2f} USD",
        "time": f"{durations.get('total_seconds', 0.0):.1f} s",
        "report": f"[{run.report}]({link})",
    }
    if "retired" in (update := record.get("update") or {}):
        rows["churn"] = ", ".join(f"{update[name]:,} {name}" for name in ("kept", "added", "retired"))
    title = f"# {record['scenario']['name']}: {record['status']}\n"
    failure = f"\n{record['failure']}\n" if record.get("failure") else ""
    told = [failure["message"] for failure in validation.get("failures") or []][:10]
    told += [f"warning: {warning}" for warning in validation.get("warnings") or []][:10]
    table = "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])
    return "\n".join([title, failure, table, "", *(f"- {line}" for line in told)])


def _verdict(validation: Mapping[str, Any]) -> str:
    if not validation:
        return "not reached"
    failures, warnings = len(validation.get("failures") or []), len(validation.get("warnings") or [])
    return f"{'passed' if validation['success'] else 'failed'}, {failures} failures, {warnings} warnings"
