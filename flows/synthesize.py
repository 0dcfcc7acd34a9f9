"""The flow: rounds of batches on Dask workers, then validation, publication and the report."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from prefect import flow
from prefect.runtime import flow_run
from prefect_dask import DaskTaskRunner

from flows.batches import Call, Step, results
from flows.cluster import dask_runner
from flows.cluster_check import check_workers
from flows.naming import first_name, folder_of_run, name_flow_run, refuse_another_start
from flows.record import RunBook
from flows.states import failed_state
from schemas.batch import BatchSpec, Receipt
from schemas.errors import AuditError, SynthorError
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES
from synthesis.batching import Round, cut_batches, cut_responses, plan_rounds
from synthesis.outer import spread
from synthesis.requests import round_requests
from synthesis.stopping import is_needless
from synthesis.units import Unit, zones_of_units
from tasks import batch, retried
from tasks.ask import ask, infer
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

RESPONSES = "responses"
PLAN = Step(batch.plan_strata, retried.plan_strata)
BATCH = Step(batch.synthesize_batch, retried.synthesize_batch)
RESPONSE = Step(batch.take_responses, retried.take_responses)


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
        refuse_another_start(flow_run.run_count, settings or RunSettings())
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
        close(context, settings, book)
        return book.run
    book.start(damaged)
    try:
        context = _infer(context, settings, book)
        merged = _run_rounds(context, settings, book)
        audit_and_publish(context, settings, book, merged)
    except BaseException as error:
        book.fail(error)
        raise
    return book.run


def _run_rounds(context: Context, settings: RunSettings, book: RunBook) -> Merged:
    merged, first_id = nothing_merged(context), 1
    rounds = plan_rounds(settings, context.aims, context.cut)
    with dask_runner(settings) as (runner, workers), book.closing():
        if settings.dask_address:
            check_workers(runner.client, str(context.run.root))
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
            _ask(context, settings, book, merged, this, sum(spec.records for spec in batches))
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
    given = _given(context, settings)
    calls = [
        Call(
            f"responses of units {units[0]} to {units[-1]}",
            f"response-{units[0]}",
            {**given, "units": units, "first": units[0]},
        )
        for units in cut_responses(settings, context.units)
    ]
    found = {}
    for _, (seconds, responses) in results(runner, settings, RESPONSE, calls):
        book.planned(seconds)
        found.update(responses)
    context.run.write_parts(RESPONSES, found)


def _infer(context: Context, settings: RunSettings, book: RunBook) -> Context:
    """Ask which variables depend on each other, if a proposer is to be asked; the groups decide which tables bind."""
    if settings.asks and settings.n_joints:
        context, answered = infer(context, settings)
        book.inferred(context, answered)
    return context


def _ask(context: Context, settings: RunSettings, book: RunBook, merged: Merged, this: Round, records: int) -> None:
    """Ask for the round's proposals, if a proposer is to be asked; the batches find the answers by path."""
    if settings.asks and records:
        pending = zones_of_units(this.units) if context.cut.outer else None
        given = context.scenario, context.aims, settings, merged.counts, this.index, records
        requests = round_requests(*given, pending)
        # Called, not submitted: it runs in this process, where the limiter and the budget are.
        answered = ask(context, settings, this.index, requests)
        book.asked(this.index, answered)


def _run_batches(
    context: Context, settings: RunSettings, runner: DaskTaskRunner, batches: tuple[BatchSpec, ...], book: RunBook
) -> list[Receipt]:
    """The receipts of all batches, in their order; the first that fails for good fails the run."""
    first_strata = [spec for spec in batches if spec.strata > 1 and spec.stratum == 0]
    for _, seconds in results(runner, settings, PLAN, _calls(context, settings, "plan", first_strata)):
        book.planned(seconds)
    receipts: dict[int, Receipt] = {}
    for position, receipt in results(runner, settings, BATCH, _calls(context, settings, "batch", batches)):
        book.batch_committed(batches[position], receipt)
        receipts[position] = receipt
    return [receipts[position] for position in range(len(batches))]


def _calls(context: Context, settings: RunSettings, what: str, specs: Sequence[BatchSpec]) -> list[Call]:
    given = _given(context, settings)
    return [
        Call(
            f"batch {spec.batch_id} of round {spec.round}",
            f"{what}-{spec.plan_id if what == 'plan' else spec.batch_id}",
            {**given, "spec": spec},
        )
        for spec in specs
    ]


def _given(context: Context, settings: RunSettings) -> dict[str, Any]:
    """What every step of a run on a worker is given."""
    return {"run": str(context.run.root), "fingerprint": context.scenario.fingerprint, "settings": settings}


def audit_and_publish(context: Context, settings: RunSettings, book: RunBook, merged: Merged) -> None:
    """Validation, then publication or, where it fails, an AuditError."""
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
    close(context, settings, book)


def close(context: Context, settings: RunSettings, book: RunBook) -> None:
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
