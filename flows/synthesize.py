"""The flow: rounds of batches on Dask workers, then validation, publication and the report."""

import time
from collections.abc import Mapping
from typing import Any

from prefect import flow
from prefect.futures import PrefectFuture
from prefect_dask import DaskTaskRunner

from flows.cluster import dask_runner
from flows.naming import first_name, folder_of_run, name_flow_run
from flows.record import RunBook
from flows.states import failed_state
from schemas.batch import BatchSpec, Receipt
from schemas.errors import AuditError, BatchError, SynthorError
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES
from synthesis.batching import Round, cut_batches, cut_responses, plan_rounds
from synthesis.outer import spread
from synthesis.requests import round_requests
from synthesis.stopping import is_needless
from synthesis.units import Unit, zones_of_units
from tasks.ask import ask, infer
from tasks.batch import batch_options, plan_strata, synthesize_batch, take_responses
from tasks.compare import compare
from tasks.context import Context
from tasks.merge import Merged, merge_round, nothing_merged
from tasks.prepare import held, prepare, with_absolute_paths
from tasks.prior import measure_prior
from tasks.publish import make_current, publish
from tasks.repair import repair
from tasks.report import report
from tasks.shifts import find_what_if
from tasks.validate import validate

TRIES_OF_DASK = 4
"""A task whose worker dies is given to a worker again; after four deaths Dask raises KilledWorker."""
RESPONSES = "responses"
PATIENCE_SECONDS = 300
"""Beyond all its tries, how long a batch is waited for before its state is taken to be lost."""


@flow(name="synthesize", flow_run_name=first_name, validate_parameters=True)
def synthesize(scenario: str, out: str, settings: RunSettings | None = None) -> dict[str, Any]:
    """Synthesise a scenario into a run folder; returns the content of its run.json.

    Running it again on the same folder finishes what is missing; committed batches are not done again.

    Args:
        scenario: folder with scenario.yaml and its tables, as the worker sees it
        out: run folder, new or to be continued, or s3://bucket/prefix; in a deployment {date}, {time} and {run} stand
            for the date and time (UTC) that the flow run is scheduled for, and for the start of its id
        settings: everything else that shapes the run; defaults suffice
    """
    started = time.monotonic()
    try:
        folder = folder_of_run(out)
        with held(folder):
            return _synthesize(scenario, folder, with_absolute_paths(settings or RunSettings()), started)
    except SynthorError as error:
        return failed_state(error)


def _synthesize(scenario: str, out: str, settings: RunSettings, started: float) -> dict[str, Any]:
    context = prepare(scenario, out, settings)
    book = RunBook(context, started)
    name_flow_run(context.scenario.name, book.size)
    damaged = repair(context)
    if book.is_published() and not damaged:
        _close(context, settings, book)
        return book.run
    book.start(damaged)
    try:
        context = _infer(context, settings, book)
        merged = _run_rounds(context, settings, book)
        _audit_and_publish(context, settings, book, merged)
    except BaseException as error:
        book.fail(error)
        raise
    return book.run


def _run_rounds(context: Context, settings: RunSettings, book: RunBook) -> Merged:
    merged, first_id = nothing_merged(context), 1
    rounds = plan_rounds(settings, context.aims, context.cut)
    with dask_runner(settings) as (runner, workers):
        book.cluster_ready(workers)
        if context.cut.outer:
            _take_responses(context, settings, runner, book)
        for this in rounds:
            if is_needless(this.fraction, merged.is_met):
                continue
            later = [unit for after in rounds[this.index :] for unit in after.units]
            _open_round(context, this, later, merged)
            at = merged.counts[ZONE_SIZES], this.index, this.fraction, first_id
            batches = cut_batches(context.scenario, settings, context.aims, this.units, *at)
            book.start_round(this.index, batches)
            _ask(context, settings, book, merged, this.index, sum(spec.records for spec in batches))
            receipts = _run_batches(context, settings, runner, batches, book)
            pending = zones_of_units(later) if this.fraction >= 1 else zones_of_units(())
            merged = merge_round(context, merged, batches, this.index, pending)
            book.end_round(this, batches, receipts, merged, pending)
            first_id += len(batches)
    return merged


def _open_round(context: Context, this: Round, later: list[Unit], merged: Merged) -> None:
    """Keep for the workers what is committed so far, and what each unit is to add to the tables beyond it."""
    context.run.write_counts(this.index, dict(merged.counts))
    if context.cut.outer:
        responses = context.run.read_parts(RESPONSES, range(len(context.units)))
        now, left = ([unit.index for unit in units] for units in (this.units, later))
        values = [responses[unit.index] for unit in context.units]
        parts = spread(context.outer, context.aims, values, now, left, merged.counts)
        context.run.write_parts(f"parts{this.index:02d}", parts)


def _take_responses(context: Context, settings: RunSettings, runner: DaskTaskRunner, book: RunBook) -> None:
    """Ask every unit what it adds to the tables beyond it by itself; a run taken up again has the answers."""
    if context.run.parts_file(RESPONSES).is_file():
        return
    given = {"run": str(context.run.root), "fingerprint": context.scenario.fingerprint, "settings": settings}
    task, limit = take_responses.with_options(**batch_options(settings)), _limit(settings)
    cut = cut_responses(settings, context.units)
    futures = [runner.submit(task, {**given, "units": units, "first": units[0]}) for units in cut]
    found = {}
    for units, future in zip(cut, futures, strict=True):
        seconds, responses = _taken(future, f"responses of units {units[0]} to {units[-1]}", limit)
        book.planned(seconds)
        found.update(responses)
    context.run.write_parts(RESPONSES, found)


def _infer(context: Context, settings: RunSettings, book: RunBook) -> Context:
    """Ask which variables depend on each other, if a proposer is to be asked; the groups decide which tables bind."""
    if settings.asks and settings.n_joints:
        context, answered = infer(context, settings)
        book.inferred(context, answered)
    return context


def _ask(context: Context, settings: RunSettings, book: RunBook, merged: Merged, index: int, records: int) -> None:
    """Ask for the round's proposals, if a proposer is to be asked; the batches find the answers by path."""
    if settings.asks and records:
        requests = round_requests(context.scenario, context.aims, settings, merged.counts, index, records)
        # Called, not submitted: it runs in this process, where the limiter and the budget are.
        answered = ask(context, settings, index, requests)
        book.asked(index, answered)


def _run_batches(
    context: Context, settings: RunSettings, runner: DaskTaskRunner, batches: tuple[BatchSpec, ...], book: RunBook
) -> list[Receipt]:
    """The receipts of all batches; the first that fails for good fails the run. Always takes `.result()`."""
    given = {"run": str(context.run.root), "fingerprint": context.scenario.fingerprint, "settings": settings}
    limit = _limit(settings)
    options = batch_options(settings)
    plans = [
        (spec, runner.submit(plan_strata.with_options(**options), {**given, "spec": spec}))
        for spec in batches
        if spec.strata > 1 and spec.stratum == 0
    ]
    for spec, plan in plans:
        book.planned(_taken(plan, _name(spec), limit))
    task = synthesize_batch.with_options(**options)
    futures = [(spec, runner.submit(task, {**given, "spec": spec})) for spec in batches]
    receipts = []
    for spec, future in futures:
        receipt = _taken(future, _name(spec), limit)
        book.batch_committed(spec, receipt)
        receipts.append(receipt)
    return receipts


def _limit(settings: RunSettings) -> float:
    """How long a task is waited for: as long as all its tries may take."""
    return settings.batch_timeout_seconds * TRIES_OF_DASK * (settings.batch_retries + 1) + PATIENCE_SECONDS


def _name(spec: BatchSpec) -> str:
    return f"batch {spec.batch_id} of round {spec.round}"


def _taken(future: PrefectFuture[Any], name: str, limit: float) -> Any:
    """The task's result. Waiting for its state instead would let work go missing when workers are lost for good."""
    try:
        return future.result(timeout=limit)
    except SynthorError:
        raise
    except TimeoutError as exc:
        raise BatchError(f"{name} did not end within {limit:g} s") from exc
    except Exception as exc:
        raise BatchError(f"{name} failed: {type(exc).__name__}: {exc}") from exc


def _audit_and_publish(context: Context, settings: RunSettings, book: RunBook, merged: Merged) -> None:
    book.prior_measured(measure_prior(context))
    book.start_stage("validation")
    verdict = validate(str(context.run.root), settings.full_validation)
    book.validated(verdict)
    book.start_stage("comparison")
    book.compared(compare(str(context.run.root)))
    if not verdict["success"] and not settings.publish_anyway:
        book.failed_audit(verdict)
        report(context.run)
        raise AuditError(audit_message(verdict))
    book.start_stage("publish")
    publish(context.run, merged.commits)
    book.published()
    _close(context, settings, book)


def _close(context: Context, settings: RunSettings, book: RunBook) -> None:
    """What follows publication; a run that was interrupted here is closed when it is taken up again."""
    if not context.run.is_closed():
        book.shifted(find_what_if(context))
        book.start_stage("report")
        report(context.run)
        book.finish()
    if settings.publish_to is not None:
        make_current(context.run, settings.publish_to, settings.publish_anyway)


def audit_message(verdict: Mapping[str, Any]) -> str:
    """One line: how many expectations failed, and the three worst cells."""
    cells = [
        f"{cell['table']}{' ' + cell['zone'] if cell['zone'] else ''} {cell['cell']}: "
        f"aimed {cell['target']:.10g}, synthetic {cell['synthetic']}"
        for cell in verdict["missed_cells"][:3]
    ]
    others = [failure["message"] for failure in verdict["failures"][:3]]
    count = len(verdict["failures"])
    return f"validation failed ({count} expectation{'s' * (count != 1)}): " + "; ".join(cells or others)
