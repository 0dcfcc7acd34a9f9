"""Opening a run: its folder, its copy of the scenario, run.json."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from adapters.disk_need import check_disk
from adapters.llm.session import check_proposer
from adapters.object_path import Location, location
from adapters.run_folder import RunFolder
from adapters.run_lock import LOCK_FILE, locked
from adapters.scenario_files import read_scenario
from adapters.what_if_shifts import check_without
from schemas.errors import UserError
from schemas.settings import RunSettings
from tasks.context import Context, compile_context, load_context
from tasks.judge_scenario import judge_scenario

VERSIONS = ("synthor", "prefect", "prefect-dask", "dask", "pyarrow", "pandas", "numpy", "scipy", "great-expectations")
UNBOUND = "reaches beyond the units that are solved together: measured, but not aimed at"


@contextmanager
def held(out: str) -> Iterator[None]:
    """The run folder, for this process alone: two runs at once would overwrite each other's run.json."""
    with locked(location(out).absolute()):
        yield


def with_absolute_paths(settings: RunSettings) -> RunSettings:
    """The settings as the run folder keeps them: its root of publications is found from wherever it is looked at."""
    if settings.publish_to is None:
        return settings
    return settings.model_copy(update={"publish_to": str(location(settings.publish_to).absolute())})


@task(name="prepare", cache_policy=NO_CACHE)
def prepare(scenario: str, out: str, settings: RunSettings) -> Context:
    """The run's context; a new folder is made, one that holds this very run is taken up again."""
    return open_run(Path(scenario), location(out), settings)


def open_run(folder: Path, out: Location, settings: RunSettings) -> Context:
    """As `prepare`, without Prefect. Nothing is written unless scenario and settings are fine."""
    run = RunFolder(out.absolute())
    if settings.asks:
        check_proposer(settings)
    scenario = read_scenario(folder)
    if settings.without is not None:
        check_without(location(settings.without), scenario)
    context = compile_context(run, scenario, settings)
    check_disk(run.root, scenario, int(context.aims.zone_sizes.sum()))
    if (run.root / "run.json").exists():
        check_same_run(run.read_run(), scenario.fingerprint, settings, run.root)
    elif run.root.exists() and (not run.root.is_dir() or holds_anything(run.root)):
        raise UserError(f"{run.root}: exists and is no run folder, expected a new or empty folder")
    else:
        create_run(run, folder, context, judge_scenario(context.coder))
    return load_context(str(run.root), scenario.fingerprint, settings)


def holds_anything(folder: Location) -> bool:
    """Whether there is anything beside a lock."""
    return any(path.name != LOCK_FILE for path in folder.iterdir())


def check_same_run(
    stored: dict[str, Any], fingerprint: str, settings: RunSettings, root: Location, is_update: bool = False
) -> None:
    """Refuse to mix two runs in one folder."""
    if (stored.get("update") is not None) != is_update:
        raise UserError(f"{root}: holds an update, expected a new folder (`synthor resume {root}` finishes it)")
    if stored["scenario"]["fingerprint"] != fingerprint:
        raise UserError(
            f"{root}: holds a run of another scenario ({stored['scenario']['name']}), expected a new folder"
        )
    given = settings.output_identity()
    for name, value in RunSettings.model_validate(stored["settings"]).output_identity().items():
        if value != given[name]:
            raise UserError(f"{root}: holds a run with {name}={value!r}, got {given[name]!r}: expected a new folder")


def create_run(run: RunFolder, folder: Path, context: Context, judged: dict[str, Any]) -> None:
    """A new run folder, with its copy of the scenario and run.json."""
    scenario, settings = context.scenario, context.settings
    try:
        run.root.mkdir(parents=True, exist_ok=True)
        run.copy_scenario(folder)
    except OSError as exc:
        raise UserError(f"{run.root}: cannot write here ({exc.strerror})") from exc
    run.write_run(
        {
            "synthor_version": version("synthor"),
            "status": "running",
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "scenario": {
                "name": scenario.name,
                "title": scenario.title,
                "fingerprint": scenario.fingerprint,
                "path": str(folder),
            },
            "out": str(run.root),
            "settings": settings.model_dump(),
            "random_seed": settings.random_seed,
            "versions": {"python": sys.version.split()[0], **{name: version(name) for name in VERSIONS}},
            "size": int(context.aims.zone_sizes.sum()),
            "reconciliations": [
                {"table": note.table, "what": note.what, "magnitude": note.magnitude}
                for note in context.aims.reconciliations
            ]
            + [{"table": name, "what": UNBOUND, "magnitude": 0.0} for name in context.cut.unbound],
            "failure": None,
            **judged,
        }
    )
