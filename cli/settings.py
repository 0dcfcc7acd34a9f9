"""RunSettings from options and `--set KEY=VALUE`; a wrong one is one line that names the option."""

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from schemas.errors import UserError

if TYPE_CHECKING:
    from schemas.settings import RunSettings

FLAGS = {"dask_address": "--dask", "use_prior": "--no-prior"}
"""Options whose name is not their setting's."""

FORMS = {"proposer": "offline, anthropic, replay:RUN or plugin:NAME"}
"""Settings whose values follow a pattern, in words."""


def build_settings(options: Mapping[str, object], assignments: Sequence[str] = ()) -> "RunSettings":
    """The settings; an option that was not given is None and left at its default."""
    from schemas.settings import RunSettings

    given = {name: value for name, value in options.items() if value is not None}
    places = {name: _flag(name) for name in given}
    for assignment in assignments:
        name, value = _split(assignment, list(RunSettings.model_fields))
        if name in given:
            raise UserError(f"--set {name}: given already, by {places[name]} {given[name]}")
        given[name], places[name] = value, f"--set {name}"
    if "workers" in given and "dask_address" in given:
        raise UserError(f"{places['workers']}: not together with {places['dask_address']}, whose cluster has its own")
    return _validated(given, places)


def _flag(name: str) -> str:
    return FLAGS.get(name, "--" + name.replace("_", "-"))


def _split(assignment: str, known: list[str]) -> tuple[str, str]:
    name, sign, value = assignment.partition("=")
    name = name.strip().replace("-", "_")
    if not sign:
        raise UserError(f"--set {assignment!r}: expected KEY=VALUE, for example max_rounds=3")
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"expected one of {', '.join(known)}"
        raise UserError(f"--set {name}: no such setting, {hint}")
    return name, value.strip()


def _validated(given: Mapping[str, object], places: Mapping[str, str]) -> "RunSettings":
    from pydantic import ValidationError

    from schemas.settings import RunSettings

    try:
        return RunSettings.model_validate(given)
    except ValidationError as exc:
        first = exc.errors()[0]
        name = str(first["loc"][0])
        raise UserError(f"{places[name]}: {_explain(name, first)}") from exc


def _explain(name: str, error: Any) -> str:
    value = str(error["input"])
    if name in FORMS:
        return f"expected {FORMS[name]}, got {value!r}{_close(value, ('offline', 'anthropic'))}"
    return f"{_expected(error['msg'])}, got {value!r}"


def _close(value: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(value, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _expected(message: str) -> str:
    """Pydantic's words in the first person of this command."""
    text = message.split(", unable to")[0].replace("Input should be ", "expected ")
    return text.replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
