"""A run folder: run.json, log, and where everything else lies."""

import json
import shutil
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.scenario_document import Document
from adapters.scenario_files import input_files, read_scenario
from adapters.storage import remove_temporaries, replacing, write_json
from schemas.errors import RunError, UserError
from schemas.model import FloatArray, IntArray, Scenario


class RunFolder:
    """Paths and small files of one run."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.dataset = root / "dataset"
        self.staged_dataset = root / "staging" / "dataset"
        self.scenario = root / "scenario"
        self.aggregates = root / "aggregates.parquet"
        self.plan = root / "plan.parquet"
        self.proposals = root / "proposals.jsonl"
        self.validation = root / "validation.json"
        self.expectations = root / "expectations"
        self.quarantine = root / "quarantine"
        self.report = root / "report.html"

    @property
    def records(self) -> Path:
        """The published dataset, or the staged one while there is none."""
        return self.dataset if self.dataset.is_dir() else self.staged_dataset

    def plan_file(self, plan_id: int) -> Path:
        """The plan rows of one plan, before they are merged into plan.parquet."""
        return self.root / "staging" / "plan" / f"p{plan_id:06d}.parquet"

    def proposals_file(self, plan_id: int) -> Path:
        """What one plan was proposed from."""
        return self.root / "staging" / "proposals" / f"p{plan_id:06d}.json"

    def counts_file(self, round_index: int) -> Path:
        """Counts of all batches before a round."""
        return self.root / "staging" / "counts" / f"r{round_index:02d}.npz"

    def parts_file(self, name: str) -> Path:
        """Units' responses, or their parts in a round."""
        return self.root / "staging" / "counts" / f"{name}.npz"

    def read_run(self) -> dict[str, Any]:
        """run.json, or an error that says why there is none."""
        path = self.root / "run.json"
        try:
            run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError as exc:
            raise UserError(f"{self.root}: no run here (expected a folder with run.json)") from exc
        except (OSError, ValueError) as exc:
            raise UserError(f"{path}: not readable as JSON ({exc})") from exc
        return run

    def write_run(self, run: dict[str, Any]) -> None:
        """Replace run.json."""
        write_json(self.root / "run.json", run)

    def log(self, event: str, **fields: Any) -> None:
        """Append an event to log.jsonl; only the process that owns the run writes it."""
        line = json.dumps({"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **fields})
        with (self.root / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def copy_scenario(self, folder: Path) -> None:
        """Keep the scenario's own files with the run, so that it can be resumed and explained."""
        document = Document(folder)
        for name in input_files(document):
            target = self.scenario / Path(name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, target)

    def read_scenario(self) -> Scenario:
        """The run's own copy of its scenario."""
        return read_scenario(self.scenario)

    def write_counts(self, round_index: int, counts: dict[str, IntArray]) -> None:
        """Keep the counts of all batches before a round."""
        with replacing(self.counts_file(round_index)) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **counts)

    def read_counts(self, round_index: int) -> dict[str, IntArray]:
        """The counts of all batches before a round."""
        with np.load(self.counts_file(round_index), allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def write_parts(self, name: str, parts: Mapping[int, FloatArray]) -> None:
        """Keep what units add, or are to add, to the cells of tables that reach beyond them."""
        with replacing(self.parts_file(name)) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **{f"u{unit}": part for unit, part in parts.items()})

    def read_parts(self, name: str, units: Iterable[int]) -> dict[int, FloatArray]:
        """What `write_parts` kept of some units."""
        with np.load(self.parts_file(name), allow_pickle=False) as stored:
            return {unit: stored[f"u{unit}"] for unit in units}

    def publish(self) -> None:
        """Make the staged dataset the published one, by one rename; repeating it changes nothing.

        What a killed worker left half-written is removed first: every batch has its commit by now.
        """
        if self.staged_dataset.is_dir():
            if self.dataset.exists():
                raise RunError(f"{self.dataset}: exists beside a staged dataset, expected one of them")
            remove_temporaries(self.root)
            self.staged_dataset.rename(self.dataset)

    def read_proposed(self, plan_id: int) -> dict[str, Any]:
        """How many candidates a plan was made from, and which rules rejected others."""
        proposed: dict[str, Any] = self._read_proposals(plan_id)["proposed"]
        return proposed

    def _read_proposals(self, plan_id: int) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(self.proposals_file(plan_id).read_text(encoding="utf-8"))
        return stored

    def is_closed(self) -> bool:
        """Whether a published run has its report and nothing staged."""
        return self.report.is_file() and not (self.root / "staging").exists()

    def clear_staging(self) -> None:
        """Remove what only an unfinished run needs."""
        shutil.rmtree(self.root / "staging", ignore_errors=True)

    def merge_plans(self, plan_ids: list[int]) -> None:
        """plan.parquet and proposals.jsonl from the plans' own files (repeating it changes nothing)."""
        paths = [self.plan_file(plan_id) for plan_id in plan_ids]
        if self.plan.is_file() or not paths:
            return
        with replacing(self.proposals) as temporary, temporary.open("w", encoding="utf-8") as file:
            for plan_id in plan_ids:
                for proposal in self._read_proposals(plan_id)["proposals"]:
                    file.write(json.dumps(proposal, ensure_ascii=False) + "\n")
        with replacing(self.plan) as temporary, pq.ParquetWriter(temporary, pq.read_schema(paths[0])) as writer:
            for path in paths:
                writer.write_table(pq.read_table(path))


def write_table(path: Path, table: pa.Table) -> None:
    """A parquet file, whole or not at all."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")
