"""The run's book: what run.json and log.jsonl say while a flow goes on."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from schemas.batch import BatchSpec, Receipt
from schemas.exchange import Answer, RoundAnswers
from schemas.model import IntArray
from synthesis.batching import Round, plan_rounds
from synthesis.causes import merge_causes
from synthesis.convergence import merged as merge_convergences
from synthesis.diversity import diversity_of
from synthesis.stopping import stop_reason
from synthesis.system import due_records
from tasks.artifacts import Artifacts
from tasks.ask import describe_asking, describe_groups
from tasks.context import Context
from tasks.merge import Merged


class RunBook:
    """Keeps run.json true at every step; the only writer of run.json and log.jsonl."""

    def __init__(self, context: Context, started: float) -> None:
        self._context = context
        self._folder = context.run
        self.run: dict[str, Any] = context.run.read_run()
        self._started = started
        self._stage = ("", started)
        self._artifacts = Artifacts(context.run, context.scenario.name, self.size)
        self._answers: tuple[Answer, ...] = ()
        self._work_seconds = 0.0
        self._workers = 1
        self._has_failed = False
        self._round_started = started

    @property
    def size(self) -> int:
        """Root records to synthesise."""
        return int(self.run["size"])

    def is_published(self) -> bool:
        """Whether the dataset is published already."""
        return bool(self.run["status"] == "published")

    def start(self, damaged: Sequence[str] = ()) -> None:
        """The run begins, or is taken up again; `damaged` files are made again."""
        rounds = len(plan_rounds(self._context.settings, self._context.aims, self._context.cut))
        settings = self._context.settings.model_dump()
        self.run.update(status="running", failure=None, rounds=[], durations={}, llm=_NO_LLM, settings=settings)
        self.run.update(
            batches={"committed": 0, "reused": 0, "retried": 0}, reconciliations=self.run["reconciliations"]
        )
        self.run["damaged"] = list(damaged)
        self._folder.write_run(self.run)
        self._artifacts.start()
        for line in damaged:
            self._log("damage_found", what=line)
        self._log("run_started", scenario=self.run["scenario"]["name"], size=self.size, rounds_expected=rounds)

    def cluster_ready(self, workers: int) -> None:
        """Workers are there."""
        self._workers = workers
        self.run["durations"]["start_seconds"] = self._since(self._started)
        self._stage = ("rounds", time.monotonic())
        self._log("cluster_ready", workers=workers)

    def start_round(self, index: int, batches: Sequence[BatchSpec]) -> None:
        """A round's batches go out."""
        self._round_started = time.monotonic()
        self._log("round_started", round=index, batches=len(batches), records=sum(spec.records for spec in batches))

    def inferred(self, context: Context, answered: RoundAnswers) -> None:
        """The dependency groups are known, or nobody named any."""
        self._context = context
        groups = describe_groups(context)
        reason = answered.answers[0].reason
        self.run["dependencies"] = {"joints": context.settings.joints, "groups": groups, "reason": reason}
        # No batch depends on it: it is no request that the chain could cover.
        self.asked(0, RoundAnswers(answers=(), limit_reached=answered.limit_reached))
        for group in groups:
            names = {"variables": group["variables"], "status": group["status"], "tables": group["tables"]}
            self._log("dependency_group", **names)

    def asked(self, index: int, answered: RoundAnswers) -> None:
        """A round's requests are answered, or known to have no answer."""
        self._answers += answered.answers
        whole, this_round = describe_asking(self._context, self._context.settings, self._answers, index)
        reached = answered.limit_reached or self.run["llm"].get("limit_reached")
        self.run["llm"] = {
            **whole,
            "limit_reached": reached,
            "rounds": [*self.run["llm"].get("rounds", ()), this_round],
        }
        self._folder.write_run(self.run)
        uncovered = [answer.request_id for answer in answered.answers if not answer.is_answered]
        self._log("proposals_asked", **this_round, covered_offline=len(uncovered), limit_reached=reached)

    def planned(self, seconds: float) -> None:
        """The plan that strata share is made."""
        self._work_seconds += seconds

    def batch_committed(self, spec: BatchSpec, receipt: Receipt) -> None:
        """A batch is on disk."""
        self._work_seconds += receipt.seconds
        self._artifacts.add(receipt.records)
        fields = {"records": receipt.records, "members": receipt.members, "reused": receipt.reused}
        self._log("batch_committed", round=spec.round, batch=spec.batch_id, seconds=round(receipt.seconds, 3), **fields)

    def end_round(
        self,
        this: Round,
        batches: Sequence[BatchSpec],
        receipts: Sequence[Receipt],
        merged: Merged,
        pending: IntArray,
    ) -> None:
        """The aggregates hold the round; the zones `pending` are for later rounds."""
        assert merged.fit is not None
        fit = {
            "mean_tvd": merged.fit.mean_tvd,
            "max_tvd": merged.fit.max_tvd,
            "worst_cell": dict(merged.fit.worst),
            "cells_within": merged.fit.cells_within,
            "cells": merged.fit.cells,
        }
        self._weigh_tokens(this.index, merged.fit.mean_tvd)
        records, members = sum(r.records for r in receipts), sum(r.members for r in receipts)
        solved = [commit["proposed"] for commit in merged.commits if commit["round"] == this.index]
        fit["solver"] = merge_convergences(proposed.get("solver", {}) for proposed in solved)
        variety = {"over_corrected_records": merged.over_corrected, **asdict(diversity_of(merged.sketch))}
        entry = {"round": this.index, "batches": len(batches), "records": records, "members": members, **fit, **variety}
        self.run["rounds"].append({**entry, "seconds": self._since(self._round_started)})
        self.run["batches"]["reused"] += sum(receipt.reused for receipt in receipts)
        self.run["batches"]["retried"] += sum(receipt.attempt > 1 for receipt in receipts)
        self._count(merged, this.fraction, pending)
        self.run["stopped"] = stop_reason(merged.is_met, self.run["shortfall"])
        self._folder.write_run(self.run)
        self._log("round_merged", **entry)

    def prior_measured(self, effect: dict[str, Any] | None) -> None:
        """What the prior changed is known."""
        if effect is not None:
            self.run["prior"] = {**effect, **self.run.get("prior", {})}

    def start_stage(self, name: str) -> None:
        """Validation, publication or report begins; closes the time of the stage before."""
        self._close_stage()
        self._stage = (name, time.monotonic())
        self._log(f"{name}_started")

    def validated(self, verdict: Mapping[str, Any]) -> None:
        """The suites have spoken."""
        self._close_stage()
        failures = [
            {"suite": failure["suite"], "expectation": failure["expectation"], "message": failure["message"]}
            for failure in verdict["failures"]
        ]
        suites = dict(verdict["suites"])
        self.run["validation"] = {"success": verdict["success"], "suites": suites, "failures": failures}
        self.run["validation"]["warnings"] = [warning["message"] for warning in verdict["warnings"]]
        self.run["validation"]["drift"] = verdict["drift"]
        evaluated = sum(suite["evaluated"] for suite in suites.values())
        self._folder.write_run(self.run)
        self._log("validation_finished", success=verdict["success"], evaluated=evaluated, failed=len(failures))

    def compared(self, baselines: Mapping[str, Any]) -> None:
        """Beside the baselines."""
        self._close_stage()
        self.run["baselines"] = dict(baselines)
        self._folder.write_run(self.run)
        self._log("compared", statement=baselines["statement"])

    def failed_audit(self, verdict: Mapping[str, Any]) -> None:
        """Keep the verdict where the report will look for it."""
        self.run.update(status="failed", failure=f"{len(verdict['failures'])} expectations are not met")
        self._total()
        self._folder.write_run(self.run)

    def published(self) -> None:
        """The dataset has its name."""
        self._close_stage()
        self.run["status"] = "published"
        self._total()
        self._folder.write_run(self.run)
        self._log("published", records=self.run["accepted"])

    def shifted(self, what_if: Mapping[str, Any] | None) -> None:
        """What the context has shifted is known."""
        if what_if is not None:
            self.run["what_if"] = dict(what_if)
            self._folder.write_run(self.run)
            self._log("what_if", note=what_if["note"], shifts=len(what_if["shifts"]))

    def finish(self) -> None:
        """The report is written: what was staged is not needed any more."""
        self._folder.clear_staging()
        self._close_stage()
        self._total()
        self._folder.write_run(self.run)
        self._log("report_written")
        self._artifacts.finish(self.run)

    def fail(self, error: BaseException) -> None:
        """The run ends without publication; what is committed stays. Repeating it changes nothing."""
        if self._has_failed:
            return
        self._has_failed, message = True, failure_message(error)
        if self.run["status"] != "published":
            self.run.update(status="failed", failure=message)
        self._total()
        # Where the disk is full, the run's own error is the one to tell, not that it could not be written down.
        with suppress(OSError):
            self._folder.write_run(self.run)
            self._log("run_failed", message=message)
            self._artifacts.finish(self.run)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """What ends the block is noted at once: the cluster around it may be long in closing."""
        try:
            yield
        except BaseException as error:
            self.fail(error)
            raise

    def _weigh_tokens(self, index: int, mean_tvd: float) -> None:
        """Tokens per unit of mean TVD removed, of the round and so far; None where nothing was. No records: TVD 1."""
        if self.run["llm"].get("requests"):
            self.run["llm"]["tokens_per_tvd_removed"] = _per_unit(self.run["llm"]["tokens"], 1.0 - mean_tvd)
        asked = next((one for one in self.run["llm"].get("rounds", ()) if one["round"] == index), None)
        if asked is not None:
            before = self.run["rounds"][-1]["mean_tvd"] if self.run["rounds"] else 1.0
            asked["tokens_per_tvd_removed"] = _per_unit(asked["tokens"], before - mean_tvd)

    def _count(self, merged: Merged, fraction: float, pending: IntArray) -> None:
        scenario, commits = self._context.scenario, merged.commits
        final = [commit["proposed"] for commit in commits if commit["proposed"].get("is_final")]
        causes = merge_causes(proposed["causes"] for proposed in final)
        drawn, rejected = sum(c["drawn"] for c in commits), sum(c["rejected"] for c in commits)
        rejections: Counter[str] = Counter()
        proposal_rejections: Counter[str] = Counter()
        for commit in commits:
            rejections.update(commit["rejections"])
            proposal_rejections.update(commit["proposed"].get("rejections", {}))
        entities = {scenario.root.name: {"records": sum(c["records"] for c in commits)}}
        if scenario.member is not None:
            entities[scenario.member.name] = {"records": sum(c["members"] for c in commits)}
        self.run["batches"]["committed"] = len(commits)
        self.run.update(
            entities=entities,
            drawn=drawn,
            accepted=drawn - rejected,
            rejected=rejected,
            rejections=dict(rejections),
            reply_share=_reply_share(self._context.settings.asks, commits),
            proposed_rows=sum(c["proposed"].get("rows", 0) for c in commits),
            proposal_rejections=dict(proposal_rejections),
            **_prior_share(commits, entities[scenario.root.name]["records"]),
            unsupported_cells=sum(proposed["unsupported_cells"] for proposed in final),
            cells_missed_in_plans={cause: sum(map(len, tables.values())) for cause, tables in causes.items()},
            shortfall=due_records(self._context.aims, fraction, pending) - entities[scenario.root.name]["records"],
        )

    def _close_stage(self) -> None:
        name, started = self._stage
        if name:
            self.run["durations"][f"{name}_seconds"] = self._since(started)
        self._stage = ("", time.monotonic())

    def _total(self) -> None:
        durations = self.run["durations"]
        durations["total_seconds"] = self._since(self._started)
        durations["work_seconds"] = round(self._work_seconds, 3)
        rounds = durations.get("rounds_seconds", 0.0)
        durations["orchestration_seconds"] = round(max(rounds - self._work_seconds / self._workers, 0.0), 3)

    def _since(self, started: float) -> float:
        return round(time.monotonic() - started, 3)

    def _log(self, event: str, **fields: Any) -> None:
        self._folder.log(event, **fields)


def _reply_share(asks: bool, commits: Sequence[Mapping[str, Any]]) -> float | None:
    """Share of the root records whose plan row comes from a reply; None where nobody was asked."""
    records = sum(commit["records"] for commit in commits)
    if not asks or not records:
        return None
    return float(sum(commit["proposed"].get("records_of_replies", 0) for commit in commits) / records)


def _per_unit(tokens: int, removed: float) -> int | None:
    return round(tokens / removed) if removed > 0 else None


def failure_message(error: BaseException) -> str:
    """One line; whatever Prefect makes of an interruption in the midst of its own work stays one."""
    cause: BaseException | None = error
    while cause is not None:
        if not isinstance(cause, Exception):
            return "interrupted"
        cause = cause.__cause__ or cause.__context__
    return " ".join(str(error).split()) or type(error).__name__


_NO_LLM = {"calls": 0, "tokens": 0, "usd": 0.0}


def _prior_share(commits: Sequence[Mapping[str, Any]], records: int) -> dict[str, Any]:
    """run.json's `prior`, where records were drawn from rows of one."""
    drawn = sum(commit["proposed"].get("prior_records", 0) for commit in commits)
    return {"prior": {"records_share": drawn / records}} if drawn and records else {}
