"""The batch: propose, compile, allocate, draw and commit, all on one Dask worker.

Plain functions, and no import of Prefect: workers start in half the time (`tasks.retried` makes tasks of them).
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from adapters.batch_writer import committed_receipt, files_of_batch, write_batch
from adapters.plan_files import read_plan, write_plan
from adapters.quarantine import Quarantined, write_quarantine
from adapters.storage import write_json
from schemas.batch import BatchSpec, Receipt
from schemas.exchange import Answer
from schemas.model import FloatArray, IntArray
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES
from synthesis.causes import merge_causes
from synthesis.convergence import summed_up
from synthesis.plan import Plan, join_plans
from synthesis.proposer import FIRST_ARCHETYPE, describe_proposals
from synthesis.reply_rows import Offered, describe_replies, first_reply, offered_proposals
from synthesis.stratification import joint_order, stratum_counts
from synthesis.system import zone_round_sizes
from synthesis.texts import has_texts
from synthesis.unit_plan import UnitPlan, plan_unit, respond
from tasks.context import Context, load_context
from tasks.time_limit import time_limit


def plan_strata(run: str, fingerprint: str, settings: RunSettings, spec: BatchSpec) -> float:
    """Make the plan that the strata of a unit share, where they find it; returns the seconds it took."""
    started = time.monotonic()
    context = load_context(run, fingerprint, settings)
    if not context.run.plan_file(spec.plan_id).is_file():
        with threadpool_limits(1), time_limit(settings.batch_timeout_seconds):
            _plan(context, spec)
    return time.monotonic() - started


def take_responses(
    run: str, fingerprint: str, settings: RunSettings, units: tuple[int, ...], first: int
) -> tuple[float, dict[int, FloatArray]]:
    """Seconds spent, and what each unit adds to the tables that reach beyond it, when nothing is asked of it there."""
    started = time.monotonic()
    context = load_context(run, fingerprint, settings)
    given = context.coder, settings, context.aims, context.outer
    with threadpool_limits(1), time_limit(settings.batch_timeout_seconds):
        found = {index: respond(*given, context.units[index]) for index in units}
    return time.monotonic() - started, found


def synthesize_batch(run: str, fingerprint: str, settings: RunSettings, spec: BatchSpec) -> Receipt:
    """The receipt of a committed batch; what is committed already is not done again."""
    started = time.monotonic()
    context = load_context(run, fingerprint, settings)
    zones = zones_of(context, spec)
    done = committed_receipt(context.run, files_of_batch(context.scenario, spec, zones))
    if done is not None:
        return done
    with threadpool_limits(1), time_limit(settings.batch_timeout_seconds):
        receipt = _commit(context, spec, zones)
    return replace(receipt, seconds=time.monotonic() - started)


def zones_of(context: Context, spec: BatchSpec, committed: IntArray | None = None) -> IntArray:
    """The zones that receive records in a batch; `committed` records of each zone before its round, if at hand."""
    if committed is None:
        committed = context.run.read_counts(spec.round)[ZONE_SIZES]
    zones = np.concatenate([context.units[i].zone_array for i in spec.units])
    return zones[zone_round_sizes(context.aims, committed, spec.fraction)[zones] > 0]


def _commit(context: Context, spec: BatchSpec, zones: IntArray) -> Receipt:
    if spec.strata > 1:
        plan, counts = read_plan(context.run.plan_file(spec.plan_id), context.scenario, context.coder.grids)
        counts = stratum_counts(counts, spec.stratum, spec.strata)
    else:
        plan, counts = _plan(context, spec)
    # What the plan was proposed from is told once, by its first stratum.
    proposed = context.run.read_proposed(spec.plan_id) if spec.stratum == 0 else {}
    offered = offered_proposals(_answers(context, spec.round)) if has_texts(context.scenario) else ()
    return write_batch(context.run, context.coder, context.settings, spec, zones, plan, counts, proposed, offered)


def _plan(context: Context, spec: BatchSpec) -> tuple[Plan, IntArray]:
    """The plan rows of the batch's units with their records, kept as lineage before anything is drawn."""
    committed = context.run.read_counts(spec.round)
    parts = context.run.read_parts(f"parts{spec.round:02d}", spec.units) if context.cut.outer else {}
    given = context.coder, context.settings, context.aims
    offered = offered_proposals(_answers(context, spec.round))
    units = [
        plan_unit(
            *given, context.units[i], spec.round, spec.fraction, committed, context.outer, parts.get(i), offered=offered
        )
        for i in spec.units
    ]
    plan, counts = join_plans(unit.plan for unit in units), np.concatenate([unit.counts for unit in units])
    if spec.strata > 1:
        order = joint_order(context.coder, plan)
        plan, counts = plan.take(order), counts[order]
    _keep_plan(context, spec, plan, counts, units, offered)
    return plan, counts


def _answers(context: Context, round_index: int) -> tuple[Answer, ...]:
    """The answers with proposals of all rounds up to one; in the order of their requests."""
    if not context.settings.asks:
        return ()
    found = [answer for answer in context.run.read_answers() if answer.round <= round_index]
    return tuple(sorted(found, key=lambda answer: (answer.round, answer.request_id)))


def _keep_plan(
    context: Context,
    spec: BatchSpec,
    plan: Plan,
    counts: IntArray,
    units: list[UnitPlan],
    offered: Sequence[Offered],
) -> None:
    run, scenario = context.run, context.scenario
    rejected = [Quarantined("proposal", u.rejected, u.rejected_rules) for u in units if u.rejected is not None]
    write_quarantine(run.quarantine / f"p{spec.plan_id:06d}.parquet", scenario, rejected)
    replies = describe_replies(scenario, context.settings.proposer, offered)
    reached = [context.units[i] for i in spec.units]
    described = describe_proposals(context.coder, reached, plan, counts, spec.plan_id, replies)
    is_reply = plan.proposal >= first_reply(scenario)
    of_prior = int(counts[(plan.proposal >= FIRST_ARCHETYPE) & ~is_reply].sum())
    proposed = {
        **describe_units(units, is_final=spec.fraction >= 1),
        "prior_records": of_prior,
        "records_of_replies": int(counts[is_reply].sum()),
    }
    write_json(run.proposals_file(spec.plan_id), {"proposed": proposed, "proposals": described})
    write_plan(run.plan_file(spec.plan_id), scenario, context.coder.grids, plan, counts, spec.plan_id)
    run.keep_plan_digest(spec.plan_id)


def describe_units(units: list[UnitPlan], is_final: bool) -> dict[str, Any]:
    """What a commit tells of the plans of its units."""
    rejections: Counter[str] = Counter()
    for unit in units:
        rejections.update(unit.rejections)
    return {
        "is_final": is_final,
        "rows": sum(unit.proposed for unit in units),
        "rejections": dict(rejections),
        "unsupported_cells": sum(unit.unsupported for unit in units),
        "steps": max(unit.steps for unit in units),
        "causes": merge_causes(unit.causes for unit in units),
        "solver": summed_up(unit.convergence for unit in units),
    }
