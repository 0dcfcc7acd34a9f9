"""`synthor update`: new targets against a population that is published already."""

from pathlib import Path
from typing import Annotated

import typer

from cli.completion import complete_run, complete_scenario
from cli.existing import is_finished
from cli.following import called, close_run, follow, load_update
from cli.run import AsJson, DaskAddress, PublishAnyway, PublishTo, Quiet, Workers, absolute
from cli.settings import build_settings


def update(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN|ROOT",
            help="A published run, or a folder of publications: its current one.",
            show_default=False,
            autocompletion=complete_run,
        ),
    ],
    scenario: Annotated[
        Path,
        typer.Argument(
            help="Scenario folder: the same tables, new figures.", show_default=False, autocompletion=complete_scenario
        ),
    ],
    out: Annotated[str, typer.Option(help="Run folder of the update: new, or to continue.", show_default=False)],
    size: Annotated[int | None, typer.Option(help="Root records; default: as before.", show_default=False)] = None,
    workers: Workers = None,
    dask: DaskAddress = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Any other setting, repeatable.", show_default=False),
    ] = None,
    publish_to: PublishTo = None,
    publish_anyway: PublishAnyway = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Bring a population to new targets: keep what fits, retire and add records, report the churn.

    Settings are those of RUN unless given. Of a folder of publications the update becomes the next one.
    """
    from adapters.base_run import find_base
    from adapters.object_path import location
    from adapters.run_folder import RunFolder
    from adapters.scenario_files import read_scenario
    from synthesis.scenario_changes import check_changes

    options: dict[str, object] = {"size": size, "workers": workers, "dask_address": dask}
    options |= {"publish_anyway": publish_anyway or None, "publish_to": absolute(publish_to)}
    settings = build_settings(options, assignments or ())
    folder, checked = location(out), read_scenario(scenario)
    check_changes(find_base(location(run)).run.read_scenario(), checked, str(scenario))
    if (folder / "run.json").is_file():
        record = RunFolder(folder).read_run()
        is_same = record.get("update") and record["scenario"]["fingerprint"] == checked.fingerprint
        if is_same and is_finished(record, folder):
            close_run(record, folder, as_json, quiet)
            return
    names = [entity.name for entity in checked.entities]
    follow(lambda: called(load_update, settings, run, scenario, out), names, folder, settings, as_json, quiet)
