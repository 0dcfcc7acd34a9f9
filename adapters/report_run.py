"""What run.json and the quarantine say, in the order the report tells it; every key may be absent."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.object_path import Location
from adapters.report_numbers import plural, write_count
from adapters.storage import read_parquet

Record = Mapping[str, Any]
EXAMPLES_PER_RULE = 3
EXAMPLE_CHARACTERS = 1_500
QUARANTINE_FILES = 50
SETTLED, NOTICEABLE = 0.01, 0.5
"""Records below which a solver is said to have settled, and below which an exact cell is said to be met."""


@dataclass(frozen=True, slots=True)
class RuleCount:
    """How often a rule rejected something."""

    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class Example:
    """One rejected record or proposed row, as indented JSON."""

    rule: str
    entity: str
    stage: str
    text: str


@dataclass(frozen=True, slots=True)
class Duration:
    """One segment of the wall time."""

    label: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the run facts; code is set in a fixed-width face."""

    label: str
    value: str
    is_code: bool = False


def count_rejections(record: Record, key: str) -> list[RuleCount]:
    """Rejections by rule, the most frequent first."""
    counts = [RuleCount(str(rule), int(count or 0)) for rule, count in (record.get(key) or {}).items()]
    return sorted(counts, key=lambda one: (-one.count, one.rule))


def read_examples(run: Location) -> list[Example]:
    """A few quarantined records of each rule, entity and stage, from the first files of the quarantine."""
    found: dict[tuple[str, str, str], list[Example]] = {}
    for row in _quarantined(run):
        rule, entity, stage = (str(row.get(name) or "") for name in ("rule", "entity", "stage"))
        group = found.setdefault((rule, entity, stage), [])
        if len(group) < EXAMPLES_PER_RULE:
            group.append(Example(rule, entity, stage, _indent(str(row.get("record") or ""))))
    return [example for key in sorted(found) for example in found[key]]


def _quarantined(run: Location) -> Iterator[Record]:
    paths = sorted(path for path in (run / "quarantine").glob("*.parquet") if not path.name.startswith("."))
    for path in paths[:QUARANTINE_FILES]:
        yield from read_parquet(path).slice(0, 2_000).to_pylist()


def _indent(record: str) -> str:
    try:
        text = json.dumps(json.loads(record), indent=1, ensure_ascii=False)
    except json.JSONDecodeError:
        text = record
    return text if len(text) <= EXAMPLE_CHARACTERS else text[:EXAMPLE_CHARACTERS] + " …"


def split_durations(record: Record) -> list[Duration]:
    """The wall time in the order it was spent.

    `work_seconds` is a sum over workers, so the work segment is what the rounds took beyond orchestration.
    """
    durations = record.get("durations") or {}
    seconds = {name: float(value) for name, value in durations.items() if value is not None}
    rounds, orchestration = seconds.get("rounds_seconds"), seconds.get("orchestration_seconds")
    work = seconds.get("work_seconds") if rounds is None else max(rounds - (orchestration or 0.0), 0.0)
    named = {
        "start": seconds.get("start_seconds"),
        "work": work,
        "orchestration": orchestration,
        "validation": seconds.get("validation_seconds"),
        "comparison": seconds.get("comparison_seconds"),
        "publish": seconds.get("publish_seconds"),
        "report": seconds.get("report_seconds"),
    }
    known = [Duration(label, value) for label, value in named.items() if value is not None]
    other = seconds.get("total_seconds", 0.0) - sum(one.seconds for one in known)
    return [*known, Duration("other", other)] if known and other > 0.02 * seconds["total_seconds"] else known


def state_run(record: Record) -> list[Fact]:
    """What the run was: scenario, random seed, proposer, batches, cost."""
    scenario, batches, llm = (record.get(key) or {} for key in ("scenario", "batches", "llm"))
    settings = record.get("settings") or {}
    facts = [
        Fact("Scenario", str(scenario.get("name") or "")),
        Fact("Scenario folder", str(scenario.get("path") or ""), is_code=True),
        Fact("Scenario fingerprint", str(scenario.get("fingerprint") or ""), is_code=True),
        Fact("Random seed", _text(record.get("random_seed")), is_code=True),
        Fact("Proposer", _text(settings.get("proposer")) + _cost(llm)),
        Fact("Records asked for", write_count(record.get("size"))),
        Fact("Batches", ", ".join(f"{write_count(count)} {name}" for name, count in batches.items())),
        Fact("Solver", write_solver(solver) if (solver := _last_solver(record)) else ""),
        Fact("Rounds ended", str(record.get("stopped") or "")),
        Fact("Run folder", _text(record.get("out")), is_code=True),
        Fact("synthor", _text(record.get("synthor_version")), is_code=True),
    ]
    return [fact for fact in facts if fact.value.strip("–")]


def _last_solver(record: Record) -> Record:
    rounds = record.get("rounds") or [{}]
    return rounds[-1].get("solver") or {}


def _cost(llm: Record) -> str:
    if not llm.get("calls"):
        return ""
    tokens = write_count(llm.get("tokens") or 0)
    cost = "cost unknown" if llm.get("usd") is None else f"{llm['usd']:,.2f} USD"
    return f" ({plural(llm['calls'], 'call')}, {tokens} tokens, {cost})"


def write_solver(solver: Record) -> str:
    """A round's solver in one line: how it converged, and how far the weights had to move from the prior."""
    units, rows = plural(solver["units"], "unit"), write_count(round(solver["effective_rows"]))
    settled = "settled" if solver["residual"] < SETTLED else f"unsettled by {solver['residual']:.3g} records"
    worst = solver.get("worst_cell") or ("",)
    met = (
        "exact cells met before rounding"
        if solver["missed"] < NOTICEABLE
        else (
            f"worst exact cell {worst[0] or 'number of records'} off by {write_count(solver['missed'])} before rounding"
        )
    )
    effect = f"design effect {solver['design_effect_median']:.2g}, at most {solver['design_effect_max']:.2g}"
    return (
        f"{units} {settled} in at most {plural(solver['steps'], 'step')}, {met}; {rows} effective of "
        f"{write_count(solver['plan_rows'])} plan rows ({effect})"
    )


def state_mapping(values: Record | None) -> list[Fact]:
    """Settings or versions, one fact each."""
    return [Fact(str(name), _text(value), is_code=True) for name, value in (values or {}).items()]


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
