"""`synthor run` and `synthor resume`: the whole pipeline, followed on a terminal and summed up at the end."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import complete_run, complete_scenario
from cli.existing import check_free, check_out, is_finished, read_run
from cli.interruption import Interruption
from cli.services import check_dask, is_unreachable_prefect, unreachable_prefect
from cli.settings import build_settings
from schemas.errors import RunError

if TYPE_CHECKING:
    from adapters.object_path import Location
    from schemas.model import Scenario
    from schemas.settings import RunSettings

Workers = Annotated[int | None, typer.Option(help="Local Dask workers; default: one per core.", show_default=False)]
DaskAddress = Annotated[
    str | None, typer.Option("--dask", metavar="ADDRESS", help="Scheduler of a Dask cluster.", show_default=False)
]
PublishAnyway = Annotated[bool, typer.Option("--publish-anyway", help="Publish even if validation fails.")]
Model = Annotated[str | None, typer.Option(help="Language model, by its server's name for it.", show_default=False)]
MaxCalls = Annotated[int | None, typer.Option(help="Model calls at most.", show_default=False)]
MaxTokens = Annotated[int | None, typer.Option(help="Tokens at most, in and out.", show_default=False)]
MaxUsd = Annotated[float | None, typer.Option(help="US dollars at most.", show_default=False)]
PublishTo = Annotated[
    str | None,
    typer.Option(metavar="ROOT", help="Folder of publications: becomes its current one.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print run.json, nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No progress and no summary.")]


def run(
    scenario: Annotated[
        Path, typer.Argument(help="Scenario folder.", show_default=False, autocompletion=complete_scenario)
    ],
    out: Annotated[
        str, typer.Option(help="Run folder: new, or a run to continue; or s3://bucket/prefix.", show_default=False)
    ],
    size: Annotated[int | None, typer.Option(help="Root records; default: the scenario's.", show_default=False)] = None,
    random_seed: Annotated[int | None, typer.Option(help="Default: 0.", show_default=False)] = None,
    proposer: Annotated[
        str | None,
        typer.Option(help="offline (the default), anthropic, replay:RUN or plugin:NAME.", show_default=False),
    ] = None,
    model: Model = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    allocation: Annotated[
        str | None, typer.Option(help="balanced (the default) or proposed.", show_default=False)
    ] = None,
    workers: Workers = None,
    dask: DaskAddress = None,
    max_rounds: Annotated[int | None, typer.Option(help="Rounds at most.", show_default=False)] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting, repeatable.", show_default=False),
    ] = None,
    context: Annotated[
        str | None, typer.Option(help="A sentence that steers a model's proposals (what-if).", show_default=False)
    ] = None,
    context_strength: Annotated[
        float | None,
        typer.Option(help="0 to 1: how far tables named by --set relax=... give way to it.", show_default=False),
    ] = None,
    hold_out: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TABLE", help="A table not to use but to be compared with; repeatable.", show_default=False
        ),
    ] = None,
    no_prior: Annotated[bool, typer.Option("--no-prior", help="Leave the scenario's prior aside.")] = False,
    publish_to: PublishTo = None,
    publish_anyway: PublishAnyway = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Synthesise a scenario: rounds of batches, validation, publication, report."""
    from adapters.object_path import location
    from adapters.scenario_files import read_scenario
    from synthesis.aims import build_aims
    from synthesis.held_out import hold_out as hold_out_tables

    options: dict[str, object] = {
        "size": size,
        "random_seed": random_seed,
        "proposer": _absolute_replay(proposer),
        "allocation": allocation,
    }
    options |= {"model": model, "max_calls": max_calls, "max_tokens": max_tokens, "max_usd": max_usd}
    options |= {"hold_out": tuple(dict.fromkeys(hold_out)) if hold_out else None}
    options |= {"workers": workers, "dask_address": dask, "max_rounds": max_rounds}
    options |= {"use_prior": False if no_prior else None}
    options |= {"publish_anyway": publish_anyway or None, "publish_to": _absolute(publish_to)}
    options |= {"context": context, "context_strength": context_strength}
    settings = build_settings(options, assignments or ())
    checked = read_scenario(scenario)
    build_aims(hold_out_tables(checked, settings.hold_out), settings.size)
    folder = location(out)
    record = check_out(folder, checked, settings)
    if record is not None and is_finished(record, folder):
        _make_current(folder, settings)
        _close(record, folder, as_json, quiet)
    else:
        _check_proposer(settings)
        _synthesize(scenario, checked, folder, settings, as_json, quiet)


def resume(
    run: Annotated[str, typer.Argument(help="Run folder.", show_default=False, autocompletion=complete_run)],
    workers: Workers = None,
    dask: DaskAddress = None,
    max_calls: MaxCalls = None,
    max_tokens: MaxTokens = None,
    max_usd: MaxUsd = None,
    publish_to: PublishTo = None,
    publish_anyway: PublishAnyway = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Finish an interrupted or failed run; committed batches are not redone."""
    from adapters.manifest import damage
    from adapters.object_path import location
    from adapters.run_folder import RunFolder
    from adapters.scenario_files import read_scenario

    folder = RunFolder(location(run))
    record = folder.read_run()
    kept = {name: value for name, value in record["settings"].items() if value is not None}
    if workers or dask:
        kept = {name: value for name, value in kept.items() if name not in ("workers", "dask_address")}
    changed: dict[str, object] = {"workers": workers, "dask_address": dask, "publish_anyway": publish_anyway or None}
    changed |= {"publish_to": _absolute(publish_to)}
    changed |= {"max_calls": max_calls, "max_tokens": max_tokens, "max_usd": max_usd}
    settings = build_settings(kept | {name: value for name, value in changed.items() if value is not None})
    if is_finished(record, folder.root) and not damage(folder):
        _make_current(folder.root, settings)
        _close(record, folder.root, as_json, quiet)
        return
    with folder.local_scenario() as scenario:
        _synthesize(scenario, read_scenario(scenario), folder.root, settings, as_json, quiet)


def _make_current(out: "Location", settings: "RunSettings") -> None:
    """What `--publish-to` asks of a run that is finished already."""
    if settings.publish_to is not None:
        from adapters.object_path import location
        from adapters.publications import publish_to
        from adapters.run_folder import RunFolder

        publish_to(RunFolder(out.absolute()), location(settings.publish_to), settings.publish_anyway)


def _check_proposer(settings: "RunSettings") -> None:
    """Refuse a proposer that cannot be asked, before anything is written."""
    if settings.asks:
        from adapters.llm.session import check_proposer

        check_proposer(settings)


def _absolute(path: str | None) -> str | None:
    from adapters.object_path import location

    return None if path is None else str(location(path).absolute())


def _absolute_replay(proposer: str | None) -> str | None:
    """A run that is replayed is found again from wherever this one is resumed."""
    kind, sign, run = (proposer or "").partition(":")
    return f"replay:{_absolute(run)}" if kind == "replay" and sign and run else proposer


def _synthesize(
    folder: Path, scenario: "Scenario", out: "Location", settings: "RunSettings", as_json: bool, quiet: bool
) -> None:
    """Run the flow; its failure is told with what was staged, then raised again."""
    check_dask(settings.dask_address)
    check_free(out)
    names, began = [entity.name for entity in scenario.entities], time.monotonic()
    interruption = Interruption(partial(_what_is_left, out))
    try:
        with (
            interruption.watched(),
            _followed(out, names, is_shown=not (as_json or quiet)),
            _only_ours_on_stdout(),
        ):
            record = _run_flow(folder, out, settings)
    except BaseException as error:
        if interruption.signal:  # whatever else went wrong on the way out
            typer.echo(interruption.line, err=True)
            raise typer.Exit(interruption.exit_code) from None
        if is_unreachable_prefect(error):
            raise unreachable_prefect(error) from error
        if isinstance(error, RunError) and (out / "run.json").is_file():
            _close(read_run(out), out, as_json, quiet, time.monotonic() - began)
        raise
    _close(record, out, as_json, quiet, time.monotonic() - began)


def _run_flow(folder: Path, out: "Location", settings: "RunSettings") -> dict[str, Any]:
    """run.json, from the flow; Prefect's server starts while the flow's libraries are imported."""
    from flows.own_server import own_server

    with own_server() as server:
        from flows.synthesize import synthesize

        if server is not None:
            server.wait()
        return synthesize(str(folder), str(out), settings)


def _what_is_left(out: "Location") -> str:
    """What an interruption leaves."""
    if isinstance(out, Path) and not (out / "run.json").is_file():
        return "nothing was written"
    return f"`synthor resume {out}` finishes this run"


@contextlib.contextmanager
def _followed(out: "Location", entities: list[str], is_shown: bool) -> Iterator[None]:
    """The live display, on a terminal."""
    # The display reads the log several times a second, which a store would have to be paid for.
    if not (isinstance(out, Path) and is_shown and sys.stdout.isatty() and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console

    from cli.progress import ProgressDisplay

    with ProgressDisplay(out, entities, Console(stderr=True, highlight=False)):
        yield


@contextlib.contextmanager
def _only_ours_on_stdout() -> Iterator[None]:
    """Whatever libraries and worker processes print goes to stderr: stdout is for the summary or the JSON."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _close(
    record: dict[str, Any], out: "Location", as_json: bool, quiet: bool, elapsed_seconds: float | None = None
) -> None:
    if as_json:
        typer.echo(json.dumps(record, indent=2, ensure_ascii=False))
    elif not quiet:
        from cli.summary import write_summary

        typer.echo(write_summary(record, out, elapsed_seconds))
