"""A prior that a model wrote: its reply checked piece by piece, and written as a file of `prior/`.

What the reply says is data: values are read by the YAML reader of the prior's own files, nothing is evaluated.
"""

import datetime
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from adapters.prior_files import FOLDER, read_prior
from adapters.storage import replacing
from schemas.errors import UserError
from schemas.exchange import ProposalReply
from schemas.model import Scenario
from synthesis.prior_requests import ARCHETYPES, RELATIONS
from synthesis.replies import Checked, read_object
from synthesis.reply_values import FaultError, clean_text, show

FILE_NAME = "inferred.yaml"
EXCHANGES = "inferred.exchanges.jsonl"
MAX_VALUE = 2000
MAX_REASON = 600
KINDS = ("difference", "same", "values")


def check_prior(scenario: Scenario, reply: ProposalReply) -> Checked:
    """The archetypes and relations of a reply that the reader of prior files accepts, as they stand in a file."""
    archetypes = read_object(reply, "archetypes")
    if isinstance(archetypes, Checked):
        return archetypes
    relations = read_object(reply, "relations")
    kept: dict[str, list[dict[str, Any]]] = {"archetypes": [], "relations": []}
    faults, errors = Counter[str](), list[str]()
    for name, most, written in (
        ("archetypes", ARCHETYPES * 2, archetypes),
        ("relations", RELATIONS * 2, [] if isinstance(relations, Checked) else relations),
    ):
        for position, piece in enumerate(written[:most]):
            try:
                read = _archetype(piece) if name == "archetypes" else _relation(piece)
                _accept({**kept, name: [*kept[name], read]}, scenario)
            except FaultError as fault:
                faults[fault.fault] += 1
                errors.append(f"{name} {position + 1}: {fault.message}")
                continue
            kept[name].append(read)
    return Checked(faults=dict(faults), errors=tuple(errors[:12]), value=kept if kept["archetypes"] else None)


def write_prior(folder: Path, found: Mapping[str, Any], model: str, prompt_version: str, is_new: bool) -> Path:
    """The file of `prior/` with what was found, who said it and when."""
    path = folder / FOLDER / FILE_NAME
    if is_new and path.exists():
        raise UserError(f"{path}: exists already, expected --replace to overwrite what may have been edited")
    head = {
        "author": "a language model",
        "date": datetime.datetime.now(datetime.UTC).date(),
        "model": model,
        "prompt_version": prompt_version,
        "description": "Asked once by synthor infer; to be reviewed and edited. The tables win wherever they speak.",
    }
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(_dump({**head, **found}), encoding="utf-8")
    return path


def _accept(spec: Mapping[str, Any], scenario: Scenario) -> None:
    """Refuse what the reader of prior files refuses."""
    with tempfile.TemporaryDirectory(prefix="synthor-") as name:
        folder = Path(name)
        (folder / FOLDER).mkdir()
        text = _dump({"author": "a", "date": datetime.date(2000, 1, 1), **spec})
        (folder / FOLDER / FILE_NAME).write_text(text, encoding="utf-8")
        try:
            read_prior(folder, scenario.root, scenario.member, scenario.zones)
        except UserError as exc:
            told = str(exc).rpartition(f"{FILE_NAME}:")[2].partition(" ")[2] or str(exc)
            raise FaultError("wrong_type", clean_text(told)[:300]) from exc


def _archetype(piece: Any) -> dict[str, Any]:
    _expect(piece, ("name", "share", "values"))
    found = {"name": _text(piece["name"]), "share": piece["share"], "reason": _reason(piece)}
    found["values"] = dict(_values(piece["values"]))
    members = piece.get("members") or []
    if not isinstance(members, list):
        raise FaultError("wrong_members", f'"members" is {show(members)}, expected a list')
    if members:
        found["members"] = [_member(member) for member in members]
    return found


def _member(piece: Any) -> dict[str, Any]:
    _expect(piece, ("role", "values"))
    values = dict(_values(piece["values"]))
    return {"role": _text(piece["role"]), "number": _value(piece.get("number", "1")), "values": values}


def _relation(piece: Any) -> dict[str, Any]:
    _expect(piece, ("name", "variable", "kind", "value"))
    kind, value = piece["kind"], _value(piece["value"])
    if kind not in KINDS:
        raise FaultError("wrong_type", f'"kind" is {show(kind)}, expected one of {", ".join(KINDS)}')
    follows = {
        "difference": {"to": piece.get("to"), "value": value},
        "same": {"to": piece.get("to"), "probability": value},
        "values": value,
    }
    role = {"role": _text(piece["role"])} if piece.get("role") else {}
    named = {"name": _text(piece["name"]), "reason": _reason(piece), **role, "variable": _text(piece["variable"])}
    return {**named, kind: follows[kind]}


def _expect(piece: Any, names: tuple[str, ...]) -> None:
    if not isinstance(piece, Mapping) or any(name not in piece for name in names):
        raise FaultError("wrong_type", f"{show(piece)} lacks one of {', '.join(names)}")


def _values(written: Any) -> Iterator[tuple[str, Any]]:
    """Pairs from a list of {"variable", "value"}, or from an object."""
    pairs = list(written.items()) if isinstance(written, Mapping) else written
    if not isinstance(pairs, list):
        raise FaultError("wrong_type", f'"values" is {show(written)}, expected a list')
    for pair in pairs:
        if isinstance(pair, Mapping) and {"variable", "value"} <= pair.keys():
            yield _text(pair["variable"]), _value(pair["value"])
        elif isinstance(pair, tuple):
            yield _text(pair[0]), _value(pair[1])
        else:
            raise FaultError("wrong_type", f'{show(pair)}, expected {{"variable", "value"}}')


def _value(written: Any) -> Any:
    """A value in the form of a prior's file: text is read as YAML, and stays text where it is none."""
    if not isinstance(written, str):
        return written
    text = clean_text(written)[:MAX_VALUE]
    if not text.lstrip().startswith(("[", "{")):
        try:
            return int(text) if text.strip().lstrip("-").isdecimal() else float(text)
        except ValueError:
            return text
    try:
        value = yaml.safe_load(text)
        # Keys are category names and bins, whatever YAML takes a bare one for.
        return {str(key): part for key, part in value.items()} if isinstance(value, dict) else value
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise FaultError("wrong_type", f"{show(written)} is no value") from exc


def _text(written: Any) -> str:
    if not isinstance(written, str):
        raise FaultError("wrong_type", f"{show(written)}, expected a text")
    return clean_text(written)[:200]


def _reason(piece: Mapping[str, Any]) -> str:
    return clean_text(str(piece.get("reason", "")))[:MAX_REASON].strip() or "(none given)"


def _dump(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=110)
