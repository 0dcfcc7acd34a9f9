"""The closing summary of a run: what a person wants to know when the command returns."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from adapters.object_path import Location
from adapters.report_misses import Miss, find_misses, find_worst_cells
from adapters.report_moments import read_moments, tell_moments
from adapters.report_numbers import write_count, write_seconds, write_tvd
from adapters.report_run import split_durations, write_solver
from adapters.report_tables import TableGrid, read_grids
from adapters.storage import read_parquet
from cli.asking import tell_usage
from cli.review import list_failures, list_warnings, summarise_validation

if TYPE_CHECKING:
    import pandas as pd

SHOWN_MISSES = 10
SHOWN_ZONES = 5
LABEL_WIDTH = 24
Line = tuple[str, str]


def write_summary(record: Mapping[str, Any], out: Location, elapsed_seconds: float | None = None) -> str:
    """The summary as text; a failed run's says which cells missed by how much.

    Without `elapsed_seconds`, the wall time of the command, the run was finished before.
    """
    aggregates = _read_aggregates(out / "aggregates.parquet")
    grids = _read_grids(aggregates)
    is_published = record.get("status") == "published"
    lines = [_headline(record, elapsed_seconds), ""]
    facts = [
        *_records(record),
        *_churn(record),
        *_asking(record),
        *_fit(record, grids),
        *_moments(aggregates),
        *_quality(record),
        *_times(record, elapsed_seconds),
    ]
    facts += _published(record, out) if is_published else _staged(out)
    lines += [f"  {label:<{LABEL_WIDTH}}{value}" for label, value in facts]
    if not is_published or _has_failed(record):
        lines += _misses(grids)
    return "\n".join(lines)


def _read_aggregates(path: Location) -> "pd.DataFrame | None":
    return read_parquet(path).to_pandas() if path.is_file() else None


def _read_grids(aggregates: "pd.DataFrame | None") -> list[TableGrid]:
    grids = [] if aggregates is None else read_grids(aggregates)
    return [grid for grid in grids if not grid.is_held_out]


def _moments(aggregates: "pd.DataFrame | None") -> Iterator[Line]:
    if aggregates is not None and (moments := read_moments(aggregates)).count:
        yield "means and quantiles", tell_moments(moments)


def _has_failed(record: Mapping[str, Any]) -> bool:
    return (record.get("validation") or {}).get("success") is False


def _headline(record: Mapping[str, Any], elapsed_seconds: float | None) -> str:
    name, took = record["scenario"]["name"], f"in {write_seconds(elapsed_seconds)}"
    if record.get("status") != "published":
        return f"{name}: failed, nothing is published"
    if elapsed_seconds is None:
        took = "before, nothing is left to do"
    return f"{name}: published {took}" + (
        "; validation failed, overruled by --publish-anyway" if _has_failed(record) else ""
    )


def _records(record: Mapping[str, Any]) -> Iterator[Line]:
    for name, entity in (record.get("entities") or {}).items():
        yield f"{name} records", write_count(entity["records"])
    if record.get("damaged"):
        yield "damage repaired", f"{len(record['damaged'])} files were missing or altered and made again"
    if record.get("reply_share") is not None:
        yield "from replies", f"{record['reply_share']:.1%} of the records have their plan row from a reply"
    if (record.get("what_if") or {}).get("note"):
        yield "what if", record["what_if"]["note"]
    if record.get("shortfall"):
        yield "shortfall", f"{write_count(record['shortfall'])} records could not be drawn"


def _churn(record: Mapping[str, Any]) -> Iterator[Line]:
    update = record.get("update") or {}
    if "retired" not in update:
        return
    before = update["kept"] + update["retired"]
    share = f" ({update['retired'] / before:.2%})" if before else ""
    yield "updated from", update["base"]
    figures = [f"{write_count(update[name])} {name}" for name in ("kept", "added", "retired")]
    yield "churn", ", ".join(figures) + share
    touched, left = (write_count(update[f"partitions_{which}"]) for which in ("touched", "kept"))
    yield "partitions", f"{touched} changed, {left} left byte for byte"
    named = [zone for zone in update["zones"] if zone["zone"]]
    for position, zone in enumerate(sorted(named, key=lambda zone: -zone["retired"])[:SHOWN_ZONES]):
        text = f"{zone['zone']}: {write_count(zone['added'])} added, {write_count(zone['retired'])} retired"
        yield "" if position else "zones changed", f"{text} ({zone['retired_share']:.2%})"
    if len(named) > SHOWN_ZONES:
        yield "", f"and {len(named) - SHOWN_ZONES} more, in run.json"


def _asking(record: Mapping[str, Any]) -> Iterator[Line]:
    for position, text in enumerate(tell_usage(record.get("llm") or {})):
        yield "" if position else "proposals", text


def _fit(record: Mapping[str, Any], grids: list[TableGrid]) -> Iterator[Line]:
    if grids:
        cells = sum(int(grid.exists.sum()) for grid in grids)
        within = sum(int((grid.exists & grid.within).sum()) for grid in grids)
        yield "cells within tolerance", f"{write_count(within)} of {write_count(cells)}"
        yield "worst cell", _worst(grids)
    rounds = record.get("rounds") or []
    if rounds:
        after = f"after {len(rounds)} round" + ("s" if len(rounds) > 1 else "")
        yield "mean TVD", f"{write_tvd(rounds[-1].get('mean_tvd'))} {after}"
        if solver := rounds[-1].get("solver"):
            yield "solver", write_solver(solver)


def _worst(grids: list[TableGrid]) -> str:
    worst = next(iter(find_worst_cells(grids, 1)), None)
    if worst is None:
        return "none, every cell is exact"
    place = ", ".join(part for part in (worst.table, worst.zone, worst.cell) if part)
    side = "short of" if worst.discrepancy > 0 else "over"
    gap = write_count(abs(worst.discrepancy))
    return f"{place}: {gap} {side} {write_count(worst.aimed)} records (tolerance: {worst.tolerance})"


def _quality(record: Mapping[str, Any]) -> Iterator[Line]:
    rejected, drawn = record.get("rejected"), record.get("drawn")
    if rejected is not None:
        yield "rejected", f"{write_count(rejected)} of {write_count(drawn)} drawn"
    validation = record.get("validation") or {}
    if validation:
        broken = [failure for failure in validation.get("failures") or [] if "rule: " in str(failure)]
        yield "rules broken", str(len(broken))
        yield "validation", summarise_validation(validation)
        yield from (("", line.strip()) for line in [*list_failures(validation), *list_warnings(validation)])


def _times(record: Mapping[str, Any], elapsed_seconds: float | None) -> Iterator[Line]:
    parts = [f"{one.label} {write_seconds(one.seconds)}" for one in split_durations(record)]
    total = (record.get("durations") or {}).get("total_seconds")
    if elapsed_seconds is not None and total is not None:
        parts.append(f"imports and Prefect's own start {write_seconds(max(elapsed_seconds - total, 0.0))}")
    if parts:
        yield "time", ", ".join(parts)


def _published(record: Mapping[str, Any], out: Location) -> Iterator[Line]:
    root = next(iter(record.get("entities") or {"": {}}))
    folder = out / "dataset" / root
    yield "dataset", str(out / "dataset")
    yield "report", str(out / "report.html")
    yield "Python", f'pyarrow.dataset.dataset("{folder}", partitioning="hive").to_table()'
    yield "DuckDB", f"SELECT * FROM read_parquet('{folder}/**/*.parquet', hive_partitioning = true)"


def _staged(out: Location) -> Iterator[Line]:
    from adapters.run_folder import RunFolder

    folder = RunFolder(out)
    if folder.staged_dataset.exists():
        yield "staged records", str(folder.staged_dataset)
    for label, path in (("aggregates", folder.aggregates), ("report", out / "report.html"), ("log", out / "log.jsonl")):
        if path.exists():
            yield label, str(path)


def _misses(grids: list[TableGrid]) -> list[str]:
    misses = find_misses(grids)
    if not misses:
        return []
    count = f"{write_count(len(misses))}, the worst {SHOWN_MISSES}" if len(misses) > SHOWN_MISSES else len(misses)
    return ["", f"  outside tolerance ({count}):", *(f"    {_tell_miss(miss)}" for miss in misses[:SHOWN_MISSES])]


def _tell_miss(miss: Miss) -> str:
    place = ", ".join(part for part in (miss.table, miss.zone, miss.what) if part)
    figures = f"aimed {write_count(miss.aimed)}, got {write_count(miss.synthetic)}"
    return f"{place}: {figures}, beyond tolerance by {miss.missed_by} (tolerance: {miss.tolerance})"
