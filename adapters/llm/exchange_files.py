"""Exchanges and answers as files: one each, written whole before it is used, and read again instead of paid again."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from adapters.storage import replacing, write_json
from schemas.errors import CorruptionError, UserError
from schemas.exchange import Answer, Exchange

MERGED = "exchanges.jsonl"


class ExchangeStore:
    """The exchanges and answers of a run that is going on, below its staging folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._exchanges = root / "staging" / "exchanges"
        self._answers = root / "staging" / "answers"

    def exchange_file(self, exchange_id: str) -> Path:
        """Where an exchange is kept."""
        return self._exchanges / f"{exchange_id}.json"

    def answer_file(self, request_id: str) -> Path:
        """Where the answer to a request is kept."""
        return self._answers / f"{request_id}.json"

    def keep(self, exchange: Exchange) -> None:
        """Write an exchange, before anything is made of it."""
        write_json(self.exchange_file(exchange.exchange_id), exchange.model_dump(mode="json"))

    def keep_intent(self, exchange: Exchange) -> None:
        """Write what is about to be asked. It need only outlive this process, not the machine: no sync."""
        path = self.exchange_file(exchange.exchange_id)
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

    def read_all(self) -> list[Exchange]:
        """Every exchange so far: request by request, turn by turn, attempt by attempt."""
        paths = sorted(self._exchanges.glob("[!.]*.json")) if self._exchanges.is_dir() else []
        found = [_exchange(path, path.read_text(encoding="utf-8")) for path in paths]
        return sorted(found, key=lambda one: (one.request_id, one.turn, one.attempt))

    def merge(self) -> None:
        """exchanges.jsonl from the single files (repeating it changes nothing)."""
        exchanges = self.read_all()
        if exchanges:
            write_exchanges(self._root / MERGED, exchanges)


def exchange_id(request_id: str, turn: int, attempt: int) -> str:
    """The name of an exchange within its run."""
    return f"{request_id}.t{turn}.a{attempt:02d}"


def read_answer(path: Path) -> Answer | None:
    """The answer in a file; None if there is no file."""
    try:
        return Answer.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as exc:
        raise CorruptionError(f"{path}: not an answer ({exc.error_count()} faults)") from exc


def write_exchanges(path: Path, exchanges: Iterable[Exchange]) -> None:
    """One exchange a line."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for exchange in exchanges:
            file.write(json.dumps(exchange.model_dump(mode="json"), ensure_ascii=False) + "\n")


def read_run_exchanges(run: Path) -> Mapping[str, list[Exchange]]:
    """The exchanges of a finished run, or of one that was interrupted, by request."""
    if not (run / "run.json").is_file():
        raise UserError(f"--proposer replay:{run}: no run there (expected a folder with run.json)")
    merged = run / MERGED
    found: Iterable[Exchange]
    if merged.is_file():
        lines = merged.read_text(encoding="utf-8").split("\n")
        found = [_exchange(merged, line, number) for number, line in enumerate(lines, start=1) if line]
    else:
        found = ExchangeStore(run).read_all()
    by_request: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in found:
        by_request[exchange.request_id].append(exchange)
    if not by_request:
        raise UserError(f"--proposer replay:{run}: that run kept no exchanges, expected one that asked a proposer")
    return by_request


def _exchange(path: Path, text: str, line: int | None = None) -> Exchange:
    try:
        content: Any = json.loads(text)
        return Exchange.model_validate(content)
    except ValueError as exc:
        place = f"{path}:{line}" if line else str(path)
        raise CorruptionError(f"{place}: not an exchange ({type(exc).__name__})") from exc
