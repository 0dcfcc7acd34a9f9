"""The data card: what a user of the records has to know, as Markdown."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from adapters.run_folder import RunFolder
from adapters.storage import read_parquet, replacing
from schemas.model import Scenario

NAME = "DATACARD.md"
LIMITS = (
    "The records are synthetic: none is a real person, household or purchase, and none may be read as one.",
    "What a target table holds is reproduced within the tolerance stated below. Whatever no table holds rests on "
    "independence, stated prior weights or the proposer's knowledge: no such relation can be read off the records.",
    "Errors of the published tables (sampling, coverage, rounding, vintage) are in the records as well.",
)


def write_data_card(run: RunFolder, scenario: Scenario, folder: Path) -> Path:
    """Write DATACARD.md into the folder; returns its path."""
    path = folder / NAME
    with replacing(path) as temporary:
        temporary.write_text("\n".join(_lines(run, scenario)) + "\n", encoding="utf-8")
    return path


def _lines(run: RunFolder, scenario: Scenario) -> Iterator[str]:
    record = run.read_run()
    yield from (f"# Data card: {scenario.title or scenario.name}", "", scenario.description.strip(), "")
    yield from _records(record)
    yield from _sources(scenario)
    yield from _tables(run, scenario)
    yield from _evidence(record)
    yield from ("## Limits", "", *(f"- {limit}" for limit in LIMITS), "")
    yield from _provenance(record)


def _records(record: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Records", "", "| entity | records |", "|---|---|")
    yield from (f"| {name} | {entity['records']:,} |" for name, entity in record["entities"].items())
    yield ""


def _sources(scenario: Scenario) -> Iterator[str]:
    yield from ("## Sources", "", "| source | publisher | title | vintage | licence |", "|---|---|---|---|---|")
    for name, source in scenario.sources.items():
        facts = (source.get(key, "not stated") for key in ("publisher", "title", "vintage", "licence"))
        yield f"| {name} | {' | '.join(_cell(fact) for fact in facts)} |"
    if not scenario.sources:
        yield "| none stated | | | | |"
    yield ""


def _tables(run: RunFolder, scenario: Scenario) -> Iterator[str]:
    cells = read_parquet(run.aggregates).to_pandas()
    yield from ("## Target tables", "")
    yield from ("| table | entity | zone | source | cells within tolerance | worst cell |", "|---|---|---|---|---|---|")
    for table in scenario.tables:
        own = cells[cells["table"] == table.name]
        worst = own.loc[own["discrepancy"].abs().idxmax()]
        place = " ".join(str(part) for part in (worst["zone"], worst["cell"]) if part)
        off = abs(float(worst["discrepancy"]))
        gap = "exact" if off < 0.5 else f"{place}: off by {off:,.1f} records"
        within = f"{int(own['within'].sum()):,} of {len(own):,}"
        zone, source = table.zone_level or "whole", table.source or "not stated"
        yield f"| {table.name} | {table.entity} | {zone} | {source} | {within} | {_cell(gap)} |"
    notes = [f"- {table.name}: {' '.join(table.note.split())}" for table in scenario.tables if table.note]
    yield from ("", *notes, "") if notes else ("",)


def _evidence(record: Mapping[str, Any]) -> Iterator[str]:
    pairs = (record.get("evidence") or {}).get("pairs", [])
    if not pairs:
        return
    yield from ("## Evidence", "", "What each pair of variables rests on.", "", "| class | pairs |", "|---|---|")
    classes: dict[str, list[str]] = {}
    for pair in pairs:
        classes.setdefault(pair["evidence"], []).append(f"{pair['one']} × {pair['other']}")
    yield from (f"| {name} | {_cell(', '.join(members))} |" for name, members in classes.items())
    yield ""


def _provenance(record: Mapping[str, Any]) -> Iterator[str]:
    yield from ("## Provenance", "", f"- scenario fingerprint: `{record['scenario']['fingerprint']}`")
    yield f"- proposer: {record['settings'].get('proposer')}; random seed: {record['random_seed']}"
    yield "- versions: " + ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    success = (record.get("validation") or {}).get("success")
    yield f"- validation: {'passed' if success else 'failed, published anyway'}"


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")
