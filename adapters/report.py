"""report.html: one self-contained page about a run, drawn from its run folder alone."""

import base64
import functools
import hashlib
import json
import pathlib
from collections.abc import Sequence
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from adapters.object_path import Location
from adapters.report_charts_run import chart_counts, chart_durations, chart_rounds
from adapters.report_churn import read_churn
from adapters.report_evidence import arrange_evidence
from adapters.report_lineage import Lineage, arrange_lineage
from adapters.report_misses import WorstCell, find_misses, find_worst_cells
from adapters.report_moments import read_moments
from adapters.report_numbers import FILTERS
from adapters.report_run import count_rejections, read_examples, split_durations, state_mapping, state_run
from adapters.report_sections import build_sections
from adapters.report_tables import TableGrid, read_grids
from adapters.report_verdict import judge
from adapters.report_zones import detail_zones
from adapters.storage import read_parquet, replacing

HERE = pathlib.Path(__file__).parent
SHOWN_MISSES = 12


def write_report(run: Location, followed: Sequence[Lineage] | None = ()) -> Location:
    """Path of report.html, written in one step beside the run's other files.

    Args:
        run: the run folder
        followed: the cells furthest off with what fills them; None where that would have taken long
    """
    page = render_report(run, followed)
    path = run / "report.html"
    with replacing(path) as partial:
        partial.write_text(page, encoding="utf-8")
    return path


def worst_cells_of(run: Location) -> list[WorstCell]:
    """The cells furthest from what was aimed at, as the page lists them."""
    return find_worst_cells(_judged(read_grids(_read_aggregates(run / "aggregates.parquet"))))


def render_report(run: Location, followed: Sequence[Lineage] | None = ()) -> str:
    """The page as text."""
    record = _read_record(run)
    aggregates = _read_aggregates(run / "aggregates.parquet")
    grids = read_grids(aggregates)
    script = (HERE / "report.js").read_text(encoding="utf-8")
    template = _environment().get_template("report_template.html")
    return template.render(
        record=record,
        style=Markup((HERE / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        moments=read_moments(aggregates),
        followed=None if followed is None else [arrange_lineage(one) for one in followed],
        **_describe_fit(record, grids),
        **_describe_run(record, run),
    )


def _read_record(run: Location) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
    if not record.get("validation") and (run / "validation.json").exists():
        validation = json.loads((run / "validation.json").read_text(encoding="utf-8"))
        record["validation"] = validation if isinstance(validation, dict) else None
    return record


def _read_aggregates(path: Location) -> pd.DataFrame:
    return read_parquet(path).to_pandas() if path.exists() else pd.DataFrame({"table": []})


@functools.cache
def _environment() -> Environment:
    loader = FileSystemLoader(HERE)
    environment = Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(FILTERS)
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "ensure_ascii": False}
    return environment


def _describe_fit(record: dict[str, Any], grids: list[TableGrid]) -> dict[str, Any]:
    judged = _judged(grids)
    worst_cells, misses = find_worst_cells(judged), find_misses(judged)
    sections = build_sections(grids)
    return {
        "verdict": judge(record, judged, worst_cells[0] if worst_cells else None),
        "sections": sections,
        "worst_cells": worst_cells,
        "misses": misses[:SHOWN_MISSES],
        "miss_count": len(misses),
        "zone_detail": detail_zones({section.key: section.grid for section in sections}),
    }


def _judged(grids: list[TableGrid]) -> list[TableGrid]:
    return [grid for grid in grids if not grid.is_held_out]


def _describe_run(record: dict[str, Any], run: Location) -> dict[str, Any]:
    asked = (record.get("llm") or {}).get("rounds") or []
    return {
        "churn": read_churn(record),
        "rounds": record.get("rounds") or [],
        "round_chart": chart_rounds(record.get("rounds") or [], asked),
        "asked": asked,
        "rejected": chart_counts(count_rejections(record, "rejections")),
        "rejected_rows": chart_counts(count_rejections(record, "proposal_rejections")),
        "examples": read_examples(run),
        "durations": chart_durations(split_durations(record)),
        "reconciliations": record.get("reconciliations") or [],
        "findings": record.get("findings") or [],
        "evidence": arrange_evidence(record.get("evidence") or {}),
        "baselines": record.get("baselines") or {},
        "facts": state_run(record),
        "settings": state_mapping(record.get("settings")),
        "versions": state_mapping(record.get("versions")),
    }
