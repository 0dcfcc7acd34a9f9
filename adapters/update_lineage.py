"""Lineage of an update: the base's plan rows that it starts from, and plan, proposals and retired records of both."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.manifest import RETIRED
from adapters.object_path import Location
from adapters.plan_files import decode_plan
from adapters.rewriting import Taken
from adapters.run_folder import RunFolder, write_table
from adapters.storage import link, read_parquet, replacing
from schemas.model import IntArray, Scenario
from synthesis.binning import Grids
from synthesis.plan import Plan

EXCHANGES = "exchanges.jsonl"
RETIRED_SCHEMA = pa.schema(
    {
        "entity": pa.string(),
        "record_id": pa.int64(),
        "partition": pa.string(),
        "batch_id": pa.int32(),
        "plan_row_id": pa.int64(),
        "retired_by": pa.int32(),
    }
)
"""`batch_id`: the batch that had drawn the record; `retired_by`: the update's."""


@dataclass(frozen=True, slots=True)
class Present:
    """Plan rows that have records, with their ids (ascending), their proposals' ids and their numbers of records."""

    plan: Plan
    counts: IntArray
    ids: IntArray
    proposal_ids: list[str]

    def take(self, rows: IntArray) -> "Present":
        """Some of the plan rows."""
        proposals = [self.proposal_ids[row] for row in rows.tolist()]
        return Present(self.plan.take(rows), self.counts[rows], self.ids[rows], proposals)


def read_present(base: RunFolder, scenario: Scenario, grids: Grids, zones: IntArray | None = None) -> Present:
    """The plan rows of the base that have records, in some zones or in all."""
    where = pc.field("records") > 0
    if zones is not None and scenario.zones is not None:
        names = scenario.zones.names[scenario.zones.variable]
        where &= pc.field(scenario.zones.variable).isin([names[zone] for zone in zones.tolist()])
    table = read_parquet(base.plan, where=where)
    plan, counts = decode_plan(table, scenario, grids)
    return Present(plan, counts, table["plan_row_id"].to_numpy(), table["proposal_id"].to_pylist())


def keep_proposals_of_sources(path: Location, present: Present, source: IntArray) -> None:
    """In a plan's file, give rows that continue present ones the proposal that those were compiled from."""
    table = read_parquet(path)
    own = table["proposal_id"].to_pylist()
    named = [present.proposal_ids[s] if s >= 0 else own[i] for i, s in enumerate(source.tolist())]
    position = table.column_names.index("proposal_id")
    write_table(path, table.set_column(position, "proposal_id", pa.array(named, pa.string())))


def write_retired(run: RunFolder, scenario: Scenario, batch_id: int, taken: Sequence[tuple[str, Taken]]) -> None:
    """The list of the records that a batch retired; `taken` are named as `county=50007/b000001`."""
    columns = ("record_id", "batch_id", "plan_row_id")
    parts = []
    for name, one in taken:
        partition = name.rpartition("/")[0]
        frames = {scenario.root.name: one.root} | ({scenario.member.name: one.members} if scenario.member else {})
        for entity, frame in frames.items():
            if frame is not None and len(frame):
                own = frame.rename(columns={f"{entity}_id": "record_id"})[list(columns)]
                parts.append(own.assign(entity=entity, partition=partition, retired_by=batch_id))
    empty = pd.DataFrame(columns=["entity", *columns, "partition", "retired_by"])
    frame = pd.concat(parts, ignore_index=True) if parts else empty
    write_table(run.retired_file(batch_id), pa.Table.from_pandas(frame[RETIRED_SCHEMA.names], RETIRED_SCHEMA, False))


def merge_lineage(run: RunFolder, base: RunFolder, scenario: Scenario, batch_ids: Sequence[int]) -> None:
    """retired.parquet, proposals.jsonl and plan.parquet of base and update; repeating it changes nothing."""
    if (base.root / EXCHANGES).is_file():
        link(base.root / EXCHANGES, run.root / EXCHANGES)
    if run.plan.is_file():
        return
    parts = [read_parquet(run.retired_file(batch_id)) for batch_id in batch_ids]
    retired = pa.concat_tables([RETIRED_SCHEMA.empty_table(), *parts])
    write_table(run.root / RETIRED, retired)
    _merge_proposals(run, base, batch_ids)
    of_root = retired.filter(pc.field("entity") == scenario.root.name)["plan_row_id"].to_numpy()
    table = read_parquet(base.plan)
    ids, gone = np.unique(of_root, return_counts=True)
    left = table["records"].to_numpy().copy()
    left[np.searchsorted(table["plan_row_id"].to_numpy(), ids)] -= gone
    table = table.set_column(table.column_names.index("records"), "records", pa.array(left))
    plans = [read_parquet(run.plan_file(batch_id)) for batch_id in batch_ids]
    with replacing(run.plan) as temporary:
        pq.write_table(pa.concat_tables([table, *plans], promote_options="default"), temporary)


def _merge_proposals(run: RunFolder, base: RunFolder, plan_ids: Sequence[int]) -> None:
    with replacing(run.proposals) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write(base.proposals.read_text(encoding="utf-8"))
        for plan_id in plan_ids:
            stored: dict[str, Any] = json.loads(run.proposals_file(plan_id).read_text(encoding="utf-8"))
            file.writelines(json.dumps(proposal, ensure_ascii=False) + "\n" for proposal in stored["proposals"])
