"""A batch from its plan to its commit: draw, accept, count, summarise, write."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from adapters.arrow_records import column_encodings, member_table, record_schema, root_table
from adapters.partitions import BatchFiles, PartitionWriter, batch_files, read_commit
from adapters.quarantine import Quarantined, write_quarantine
from adapters.run_folder import RunFolder
from schemas.batch import ID_STRIDE, PLAN_STRIDE, BatchSpec, Receipt
from schemas.errors import BatchError
from schemas.model import IntArray, Scenario
from schemas.settings import RunSettings
from synthesis.aggregates import (
    ZONE_SIZES,
    count_drawn,
    count_plan_rows,
    merge_counts,
    no_counts,
    sparse_counts,
)
from synthesis.cells import CellCoder
from synthesis.diversity import Sketch, merge_sketches, sketch_of
from synthesis.plan import Plan
from synthesis.randomness import keyed_rng
from synthesis.reply_rows import Offered
from synthesis.sampling import Drawn, check_atoms, chunks, draw
from synthesis.summaries import EMPTY, Summary, merge_summaries, summarise
from synthesis.texts import Texts, texts_of


@dataclass(frozen=True, slots=True)
class Retired:
    """What an update's batch takes out of files of earlier ones, each as merging has to add it; the files anew."""

    counts: Mapping[str, IntArray]
    summary: Summary
    diversity: Sketch
    records: int
    members: int
    files: Mapping[str, str]
    """Paths within the dataset, with their digests."""


@dataclass(slots=True)
class _Tally:
    """What a batch has drawn so far."""

    counts: dict[str, IntArray]
    of_plan_rows: IntArray
    summary: Any = field(default_factory=lambda: EMPTY)
    records: int = 0
    members: int = 0
    drawn: int = 0
    shortfall: int = 0
    rejections: Counter[str] = field(default_factory=Counter)


def batch_partitions(scenario: Scenario, zones: IntArray) -> tuple[str, ...]:
    """The values of the partition level that the zones lie in."""
    if scenario.zones is None:
        return ("",)
    level = scenario.zones.partition_by
    return tuple(scenario.zones.names[level][unit] for unit in np.unique(scenario.zones.lookup[level][zones]))


def committed_receipt(run: RunFolder, files: BatchFiles) -> Receipt | None:
    """The receipt of a batch that is committed already."""
    commit = read_commit(run.records, files)
    return None if commit is None else _receipt(commit, reused=True)


def write_batch(
    run: RunFolder,
    coder: CellCoder,
    settings: RunSettings,
    spec: BatchSpec,
    zones: IntArray,
    plan: Plan,
    counts: IntArray,
    proposed: Mapping[str, Any],
    offered: Sequence[Offered] = (),
    retired: Retired | None = None,
) -> Receipt:
    """Draw the plan rows' records partition by partition, write them, and commit with the last root file.

    `offered` are the proposals that free texts are taken from. The batch of an update commits what it `retired` along
    with what it adds.
    """
    scenario, tally = coder.scenario, _Tally(no_counts(coder.scenario), np.zeros(plan.count, dtype=np.int64))
    files = files_of_batch(scenario, spec, zones)
    quarantined: list[Quarantined] = []
    digests: dict[str, str] = dict(retired.files) if retired else {}
    partition_of_row = _partition_of_rows(scenario, plan, zones)
    for position, partition in enumerate(files.partitions):
        inside = counts if scenario.zones is None else np.where(partition_of_row == position, counts, 0)
        writers = _open(run, coder, files, partition)
        try:
            rng = keyed_rng(settings.random_seed, "draw", spec.round, spec.batch_id, position)
            of_texts = keyed_rng(settings.random_seed, "texts", spec.round, spec.batch_id, position)
            for plan_rows in chunks(inside, rng):
                drawn = draw(scenario, coder.grids, plan, plan_rows, rng, settings.max_redraws)
                check_atoms(scenario, coder.grids, plan, drawn)
                tally.of_plan_rows += np.bincount(drawn.plan_rows, minlength=plan.count)
                texts = texts_of(scenario, plan, drawn.plan_rows, drawn.records, offered, of_texts)
                _write_chunk(coder, spec, writers, drawn, texts, tally, quarantined)
            footer = None
            for entity in files.entities:
                name = files.path(entity, partition)
                if name == files.commit:
                    write_quarantine(run.quarantine / f"b{spec.batch_id:06d}.parquet", scenario, quarantined)
                    tally.counts = merge_counts(tally.counts, count_plan_rows(coder, plan, tally.of_plan_rows))
                    footer = _footer(spec, plan, tally, digests, proposed, retired)
                digest = writers[entity].finish(footer)
                if footer is None:
                    digests[name] = digest
                else:
                    run.keep_digest(spec.batch_id, digest)
                writers[entity].reveal()
        except BaseException as error:
            for writer in writers.values():
                writer.discard(error)
            raise
    assert footer is not None
    return _receipt(footer, reused=False)


def files_of_batch(scenario: Scenario, spec: BatchSpec, zones: IntArray) -> BatchFiles:
    """Where a batch writes."""
    return batch_files(scenario, spec.batch_id, batch_partitions(scenario, zones))


def _open(run: RunFolder, coder: CellCoder, files: BatchFiles, partition: str) -> dict[str, PartitionWriter]:
    scenario = coder.scenario
    level = scenario.zones.partition_by if scenario.zones else None
    writers = {}
    for name in files.entities:
        entity, path = scenario.entity(name), run.staged_dataset / files.path(name, partition)
        schema = record_schema(scenario, entity, level, coder.grids.singles(name))
        writers[name] = PartitionWriter(path, schema, column_encodings(schema, entity))
    return writers


def _write_chunk(
    coder: CellCoder,
    spec: BatchSpec,
    writers: Mapping[str, PartitionWriter],
    drawn: Drawn,
    texts: tuple[Mapping[str, Texts], Mapping[str, Texts]],
    tally: _Tally,
    quarantined: list[Quarantined],
) -> None:
    scenario, records = coder.scenario, drawn.records
    if max(tally.records + records.count, tally.members + records.member_count) >= ID_STRIDE:
        raise BatchError(f"batch {spec.batch_id} holds more than {ID_STRIDE} records of one entity")
    level = scenario.zones.partition_by if scenario.zones else None
    ids = np.arange(records.count) + spec.batch_id * ID_STRIDE + tally.records
    member_ids = np.arange(records.member_count) + spec.batch_id * ID_STRIDE + tally.members
    plan_row_ids = drawn.plan_rows + spec.plan_id * PLAN_STRIDE
    if scenario.member is not None:
        schema = record_schema(scenario, scenario.member, level, coder.grids.singles(scenario.member.name))
        table = member_table(scenario, schema, records, member_ids, ids, spec.batch_id, plan_row_ids, texts[1])
        writers[scenario.member.name].write(table)
    schema = record_schema(scenario, scenario.root, level, coder.grids.singles(scenario.root.name))
    table = root_table(scenario, schema, records, ids, spec.batch_id, plan_row_ids, texts[0])
    writers[scenario.root.name].write(table)
    tally.counts = merge_counts(tally.counts, count_drawn(coder, records))
    parent_ids = ids[records.parent] if scenario.member is not None else None
    found = summarise(scenario, records, ids, member_ids if scenario.member is not None else None, parent_ids)
    tally.summary = merge_summaries(tally.summary, found)
    tally.records, tally.members = tally.records + records.count, tally.members + records.member_count
    tally.drawn, tally.shortfall = tally.drawn + drawn.drawn, tally.shortfall + drawn.shortfall
    tally.rejections.update(drawn.rejections)
    if drawn.rejected is not None and not quarantined:
        quarantined.append(Quarantined("draw", drawn.rejected, drawn.rejected_rules))


def _partition_of_rows(scenario: Scenario, plan: Plan, zones: IntArray) -> IntArray:
    """For each plan row, the position of its partition among the batch's."""
    if scenario.zones is None:
        return np.zeros(plan.count, dtype=np.int64)
    unit_of = scenario.zones.lookup[scenario.zones.partition_by]
    return np.searchsorted(np.unique(unit_of[zones]), unit_of[plan.atoms.root[scenario.zones.variable]])


def _footer(
    spec: BatchSpec,
    plan: Plan,
    tally: _Tally,
    digests: Mapping[str, str],
    proposed: Mapping[str, Any],
    retired: Retired | None,
) -> dict[str, Any]:
    rejected = sum(tally.rejections.values())
    footer = {
        "batch_id": spec.batch_id,
        "round": spec.round,
        "plan_id": spec.plan_id,
        "records": tally.records,
        "members": tally.members,
        "drawn": tally.drawn,
        "rejected": rejected,
        "rejections": dict(tally.rejections),
        "shortfall": tally.shortfall,
        "proposed": dict(proposed),
        "counts": sparse_counts(tally.counts),
        "summary": tally.summary,
        "diversity": sketch_of(plan, tally.of_plan_rows),
        "files": dict(digests),
    }
    return footer if retired is None else footer | _net(footer, tally, retired)


def _net(footer: Mapping[str, Any], tally: _Tally, retired: Retired) -> dict[str, Any]:
    """What the batch changes by: records added less those retired."""
    return {
        "records": tally.records - retired.records,
        "members": tally.members - retired.members,
        "retired": {
            "records": retired.records,
            "members": retired.members,
            "zones": (-retired.counts[ZONE_SIZES]).tolist(),
        },
        "counts": sparse_counts(merge_counts(tally.counts, retired.counts)),
        "summary": merge_summaries(tally.summary, retired.summary),
        "diversity": merge_sketches(footer["diversity"], retired.diversity),
    }


def _receipt(commit: Mapping[str, Any], reused: bool) -> Receipt:
    retired = commit.get("retired") or {"records": 0, "members": 0}
    return Receipt(
        batch_id=commit["batch_id"],
        records=commit["records"] + retired["records"],
        members=commit["members"] + retired["members"],
        drawn=commit["drawn"],
        rejected=commit["rejected"],
        shortfall=commit["shortfall"],
        proposed=commit["proposed"].get("rows", 0),
        reused=reused,
    )
