"""An update's batch: its units' least change, the records that go taken out of their files, those that come drawn."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
from threadpoolctl import threadpool_limits

from adapters.base_run import dataset_digests
from adapters.batch_writer import Retired, batch_partitions, committed_receipt, files_of_batch, write_batch
from adapters.inheritance import inherit_file, partition_folder
from adapters.object_path import location
from adapters.partitions import batch_files
from adapters.plan_files import write_plan
from adapters.rewriting import Taken, read_column, rewrite_pair
from adapters.run_folder import RunFolder
from adapters.storage import write_json
from adapters.update_files import read_update
from adapters.update_lineage import Present, keep_proposals_of_sources, read_present, write_retired
from schemas.batch import BatchSpec, Receipt
from schemas.errors import CorruptionError
from schemas.model import IntArray
from schemas.settings import RunSettings
from synthesis.aggregates import count_records, merge_counts, no_counts
from synthesis.diversity import retired_sketch
from synthesis.plan import Plan, join_plans
from synthesis.proposer import describe_proposals
from synthesis.randomness import keyed_rng
from synthesis.recount import read_frames
from synthesis.retirement import choose_retired, quota_of_file
from synthesis.summaries import EMPTY, merge_summaries, retired_summary, summarise
from synthesis.units import zones_of_units
from synthesis.update_plan import UnitChange, change_unit
from tasks.batch import describe_units
from tasks.context import Context, load_context
from tasks.time_limit import time_limit


def update_batch(run: str, fingerprint: str, settings: RunSettings, base: str, spec: BatchSpec) -> Receipt:
    """The receipt of a committed batch of an update; what is committed already is not done again."""
    started = time.monotonic()
    context = load_context(run, fingerprint, settings)
    zones = np.sort(zones_of_units([context.units[i] for i in spec.units]))
    done = committed_receipt(context.run, files_of_batch(context.scenario, spec, zones))
    if done is not None:
        return done
    with threadpool_limits(1), time_limit(settings.batch_timeout_seconds):
        receipt = _commit(context, RunFolder(location(base)), spec, zones)
    return replace(receipt, seconds=time.monotonic() - started)


class _Planned(NamedTuple):
    """The batch's present plan rows with the records of each to retire, and the plan rows that add records."""

    present: Present
    retired: IntArray
    plan: Plan
    counts: IntArray


def _commit(context: Context, base: RunFolder, spec: BatchSpec, zones: IntArray) -> Receipt:
    planned = _plan(context, base, spec, zones)
    taken, files = _take_out(context, base, spec, zones, planned)
    write_retired(context.run, context.scenario, spec.batch_id, taken)
    retired = _retired(context, planned, taken, files)
    proposed = context.run.read_proposed(spec.plan_id)
    given = context.run, context.coder, context.settings, spec, zones
    return write_batch(*given, planned.plan, planned.counts, proposed, (), retired)


def _plan(context: Context, base: RunFolder, spec: BatchSpec, zones: IntArray) -> _Planned:
    """What each unit is to lose and to gain; kept as lineage before anything is written."""
    scenario, update = context.scenario, read_update(context.run, spec.round)
    aims = replace(context.aims, targets={**context.aims.targets, **update.targets})
    present = read_present(base, scenario, context.coder.grids, zones)
    unit_of_row = _unit_of_rows(context, spec, present.plan)
    outer = context.outer if context.cut.outer or context.cut.unbound else None
    changes: list[UnitChange] = []
    sources, retired = [], np.zeros(present.plan.count, dtype=np.int64)
    for i in spec.units:
        rows = np.flatnonzero(unit_of_row == i)
        own, unit = present.take(rows), context.units[i]
        given = context.coder, context.settings, aims, unit, own.plan, own.counts, spec.round
        change = change_unit(*given, outer, update.parts.get(i))
        retired[rows] = change.retired
        changes.append(change)
        sources.append(np.append(rows, -1)[change.source])
    plan = join_plans(change.added.plan for change in changes)
    counts = np.concatenate([change.added.counts for change in changes])
    _keep_lineage(context, spec, plan, counts, changes, present, np.concatenate(sources))
    return _Planned(present, retired, plan, counts)


def _unit_of_rows(context: Context, spec: BatchSpec, plan: Plan) -> IntArray:
    """The unit of each plan row; -1 where it is none of the batch."""
    zones = context.scenario.zones
    if zones is None:
        return np.zeros(plan.count, dtype=np.int64)
    unit_of_zone = np.full(len(context.aims.zone_sizes), -1)
    for i in spec.units:
        unit_of_zone[context.units[i].zone_array] = i
    return unit_of_zone[plan.atoms.root[zones.variable]]


def _keep_lineage(
    context: Context,
    spec: BatchSpec,
    plan: Plan,
    counts: IntArray,
    changes: list[UnitChange],
    present: Present,
    source: IntArray,
) -> None:
    run, scenario, new = context.run, context.scenario, np.flatnonzero(source < 0)
    units = [context.units[i] for i in spec.units]
    described = describe_proposals(context.coder, units, plan.take(new), counts[new], spec.plan_id) if len(new) else []
    proposed = {
        **describe_units([change.added for change in changes], is_final=True),
        "prior_records": 0,
        "records_of_replies": 0,
    }
    path = run.plan_file(spec.plan_id)
    write_plan(path, scenario, context.coder.grids, plan, counts, spec.plan_id)
    keep_proposals_of_sources(path, present, source)
    write_json(run.proposals_file(spec.plan_id), {"proposed": proposed, "proposals": described})
    run.keep_plan_digest(spec.plan_id)


def _take_out(
    context: Context, base: RunFolder, spec: BatchSpec, zones: IntArray, planned: _Planned
) -> tuple[list[tuple[str, Taken]], dict[str, str]]:
    """Stage the base's files of the batch's partitions, without the records that are retired; and these."""
    run, scenario = context.run, context.scenario
    rng = keyed_rng(context.settings.random_seed, "retire", spec.round, spec.batch_id)
    folders = set(batch_files(scenario, spec.batch_id, batch_partitions(scenario, zones)).partitions)
    left, remaining = planned.retired.copy(), planned.present.counts.copy()
    digests, prefix = dataset_digests(base), f"{scenario.root.name}/"
    taken, rewritten = [], {}
    for path in sorted(path for path in digests if path.startswith(prefix) and partition_folder(path) in folders):
        rows = _rows_of(planned.present, read_column(base.records / path, "plan_row_id"))
        here = np.bincount(rows[rows >= 0], minlength=len(left))
        if (here > remaining).any():
            raise CorruptionError(f"{base.plan}: counts fewer records than {base.records} holds")
        quota = quota_of_file(left, remaining, here, rng)
        left, remaining = left - quota, remaining - here
        is_retired = choose_retired(rows, quota, rng)
        name = path.removeprefix(prefix)
        if is_retired.any():
            one = rewrite_pair(scenario, base.records, run.staged_dataset, name, is_retired)
            taken.append((unquote(name).removesuffix(".parquet"), one))
            rewritten.update(one.digests)
        else:
            for file in (f"{entity.name}/{name}" for entity in scenario.entities):
                inherit_file(base.records / file, run.staged_dataset / file, digests[file])
    if remaining.any():
        raise CorruptionError(f"{base.plan}: counts more records than {base.records} holds")
    return taken, rewritten


def _rows_of(present: Present, plan_row_ids: IntArray) -> IntArray:
    """The present plan row of each record; -1 where its zone is not touched."""
    if len(present.ids) == 0:
        return np.full(len(plan_row_ids), -1)
    place = np.minimum(np.searchsorted(present.ids, plan_row_ids), len(present.ids) - 1)
    return np.where(present.ids[place] == plan_row_ids, place, -1)


def _retired(context: Context, planned: _Planned, taken: list[tuple[str, Taken]], files: Mapping[str, str]) -> Retired:
    """What the commit says of the records taken out: counted from the records themselves."""
    coder, scenario = context.coder, context.scenario
    counts, summary, records, members = no_counts(scenario), EMPTY, 0, 0
    for name, one in taken:
        found = read_frames(scenario, name, one.root, one.members)
        counts = merge_counts(counts, count_records(coder, found))
        ids = [one.root[f"{scenario.root.name}_id"].to_numpy()]
        if scenario.member is not None and one.members is not None:
            ids += [one.members[f"{column}_id"].to_numpy() for column in (scenario.member.name, scenario.root.name)]
        summary = merge_summaries(summary, summarise(scenario, found, *ids))
        records, members = records + found.count, members + found.member_count
    negative = {name: -array for name, array in counts.items()}
    sketch = retired_sketch(planned.present.plan, planned.retired)
    return Retired(negative, retired_summary(summary), sketch, records, members, files)
