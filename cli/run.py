"""`synthor run` and `synthor resume`: the whole pipeline, followed on a terminal and summed up at the end."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.completion import complete_run, complete_scenario
from cli.existing import check_out, is_finished
from cli.following import called, close_run, follow, load_synthesize, load_update
from cli.settings import build_settings

if TYPE_CHECKING:
    from adapters.object_path import Location
    from adapters.run_folder import RunFolder
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
    from adapters.disk_need import check_disk
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
    options |= {"publish_anyway": publish_anyway or None, "publish_to": absolute(publish_to)}
    options |= {"context": context, "context_strength": context_strength}
    settings = build_settings(options, assignments or ())
    checked = read_scenario(scenario)
    aims = build_aims(hold_out_tables(checked, settings.hold_out), settings.size)
    folder = location(out)
    record = check_out(folder, checked, settings)
    if record is not None and is_finished(record, folder):
        _make_current(folder, settings)
        close_run(record, folder, as_json, quiet)
    else:
        _check_proposer(settings)
        check_disk(folder, checked, int(aims.zone_sizes.sum()))
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
    changed |= {"publish_to": absolute(publish_to)}
    changed |= {"max_calls": max_calls, "max_tokens": max_tokens, "max_usd": max_usd}
    settings = build_settings(kept | {name: value for name, value in changed.items() if value is not None})
    if is_finished(record, folder.root) and not damage(folder):
        _make_current(folder.root, settings)
        close_run(record, folder.root, as_json, quiet)
        return
    if record.get("update"):
        resume_update(record, folder, settings, as_json, quiet)
        return
    with folder.local_scenario() as scenario:
        _synthesize(scenario, read_scenario(scenario), folder.root, settings, as_json, quiet)


def resume_update(
    record: dict[str, Any], run: "RunFolder", settings: "RunSettings", as_json: bool, quiet: bool
) -> None:
    """Finish an update: its run.json says what it started from, its folder holds its scenario."""
    names = [entity.name for entity in run.read_scenario().entities]
    with run.local_scenario() as scenario:
        places = record["update"]["base"], scenario, run.root
        follow(lambda: called(load_update, settings, *places), names, run.root, settings, as_json, quiet)


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


def absolute(path: str | None) -> str | None:
    """The path or address, wherever the command is repeated from."""
    from adapters.object_path import location

    return None if path is None else str(location(path).absolute())


def _absolute_replay(proposer: str | None) -> str | None:
    """A run that is replayed is found again from wherever this one is resumed."""
    kind, sign, run = (proposer or "").partition(":")
    return f"replay:{absolute(run)}" if kind == "replay" and sign and run else proposer


def _synthesize(
    folder: Path, scenario: "Scenario", out: "Location", settings: "RunSettings", as_json: bool, quiet: bool
) -> None:
    """Run the flow, and close."""
    names = [entity.name for entity in scenario.entities]
    follow(lambda: called(load_synthesize, settings, folder, out), names, out, settings, as_json, quiet)
