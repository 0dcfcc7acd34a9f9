"""A run folder: run.json, log, and where everything else lies."""

import io
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.llm.exchange_files import ExchangeStore
from adapters.nearby import nearby_folder
from adapters.object_path import Location, ObjectPath
from adapters.run_log import RunLog
from adapters.scenario_document import Document
from adapters.scenario_files import input_files, read_scenario
from adapters.storage import (
    read_parquet,
    read_parquet_metadata,
    remove_temporaries,
    remove_tree,
    replacing,
    sha256_of,
    write_json,
)
from schemas.dependencies import Dependencies
from schemas.errors import RunError, UserError
from schemas.exchange import Answer
from schemas.model import FloatArray, IntArray, Scenario

RESPONSES = "responses"
"""Parts kept for the whole run: what each unit adds by itself to the tables beyond it."""


class RunFolder:
    """Paths and small files of one run, in a local folder or under a prefix of an object store."""

    def __init__(self, root: Location) -> None:
        self.root = root
        self.dataset = root / "dataset"
        # Objects cannot be renamed: there the manifest, written last, is what makes a dataset a published one.
        self.staged_dataset = self.dataset if isinstance(root, ObjectPath) else root / "staging" / "dataset"
        self._log = RunLog(root / "log.jsonl")
        self.scenario = root / "scenario"
        self.aggregates = root / "aggregates.parquet"
        self.plan = root / "plan.parquet"
        self.proposals = root / "proposals.jsonl"
        self.manifest = root / "manifest.json"
        self.validation = root / "validation.json"
        self.expectations = root / "expectations"
        self.quarantine = root / "quarantine"
        self.report = root / "report.html"
        self.dependencies = root / "dependencies.json"

    @property
    def records(self) -> Location:
        """The published dataset, or the staged one while there is none."""
        has_one = isinstance(self.root, ObjectPath) or self.dataset.is_dir()
        return self.dataset if has_one else self.staged_dataset

    def has_publication(self) -> bool:
        """Whether the dataset has its name already."""
        return (self.manifest if isinstance(self.root, ObjectPath) else self.dataset).exists()

    def plan_file(self, plan_id: int) -> Location:
        """The plan rows of one plan, before they are merged into plan.parquet."""
        return self.root / "staging" / "plan" / f"p{plan_id:06d}.parquet"

    def proposals_file(self, plan_id: int) -> Location:
        """What one plan was proposed from."""
        return self.root / "staging" / "proposals" / f"p{plan_id:06d}.json"

    def retired_file(self, batch_id: int) -> Location:
        """Which records one batch of an update retired, before they are merged into retired.parquet."""
        return self.root / "staging" / "retired" / f"b{batch_id:06d}.parquet"

    def answer_file(self, request_id: str) -> Location:
        """The answer to a request for proposals, for whoever compiles it."""
        return ExchangeStore(self.root).answer_file(request_id)

    def read_answers(self) -> list[Answer]:
        """All answers so far, by request id."""
        return ExchangeStore(self.root).read_answers()

    def merge_exchanges(self) -> None:
        """exchanges.jsonl from the exchanges' own files (repeating it changes nothing)."""
        ExchangeStore(self.root).merge()

    def counts_file(self, round_index: int) -> Location:
        """Counts of all batches before a round."""
        return self.root / "staging" / "counts" / f"r{round_index:02d}.npz"

    def parts_file(self, name: str) -> Location:
        """Units' responses, or their parts in a round."""
        return self.root / "staging" / "counts" / f"{name}.npz"

    def digest_file(self, batch_id: int) -> Location:
        """The SHA-256 of a batch's commit file: in a file of its own, written before the commit has its name."""
        return self.root / "staging" / "digests" / f"b{batch_id:06d}.sha256"

    def keep_digest(self, batch_id: int, digest: str) -> None:
        """Keep the digest of a batch's commit file."""
        with replacing(self.digest_file(batch_id)) as temporary:
            temporary.write_text(digest, encoding="ascii")

    def read_digest(self, batch_id: int) -> str | None:
        """The digest of a batch's commit file; None if none was kept."""
        path = self.digest_file(batch_id)
        return path.read_text(encoding="ascii") if path.is_file() else None

    def keep_plan_digest(self, plan_id: int) -> None:
        """Keep the digests of a plan's files; a plan without one is not complete."""
        with replacing(self._plan_digest_file(plan_id)) as temporary:
            temporary.write_text(self._plan_digest(plan_id), encoding="ascii")

    def is_plan_intact(self, plan_id: int) -> bool:
        """Whether a plan's files are there as they were written."""
        kept = self._plan_digest_file(plan_id)
        paths = self.plan_file(plan_id), self.proposals_file(plan_id), kept
        return all(path.is_file() for path in paths) and kept.read_bytes() == self._plan_digest(plan_id).encode()

    def _plan_digest(self, plan_id: int) -> str:
        return f"{sha256_of(self.plan_file(plan_id))} {sha256_of(self.proposals_file(plan_id))}"

    def _plan_digest_file(self, plan_id: int) -> Location:
        return self.root / "staging" / "digests" / f"p{plan_id:06d}.sha256"

    def read_run(self) -> dict[str, Any]:
        """run.json, or an error that says why there is none."""
        path = self.root / "run.json"
        try:
            run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as exc:
            hint = nearby_folder(self.root, "run.json") if isinstance(self.root, Path) else ""
            raise UserError(f"{self.root}: no run here (expected a folder with run.json){hint}") from exc
        except (OSError, ValueError) as exc:
            raise UserError(f"{path}: not readable as JSON ({exc})") from exc
        return run

    def write_run(self, run: dict[str, Any]) -> None:
        """Replace run.json."""
        write_json(self.root / "run.json", run)

    def log(self, event: str, **fields: Any) -> None:
        """Append an event to log.jsonl; only the process that owns the run writes it."""
        self._log.append({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields})

    def copy_scenario(self, folder: Path) -> None:
        """Keep the scenario's own files with the run, so that it can be resumed and explained."""
        document = Document(folder)
        for name in input_files(document):
            with replacing(self.scenario / name) as temporary:
                temporary.write_bytes((folder / name).read_bytes())

    def read_scenario(self) -> Scenario:
        """The run's own copy of its scenario."""
        with self.local_scenario() as folder:
            return read_scenario(folder)

    def keep_dependencies(self, found: Dependencies) -> None:
        """Write what was inferred of the variables' dependencies."""
        write_json(self.dependencies, found.model_dump(mode="json"))

    def read_dependencies(self) -> Dependencies | None:
        """What was inferred, if anything was asked."""
        if not self.dependencies.is_file():
            return None
        return Dependencies.model_validate_json(self.dependencies.read_bytes())

    @contextmanager
    def local_scenario(self) -> Iterator[Path]:
        """The folder of the run's own copy of its scenario, fetched where it lies on an object store."""
        if isinstance(self.scenario, Path):
            yield self.scenario
            return
        with tempfile.TemporaryDirectory(prefix="synthor-") as folder:
            for path in self.scenario.rglob("*"):
                local = Path(folder) / path.relative_to(self.scenario)
                local.parent.mkdir(parents=True, exist_ok=True)
                local.write_bytes(path.read_bytes())
            yield Path(folder)

    def write_counts(self, round_index: int, counts: dict[str, IntArray]) -> None:
        """Keep the counts of all batches before a round."""
        with replacing(self.counts_file(round_index)) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **counts)

    def read_counts(self, round_index: int) -> dict[str, IntArray]:
        """The counts of all batches before a round."""
        content = io.BytesIO(self.counts_file(round_index).read_bytes())
        with np.load(content, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def write_parts(self, name: str, parts: Mapping[int, FloatArray]) -> None:
        """Keep what units add, or are to add, to the cells of tables that reach beyond them."""
        with replacing(self.parts_file(name)) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **{f"u{unit}": part for unit, part in parts.items()})

    def read_parts(self, name: str, units: Iterable[int]) -> dict[int, FloatArray]:
        """What `write_parts` kept of some units."""
        content = io.BytesIO(self.parts_file(name).read_bytes())
        with np.load(content, allow_pickle=False) as stored:
            return {unit: stored[f"u{unit}"] for unit in units}

    def read_all_parts(self, name: str) -> dict[int, FloatArray]:
        """Everything that `write_parts` kept under the name."""
        with np.load(io.BytesIO(self.parts_file(name).read_bytes()), allow_pickle=False) as stored:
            return {int(unit.removeprefix("u")): stored[unit] for unit in stored.files}

    def publish(self) -> None:
        """Make the staged dataset the published one, by one rename; repeating it changes nothing.

        What a killed worker left half-written is removed first: every batch has its commit by now.
        """
        if isinstance(self.staged_dataset, Path) and isinstance(self.dataset, Path) and self.staged_dataset.is_dir():
            if self.dataset.exists():
                raise RunError(f"{self.dataset}: exists beside a staged dataset, expected one of them")
            remove_temporaries(self.root)
            self.staged_dataset.rename(self.dataset)

    def stage_again(self) -> None:
        """Take back the publication of a dataset that is to be mended."""
        if isinstance(self.staged_dataset, Path) and isinstance(self.dataset, Path):
            self.staged_dataset.parent.mkdir(exist_ok=True)
            self.dataset.rename(self.staged_dataset)

    def read_proposed(self, plan_id: int) -> dict[str, Any]:
        """How many candidates a plan was made from, and which rules rejected others."""
        proposed: dict[str, Any] = self._read_proposals(plan_id)["proposed"]
        return proposed

    def staged_plans(self) -> list[Location]:
        """The plans' own files, while they are not merged."""
        return sorted(self._staged("plan", "parquet"), key=lambda path: path.name)

    def staged_proposals(self) -> Iterator[dict[str, Any]]:
        """What the plans were proposed from, while it is not merged."""
        for path in sorted(self._staged("proposals", "json"), key=lambda path: path.name):
            yield from json.loads(path.read_text(encoding="utf-8"))["proposals"]

    def _staged(self, kind: str, suffix: str) -> list[Location]:
        found = (self.root / "staging" / kind).glob(f"*.{suffix}")
        return [path for path in found if not path.name.startswith(".")]

    def _read_proposals(self, plan_id: int) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(self.proposals_file(plan_id).read_text(encoding="utf-8"))
        return stored

    def is_closed(self) -> bool:
        """Whether a published run has its report and nothing staged."""
        return self.report.is_file() and not (self.root / "staging").exists()

    def clear_staging(self) -> None:
        """Remove what only an unfinished run needs."""
        remove_tree(self.root / "staging")

    def merge_plans(self, plan_ids: list[int]) -> None:
        """plan.parquet and proposals.jsonl from the plans' own files (repeating it changes nothing)."""
        paths = [self.plan_file(plan_id) for plan_id in plan_ids]
        if self.plan.is_file() or not paths:
            return
        with replacing(self.proposals) as temporary, temporary.open("w", encoding="utf-8") as file:
            for plan_id in plan_ids:
                for proposal in self._read_proposals(plan_id)["proposals"]:
                    file.write(json.dumps(proposal, ensure_ascii=False) + "\n")
        schema = read_parquet_metadata(paths[0]).schema.to_arrow_schema()
        with replacing(self.plan) as temporary, pq.ParquetWriter(temporary, schema) as writer:
            for path in paths:
                writer.write_table(read_parquet(path))


def write_table(path: Location, table: pa.Table) -> None:
    """A parquet file, whole or not at all."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
