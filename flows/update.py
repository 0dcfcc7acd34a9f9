"""The flow of an update: new targets against a published population. What still fits stays as it is, byte for byte."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from prefect import flow
from prefect.runtime import flow_run
from prefect_dask import DaskTaskRunner

from flows.batches import Call, Step, results
from flows.cluster import dask_runner
from flows.cluster_check import check_workers
from flows.naming import first_name, folder_of_run, name_flow_run, refuse_another_start
from flows.states import failed_state
from flows.synthesize import audit_and_publish, close
from flows.update_record import UpdateBook
from schemas.batch import BatchSpec, Receipt
from schemas.errors import SynthorError
from schemas.model import FloatArray
from schemas.settings import RunSettings
from synthesis.aggregates import Counts
from synthesis.batching import Round
from synthesis.outer import moved_parts
from synthesis.units import Unit
from synthesis.update_aims import outer_units, unit_growth
from synthesis.update_batches import cut_update, cut_waves, partition_groups, records_of
from tasks import retried, update_batch
from tasks.merge import Merged
from tasks.open_update import Opened, open_update
from tasks.prepare import held
from tasks.update_stages import (
    add_counts,
    held_outer,
    inherit_untouched,
    keep_lineage,
    merge_update,
    repair_update,
    tell_batches,
)

BATCH = Step(update_batch.update_batch, retried.update_batch)


@flow(name="update", flow_run_name=first_name, validate_parameters=True)
def update(run: str, scenario: str, out: str, settings: RunSettings | None = None) -> dict[str, Any]:
    """Bring a published population to new targets in a new run folder; returns the content of its run.json.

    Running it again on the same folder finishes what is missing; committed batches are not done again.

    Args:
        run: a published run, or a folder of publications, whose current one is taken and which the update becomes the
            next publication of
        scenario: folder with scenario.yaml and its tables: the same variables, rules, zones and tables, new figures
        out: run folder of the update, new or to be continued, or s3://bucket/prefix; in a deployment {date}, {time}
            and {run} stand for the date and time (UTC) that the flow run is scheduled for, and the start of its id
        settings: what is to differ from the settings of the run that is updated
    """
    started = time.monotonic()
    try:
        refuse_another_start(flow_run.run_count, settings or RunSettings())
        folder = folder_of_run(out)
        with held(folder):
            return _update(run, scenario, folder, settings, started)
    except SynthorError as error:
        return failed_state(error)


def _update(run: str, scenario: str, out: str, settings: RunSettings | None, started: float) -> dict[str, Any]:
    opened = open_update(run, scenario, out, settings)
    context = opened.context
    book = UpdateBook(opened, started)
    name_flow_run(f"{context.scenario.name}-update", book.size)
    damaged = repair_update(opened)
    if book.is_published() and not damaged:
        close(context, context.settings, book)
        return book.run
    book.start(damaged)
    try:
        merged = _change(opened, book)
        audit_and_publish(context, context.settings, book, merged)
    except BaseException as error:
        book.fail(error)
        raise
    return book.run


def _change(opened: Opened, book: UpdateBook) -> Merged:
    """Everything staged: what is inherited, and what the batches changed."""
    context, aside = opened.context, outer_units(opened.context.scenario, opened.context.cut, opened.missed)
    held_by = held_outer(opened) if context.cut.outer else []
    parts = _parts(opened, held_by, sorted({*opened.touched, *aside}), opened.counts)
    moved = {unit for unit in aside if (np.abs(parts[unit] - held_by[unit]) >= 1).any()}
    touched = sorted({*opened.touched, *moved})
    groups = partition_groups(context.scenario, [context.units[i] for i in touched])
    untouched = records_of([unit for unit in context.units if unit.index not in touched], context.aims)
    book.inherited(inherit_untouched(opened, touched), untouched)
    batches, receipts = _run_waves(opened, book, cut_waves(groups, bool(aside)), held_by, parts) if groups else ([], [])
    merged = merge_update(opened, batches)
    units = tuple(context.units[i] for i in touched)
    book.end_round(Round(opened.first_round, 1.0, units), batches, receipts, merged, np.zeros(0, dtype=np.int64))
    keep_lineage(opened, batches)
    return merged


def _run_waves(
    opened: Opened,
    book: UpdateBook,
    waves: Sequence[Sequence[list[Unit]]],
    held_by: Sequence[FloatArray],
    parts: Mapping[int, FloatArray],
) -> tuple[list[BatchSpec], list[Receipt]]:
    """The batches of all waves; a later one makes up for what the first left of tables that reach beyond units."""
    context, counts = opened.context, opened.counts
    batches: list[BatchSpec] = []
    receipts: list[Receipt] = []
    with dask_runner(context.settings) as (runner, workers), book.closing():
        if context.settings.dask_address:
            check_workers(runner.client, str(context.run.root))
        book.cluster_ready(workers)
        for number, wave in enumerate(waves):
            if number:
                parts = _parts(opened, held_by, sorted(unit.index for group in wave for unit in group), counts)
            index, first = opened.first_round + number, opened.first_batch + len(batches)
            tell_batches(opened, index, parts)
            new = cut_update(context.scenario, context.settings, wave, context.aims, index, first)
            book.start_round(index, new)
            receipts += _run_batches(opened, runner, new, book)
            batches += new
            if number + 1 < len(waves):
                counts = add_counts(opened, counts, new)
    return batches, receipts


def _parts(
    opened: Opened, held_by: Sequence[FloatArray], units: Sequence[int], counts: Counts
) -> dict[int, FloatArray]:
    """What units are to hold in tables that reach beyond them; nothing where there are none."""
    context = opened.context
    if not context.cut.outer:
        return {}
    growth = unit_growth(context.cut, context.aims, opened.counts)
    return moved_parts(context.outer, context.aims, held_by, growth, units, opened.missed, counts)


def _run_batches(
    opened: Opened, runner: DaskTaskRunner, batches: Sequence[BatchSpec], book: UpdateBook
) -> list[Receipt]:
    """The receipts of all batches; the first that fails for good fails the update."""
    context, settings = opened.context, opened.context.settings
    given = {"run": str(context.run.root), "fingerprint": context.scenario.fingerprint, "settings": settings}
    given["base"] = str(opened.base.root)
    calls = [
        Call(f"batch {spec.batch_id} of the update", f"update-batch-{spec.batch_id}", {**given, "spec": spec})
        for spec in batches
    ]
    receipts: dict[int, Receipt] = {}
    for position, receipt in results(runner, settings, BATCH, calls):
        book.batch_committed(batches[position], receipt)
        receipts[position] = receipt
    return [receipts[position] for position in range(len(batches))]
