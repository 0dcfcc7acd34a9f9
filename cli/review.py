"""`synthor validate` and `synthor report`: look at a run again."""

import json
from typing import Annotated, Any

import typer

from cli.completion import complete_run
from cli.existing import read_run

RunArgument = Annotated[str, typer.Argument(help="Run folder.", show_default=False, autocompletion=complete_run)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
SHOWN_FAILURES = 10


def validate(
    run: RunArgument,
    full: Annotated[bool, typer.Option("--full", help="Read every record, not only the batches' counts.")] = False,
    recount: Annotated[
        bool, typer.Option("--recount", help="Count every record again and compare with the merged counts.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the suites again on what is there; exit 1 if one fails."""
    from adapters.object_path import location

    folder = location(run)
    record = read_run(folder)
    from adapters.manifest import verify_manifest
    from adapters.run_folder import RunFolder
    from adapters.run_lock import locked
    from tasks.validate import validate_run

    with locked(folder):
        if record.get("status") == "published":
            verify_manifest(RunFolder(folder))
        result = validate_run(folder, full, recount)
    counted = [f"  recount: all cells of {result['recounted']:,} records are as merged"] if result["recounted"] else []
    if as_json:
        typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
    else:
        typer.echo(
            "\n".join(
                [f"{run}: {summarise_validation(result)}", *list_failures(result), *list_warnings(result), *counted]
            )
        )
    if not result["success"]:
        raise typer.Exit(1)


def report(run: RunArgument, as_json: AsJson = False) -> None:
    """Build report.html again."""
    from adapters.object_path import location

    folder = location(run)
    read_run(folder)
    from adapters.report import write_report
    from tasks.explain import follow_worst_cells

    path = write_report(folder, follow_worst_cells(folder))
    typer.echo(json.dumps({"report": str(path)}) if as_json else str(path))


def summarise_validation(validation: dict[str, Any]) -> str:
    """`27 expectations in 2 suites, none failed`."""
    suites = validation.get("suites") or {}
    evaluated = sum(suite["evaluated"] for suite in suites.values())
    failed = sum(suite["failed"] for suite in suites.values())
    return f"{evaluated:,} expectations in {len(suites)} suites, {f'{failed:,}' if failed else 'none'} failed"


def list_failures(validation: dict[str, Any]) -> list[str]:
    """The first failed expectations, one line each."""
    failures = validation.get("failures") or []
    lines = [f"  {failure['suite']}: {failure['message']}" for failure in failures[:SHOWN_FAILURES]]
    more = len(failures) - SHOWN_FAILURES
    return [*lines, f"  and {more} more, see validation.json"] if more > 0 else lines


def list_warnings(validation: dict[str, Any]) -> list[str]:
    """What did not fail the run but should be looked at, and what is said of drift if there is anything to say."""
    warnings = validation.get("warnings") or []
    told = [warning if isinstance(warning, str) else warning["message"] for warning in warnings]
    drift = validation.get("drift") or {}
    said = [f"  drift: {drift['said']}"] if drift.get("judged") or drift.get("previous") else []
    return [*(f"  warning: {line}" for line in told[:SHOWN_FAILURES]), *said]
