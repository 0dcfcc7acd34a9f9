"""Run folders that exist already: read one, and refuse what is not a run of this scenario."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import UserError

if TYPE_CHECKING:
    from adapters.object_path import Location, ObjectPath
    from schemas.model import Scenario
    from schemas.settings import RunSettings


def read_run(run: "Location") -> dict[str, Any]:
    """run.json of a run folder."""
    from adapters.run_folder import RunFolder

    return RunFolder(run).read_run()


def check_out(out: "Location", scenario: "Scenario", settings: "RunSettings") -> dict[str, Any] | None:
    """run.json of the run to be continued in `out`, None if it is free; anything else there is refused."""
    from adapters.run_lock import LOCK_FILE

    # A Path has collapsed the second slash.
    if isinstance(out, Path) and re.match(r"\w+:/", str(out)):
        raise UserError(f"--out {out}: no such kind of store, expected a local folder or s3://bucket/prefix")
    if not isinstance(out, Path):
        check_reachable(out)
    if isinstance(out, Path) and any(parent.exists() and not parent.is_dir() for parent in out.absolute().parents):
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


def check_reachable(out: "ObjectPath") -> None:
    """Refuse a prefix of an object store that cannot be read: a wrong bucket, key or address."""
    try:
        has_bucket = out.bucket.exists()
    except OSError as exc:
        raise UserError(f"{out}: cannot be reached ({str(exc).splitlines()[0]})") from exc
    if not has_bucket:
        raise UserError(f"{out}: there is no such bucket, or these credentials do not see it")


def check_free(out: "Location") -> None:
    """Refuse a folder that another process holds, before anything is started; the flow takes the lock itself."""
    from adapters.run_lock import LOCK_FILE, locked

    if isinstance(out, Path) and (out / LOCK_FILE).exists():
        with locked(out):
            pass


def is_finished(record: dict[str, Any] | None, out: "Location") -> bool:
    """Whether nothing is left to do in `out`."""
    from adapters.run_folder import RunFolder

    run = RunFolder(out)
    return record is not None and record.get("status") == "published" and run.has_publication() and run.is_closed()


def _check_same(out: "Location", record: dict[str, Any], scenario: "Scenario", settings: "RunSettings") -> None:
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
