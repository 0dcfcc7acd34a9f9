"""Exchanges and answers as files: one each, written whole before it is used, and read again instead of paid again."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from adapters.object_path import Location, ObjectPath
from adapters.storage import replacing, write_json
from schemas.errors import CorruptionError, UserError
from schemas.exchange import Answer, Exchange

MERGED = "exchanges.jsonl"


class ExchangeStore:
    """The exchanges and answers of a run that is going on, below its staging folder."""

    def __init__(self, root: Location) -> None:
        self._root = root
        self._exchanges = root / "staging" / "exchanges"
        self._answers = root / "staging" / "answers"

    def exchange_file(self, exchange_id: str) -> Location:
        """Where an exchange is kept."""
        return self._exchanges / f"{exchange_id}.json"

    def answer_file(self, request_id: str) -> Location:
        """Where the answer to a request is kept."""
        return self._answers / f"{request_id}.json"

    def keep(self, exchange: Exchange) -> None:
        """Write an exchange, before anything is made of it."""
        write_json(self.exchange_file(exchange.exchange_id), exchange.model_dump(mode="json"))

    def keep_intent(self, exchange: Exchange) -> None:
        """Write what is about to be asked. It need only outlive this process, not the machine: no sync."""
        path = self.exchange_file(exchange.exchange_id)
        if isinstance(path, ObjectPath):
            write_json(path, exchange.model_dump(mode="json"))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.write_text(json.dumps(exchange.model_dump(mode="json")), encoding="utf-8")
        temporary.replace(path)

    def keep_answer(self, answer: Answer) -> None:
        """Write an answer, for the workers to read."""
        write_json(self.answer_file(answer.request_id), answer.model_dump(mode="json"))

    def read_answer(self, request_id: str) -> Answer | None:
        """The answer to a request, if it has one."""
        return read_answer(self.answer_file(request_id))

    def read_answers(self) -> list[Answer]:
        """Every answer so far, by request id."""
        paths: list[Location] = list(self._answers.glob("[!.]*.json")) if self._answers.is_dir() else []
        answers = [answer for path in paths if (answer := read_answer(path)) is not None]
        return sorted(answers, key=lambda answer: answer.request_id)

    def read_all(self) -> list[Exchange]:
        """Every exchange so far: request by request, turn by turn, attempt by attempt.

        A run that is repaired after its publication has them merged already.
        """
        found = {one.exchange_id: one for one in _read_merged(self._root / MERGED)}
        for path in self._exchanges.glob("[!.]*.json") if self._exchanges.is_dir() else ():
            one = _exchange(path, path.read_text(encoding="utf-8"))
            found[one.exchange_id] = one
        return sorted(found.values(), key=lambda one: (one.request_id, one.turn, one.attempt))

    def merge(self) -> None:
        """exchanges.jsonl from the single files (repeating it changes nothing)."""
        exchanges = self.read_all()
        if exchanges:
            write_exchanges(self._root / MERGED, exchanges)


def exchange_id(request_id: str, turn: int, attempt: int) -> str:
    """The name of an exchange within its run."""
    return f"{request_id}.t{turn}.a{attempt:02d}"


def read_answer(path: Location) -> Answer | None:
    """The answer in a file; None if there is no file."""
    try:
        return Answer.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as exc:
        raise CorruptionError(f"{path}: not an answer ({exc.error_count()} faults)") from exc


def write_exchanges(path: Location, exchanges: Iterable[Exchange]) -> None:
    """One exchange a line."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for exchange in exchanges:
            file.write(json.dumps(exchange.model_dump(mode="json"), ensure_ascii=False) + "\n")


def read_run_exchanges(run: Location) -> Mapping[str, list[Exchange]]:
    """The exchanges of a finished run, or of one that was interrupted, by request."""
    if not (run / "run.json").is_file():
        raise UserError(f"--proposer replay:{run}: no run there (expected a folder with run.json)")
    by_request: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in ExchangeStore(run).read_all():
        by_request[exchange.request_id].append(exchange)
    if not by_request:
        raise UserError(f"--proposer replay:{run}: that run kept no exchanges, expected one that asked a proposer")
    return by_request


def _read_merged(path: Location) -> list[Exchange]:
    if not path.is_file():
        return []
    # Not splitlines: a line separator inside a text is none between lines.
    lines = path.read_text(encoding="utf-8").split("\n")
    return [_exchange(path, line, number) for number, line in enumerate(lines, start=1) if line]


def _exchange(path: Location, text: str, line: int | None = None) -> Exchange:
    try:
        content: Any = json.loads(text)
        return Exchange.model_validate(content)
    except ValueError as exc:
        place = f"{path}:{line}" if line else str(path)
        raise CorruptionError(f"{place}: not an exchange ({type(exc).__name__})") from exc
