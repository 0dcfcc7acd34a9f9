"""The flow: rounds of batches on Dask workers, then validation, publication and the report."""

import time
from collections.abc import Mapping
from typing import Any

from prefect import flow
from prefect.futures import PrefectFuture
from prefect_dask import DaskTaskRunner

from flows.cluster import dask_runner
from flows.record import RunBook
from schemas.batch import BatchSpec, Receipt
from schemas.errors import AuditError, BatchError, SynthorError
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES
from synthesis.batching import cut_batches, round_fractions
from synthesis.requests import round_requests
from tasks.ask import ask
from tasks.batch import batch_options, plan_strata, synthesize_batch
from tasks.context import Context
from tasks.merge import Merged, merge_round, nothing_merged
from tasks.prepare import held, prepare
from tasks.publish import make_current, publish
from tasks.repair import repair
from tasks.report import report
from tasks.validate import validate

TRIES_OF_DASK = 4
"""A task whose worker dies is given to a worker again; after four deaths Dask raises KilledWorker."""
PATIENCE_SECONDS = 300
"""Beyond all its tries, how long a batch is waited for before its state is taken to be lost."""


@flow(name="synthesize", flow_run_name="synthesize-{out}", validate_parameters=True)
def synthesize(scenario: str, out: str, settings: RunSettings | None = None) -> dict[str, Any]:
    """Synthesise the scenario folder into the run folder `out`; returns the content of its run.json.

    Running it again on the same folder finishes what is missing; committed batches are not done again.
    """
    started = time.monotonic()
    with held(out):
        return _synthesize(scenario, out, settings or RunSettings(), started)


def _synthesize(scenario: str, out: str, settings: RunSettings, started: float) -> dict[str, Any]:
    context = prepare(scenario, out, settings)
    book = RunBook(context, started)
    damaged = repair(context)
    if book.is_published() and not damaged:
        _close(context, settings, book)
        return book.run
    book.start(damaged)
    try:
        merged = _run_rounds(context, settings, book)
        _audit_and_publish(context, settings, book, merged)
    except BaseException as error:
        book.fail(error)
        raise
    return book.run


def _run_rounds(context: Context, settings: RunSettings, book: RunBook) -> Merged:
    merged, first_id = nothing_merged(context), 1
    with dask_runner(settings) as (runner, workers):
        book.cluster_ready(workers)
        for index, fraction in enumerate(round_fractions(settings, book.size), start=1):
            context.run.write_counts(index, dict(merged.counts))
            batches = cut_batches(
                context.scenario,
                settings,
                context.aims,
                context.units,
                merged.counts[ZONE_SIZES],
                index,
                fraction,
                first_id,
            )
            book.start_round(index, batches)
            _ask(context, settings, book, merged, index, sum(spec.records for spec in batches))
            receipts = _run_batches(context, settings, runner, batches, book)
            merged = merge_round(context, merged, batches, index)
            book.end_round(index, batches, receipts, merged)
            first_id += len(batches)
    return merged


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
    limit = settings.batch_timeout_seconds * TRIES_OF_DASK * (settings.batch_retries + 1) + PATIENCE_SECONDS
    options = batch_options(settings)
    plans = [
        (spec, runner.submit(plan_strata.with_options(**options), {**given, "spec": spec}))
        for spec in batches
        if spec.strata > 1 and spec.stratum == 0
    ]
    for spec, plan in plans:
        book.planned(_taken(plan, spec, limit))
    task = synthesize_batch.with_options(**options)
    futures = [(spec, runner.submit(task, {**given, "spec": spec})) for spec in batches]
    receipts = []
    for spec, future in futures:
        receipt = _taken(future, spec, limit)
        book.batch_committed(spec, receipt)
        receipts.append(receipt)
    return receipts


def _taken(future: PrefectFuture[Any], spec: BatchSpec, limit: float) -> Any:
    """The batch's result. Waiting for its state instead would let work go missing when workers are lost for good."""
    try:
        return future.result(timeout=limit)
    except SynthorError:
        raise
    except TimeoutError as exc:
        raise BatchError(f"batch {spec.batch_id} of round {spec.round} did not end within {limit:g} s") from exc
    except Exception as exc:
        raise BatchError(f"batch {spec.batch_id} of round {spec.round} failed: {type(exc).__name__}: {exc}") from exc


def _audit_and_publish(context: Context, settings: RunSettings, book: RunBook, merged: Merged) -> None:
    book.start_stage("validation")
    verdict = validate(str(context.run.root), settings.full_validation)
    book.validated(verdict)
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
        book.start_stage("report")
        report(context.run)
        book.finish()
    if settings.publish_to is not None:
        make_current(context.run, settings.publish_to, settings.publish_anyway)


def audit_message(verdict: Mapping[str, Any]) -> str:
    """One line: how many expectations failed, and the three worst cells."""
    cells = [
        f"{cell['table']}{' ' + cell['zone'] if cell['zone'] else ''} {cell['cell']}: "
        f"aimed {cell['target']:g}, synthetic {cell['synthetic']}"
        for cell in verdict["missed_cells"][:3]
    ]
    others = [failure["message"] for failure in verdict["failures"][:3]]
    count = len(verdict["failures"])
    return f"validation failed ({count} expectation{'s' * (count != 1)}): " + "; ".join(cells or others)
