"""A flow called by a command: watched for signals, followed on a terminal, summed up at the end."""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.existing import check_free, read_run
from cli.interruption import Interruption
from cli.services import check_dask, is_unreachable_prefect, unreachable_prefect
from schemas.errors import RunError

if TYPE_CHECKING:
    from adapters.object_path import Location
    from schemas.settings import RunSettings


def follow(
    call: Callable[[], dict[str, Any]],
    names: list[str],
    out: "Location",
    settings: "RunSettings",
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a flow on `out`; its failure is told with what was staged, then raised again."""
    check_dask(settings.dask_address)
    check_free(out)
    began = time.monotonic()
    interruption = Interruption(partial(_what_is_left, out))
    try:
        with (
            interruption.watched(),
            _followed(out, names, is_shown=not (as_json or quiet)),
            _only_ours_on_stdout(),
        ):
            record = call()
    except BaseException as error:
        if interruption.signal:  # whatever else went wrong on the way out
            typer.echo(interruption.line, err=True)
            raise typer.Exit(interruption.exit_code) from None
        if is_unreachable_prefect(error):
            raise unreachable_prefect(error) from error
        if isinstance(error, RunError) and (out / "run.json").is_file():
            close_run(read_run(out), out, as_json, quiet, time.monotonic() - began)
        raise
    close_run(record, out, as_json, quiet, time.monotonic() - began)


def called(load: Callable[[], Any], settings: "RunSettings", *places: object) -> dict[str, Any]:
    """run.json after the flow. What takes seconds to come up is started before its modules are imported."""
    from flows.forks import start_fork_server

    if settings.dask_address is None:
        start_fork_server()
    from flows.own_server import own_server

    with own_server() as server:
        flow = load()
        if server is not None:
            server.wait()
        record: dict[str, Any] = flow(*map(str, places), settings)
    return record


def _what_is_left(out: "Location") -> str:
    """What an interruption leaves."""
    if isinstance(out, Path) and not (out / "run.json").is_file():
        return "nothing was written"
    return f"`synthor resume {out}` finishes this run"


def load_synthesize() -> Any:
    """The flow of a run, imported with what it needs."""
    from flows.synthesize import synthesize
    from tasks.validate import load_suites_ahead

    load_suites_ahead()
    return synthesize


def load_update() -> Any:
    """The flow of an update, imported with what it needs."""
    from flows.update import update
    from tasks.validate import load_suites_ahead

    load_suites_ahead()
    return update


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


def close_run(
    record: dict[str, Any], out: "Location", as_json: bool, quiet: bool, elapsed_seconds: float | None = None
) -> None:
    """Print run.json or the summary."""
    if as_json:
        typer.echo(json.dumps(record, indent=2, ensure_ascii=False))
    elif not quiet:
        from cli.summary import write_summary

        typer.echo(write_summary(record, out, elapsed_seconds))
