"""Run folders that exist already: read one, and refuse what is not a run of this scenario."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UserError

if TYPE_CHECKING:
    from schemas.model import Scenario
    from schemas.settings import RunSettings


def read_run(run: Path) -> dict[str, Any]:
    """run.json of a run folder."""
    from adapters.run_folder import RunFolder

    return RunFolder(run).read_run()


def check_out(out: Path, scenario: "Scenario", settings: "RunSettings") -> dict[str, Any] | None:
    """run.json of the run to be continued in `out`, None if it is free; anything else there is refused."""
    from adapters.run_lock import LOCK_FILE

    if "://" in str(out) or str(out).startswith("s3:"):
        raise UserError(f"--out {out}: object stores are not available yet, expected a local folder")
    if any(parent.exists() and not parent.is_dir() for parent in out.absolute().parents):
        raise UserError(f"--out {out}: lies under a file, expected a folder")
    if not out.exists() or (out.is_dir() and all(path.name == LOCK_FILE for path in out.iterdir())):
        return None
    if not (out / "run.json").is_file():
        raise UserError(
            f"--out {out}: exists and is not a run folder, expected a new folder or a run of {scenario.name!r}"
        )
    record = read_run(out)
    _check_same(out, record, scenario, settings)
    return record


def check_free(out: Path) -> None:
    """Refuse a folder that another process holds, before anything is started; the flow takes the lock itself."""
    from adapters.run_lock import LOCK_FILE, locked

    if (out / LOCK_FILE).exists():
        with locked(out):
            pass


def is_finished(record: dict[str, Any] | None, out: Path) -> bool:
    """Whether nothing is left to do in `out`."""
    from adapters.run_folder import RunFolder

    run = RunFolder(out)
    return record is not None and record.get("status") == "published" and run.dataset.is_dir() and run.is_closed()


def _check_same(out: Path, record: dict[str, Any], scenario: "Scenario", settings: "RunSettings") -> None:
    held = record["scenario"]
    if held["fingerprint"] != scenario.fingerprint:
        other = "another version of this scenario" if held["name"] == scenario.name else f"scenario {held['name']!r}"
        raise UserError(f"--out {out}: holds a run of {other}, expected a new folder or a run of {scenario.name!r}")
    kept = {name: record["settings"].get(name) for name in settings.output_identity()}
    for name, asked in settings.output_identity().items():
        if kept[name] != asked:
            raise UserError(
                f"--out {out}: holds a run with {name} {kept[name]}, not {asked}; "
                f"give another --out, or finish it as it is with `synthor resume {out}`"
            )
