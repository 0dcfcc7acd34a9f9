"""Suites derived from a scenario: what its tables, variables, rules and entities imply, nothing restated.

Every expectation bears a name in `meta["check"]`, unique within its suite: GX returns results in another order.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from expectations.facts import bounds_text, checked_facts
from expectations.library import Column, ExpectationSuite, gxe
from expectations.plugin import ExpectTargetTableCloseToPrevious, ExpectTargetTableWithinTolerance
from schemas.model import Derived, Entity, Rule, Scenario, TextVariable, Variable
from schemas.settings import RunSettings
from synthesis.audit import MEMBER_COUNT_MATCHES, PARENT_EXISTS

CLOCK_SLACK_HOURS = 1.0
"""By how much the clocks of two machines may differ."""
INTEGER_TYPES = ("int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_RECORDS_NOTE = (
    "One suite per entity, for frames of whole partitions. The columns 'rule: …', 'derived: …', "
    "'parent exists' and 'member count matches' are computed from the records (synthesis.summaries.audit_columns)."
)
_AGGREGATES_NOTE = "For aggregates.parquet. Import expectations.plugin before loading this suite."
_VOLUME_NOTE = "For the frame that expectations.checkpoint.judge_volume makes of aimed and committed records per zone."
_FRESHNESS_NOTE = "For the frame that expectations.checkpoint.judge_freshness makes of the age of a run."
_DRIFT_NOTE = "For the frame that expectations.drift.drift_frame makes of two aggregates.parquet. Import as aggregates."
_SUMMARY_NOTE = "For the frame that expectations.facts.summary_frame makes of the merged summaries of all batches."


def aggregates_suite(scenario: Scenario) -> Any:
    """One expectation per target table, on the aggregates."""
    found = [
        ExpectTargetTableWithinTolerance(
            table=table.name, cells=table.cells, meta={"check": f"{table.name}: tolerance", "kind": "tolerance"}
        )
        for table in scenario.tables
    ]
    found += [
        ExpectTargetTableWithinTolerance(
            table=moment.name, meta={"check": f"{moment.name}: tolerance", "kind": "tolerance"}
        )
        for moment in scenario.moments
    ]
    return ExpectationSuite("aggregates", expectations=found, notes=_AGGREGATES_NOTE)


def records_suite(scenario: Scenario, entity: str) -> Any:
    """What every record of an entity has to be, on frames with the columns of `audit_columns` added."""
    judged = scenario.entity(entity)
    variables = judged.all_variables
    expected = [*_ids(judged), *judged.column_names]
    schema = gxe.ExpectTableColumnsToMatchSet(
        column_set=expected, exact_match=False, meta={"check": f"{entity}: columns", "kind": "columns"}
    )
    found = [schema, *_id_expectations(scenario, judged)]
    for variable in variables:
        found += _variable_expectations(variable)
    found += [_length_expectation(text) for text in judged.texts]
    found += [_true(f"derived: {derived.name}", "derived") for derived in judged.derived]
    found += [_rule_expectation(rule) for rule in scenario.rules if rule.entity == entity]
    return ExpectationSuite(f"records_{entity}", expectations=found, notes=_RECORDS_NOTE)


def summary_suite(scenario: Scenario) -> Any:
    """No violations of any fact in the frame of a merged summary, and every fact there."""
    facts = checked_facts(scenario)
    names = [fact.name for fact in facts]
    all_there = gxe.ExpectColumnDistinctValuesToEqualSet(
        column="fact", value_set=names, meta={"check": "every fact", "kind": "facts"}
    )
    none_broken = [
        gxe.ExpectColumnValuesToBeInSet(
            column="violations",
            value_set=[0],
            row_condition=Column("fact") == fact.name,
            meta={"check": fact.name, "kind": "fact", "entity": fact.entity, "column": fact.column, "text": fact.check},
        )
        for fact in facts
    ]
    return ExpectationSuite("summary", expectations=[all_there, *none_broken], notes=_SUMMARY_NOTE)


def volume_suite(entity: str) -> Any:
    """Every zone holds as many root records as the run aims at, on a frame with zone, aimed, records and missing."""
    met = gxe.ExpectColumnValuesToBeInSet(
        column="missing", value_set=[0], meta={"check": f"{entity}: volume", "kind": "volume", "entity": entity}
    )
    return ExpectationSuite("volume", expectations=[met], notes=_VOLUME_NOTE)


def freshness_suite(max_age_hours: float | None) -> Any:
    """The run has a known age, and one below the limit if there is one; a run of the future has a wrong clock."""
    known = gxe.ExpectColumnValuesToNotBeNull(column="age_hours", meta={"check": "age: known", "kind": "age known"})
    within = gxe.ExpectColumnValuesToBeBetween(
        column="age_hours",
        min_value=-CLOCK_SLACK_HOURS,
        max_value=max_age_hours,
        meta={"check": "age: within", "kind": "age", "text": _age_limit(max_age_hours)},
    )
    return ExpectationSuite("freshness", expectations=[known, within], notes=_FRESHNESS_NOTE)


def drift_suite(scenario: Scenario, settings: RunSettings) -> Any:
    """One expectation per target table, on its cells now and in the previous publication."""
    severity = "warning" if settings.on_drift == "warn" else "critical"
    found = [
        ExpectTargetTableCloseToPrevious(
            table=table.name,
            max_tvd=settings.max_drift,
            severity=severity,
            meta={"check": f"{table.name}: drift", "kind": "drift"},
        )
        for table in scenario.tables
    ]
    return ExpectationSuite("drift", expectations=found, notes=_DRIFT_NOTE)


def save_suites(scenario: Scenario, folder: Path, settings: RunSettings | None = None) -> None:
    """Write every suite as `<suite>.json`, the same bytes for the same scenario, loadable by plain GX."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = settings or RunSettings()
    suites = [aggregates_suite(scenario), volume_suite(scenario.root.name)]
    suites += [freshness_suite(settings.max_age_hours), drift_suite(scenario, settings)]
    suites += [*(records_suite(scenario, entity.name) for entity in scenario.entities), summary_suite(scenario)]
    for suite in suites:
        content = {key: value for key, value in suite.to_json_dict().items() if key != "id"}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (folder / f"{suite.name}.json").write_text(text, encoding="utf-8")


def _age_limit(hours: float | None) -> str:
    return "no limit" if hours is None else f"at most {hours:g} h"


def _ids(entity: Entity) -> list[str]:
    return [f"{name}_id" for name in (entity.name, entity.parent) if name is not None]


def _id_expectations(scenario: Scenario, entity: Entity) -> list[Any]:
    own = f"{entity.name}_id"
    unique = gxe.ExpectColumnValuesToBeUnique(column=own, meta={"check": f"{own}: unique", "kind": "unique"})
    found = [unique, *(_not_null(name) for name in _ids(entity))]
    if entity is scenario.member:
        found.append(_true(PARENT_EXISTS, "parent"))
    elif scenario.member is not None:
        found.append(_true(MEMBER_COUNT_MATCHES, "member count"))
    return found


def _variable_expectations(variable: Variable | Derived) -> list[Any]:
    name = variable.name
    found = [_not_null(name)]
    if variable.kind == "category":
        meta = {"check": f"{name}: categories", "kind": "categories"}
        found.append(gxe.ExpectColumnValuesToBeInSet(column=name, value_set=list(variable.categories), meta=meta))
    if variable.kind == "integer":
        meta = {"check": f"{name}: integers", "kind": "integers"}
        found.append(gxe.ExpectColumnValuesToBeInTypeList(column=name, type_list=list(INTEGER_TYPES), meta=meta))
    if variable.kind != "category" and np.isfinite([variable.low, variable.high]).all():
        found.append(_range_expectation(variable))
    return found


def _length_expectation(text: TextVariable) -> Any:
    """Records may lack the text."""
    meta = {"check": f"{text.name}: length", "kind": "length"}
    return gxe.ExpectColumnValueLengthsToBeBetween(column=text.name, min_value=1, max_value=text.max_length, meta=meta)


def _range_expectation(variable: Variable | Derived) -> Any:
    return gxe.ExpectColumnValuesToBeBetween(
        column=variable.name,
        min_value=variable.low,
        max_value=variable.high,
        strict_max=variable.kind == "number",
        meta={"check": f"{variable.name}: range", "kind": "range", "text": bounds_text(variable)},
    )


def _rule_expectation(rule: Rule) -> Any:
    return _true(f"rule: {rule.name}", "rule", text=rule.text, reason=rule.reason)


def _not_null(column: str) -> Any:
    return gxe.ExpectColumnValuesToNotBeNull(column=column, meta={"check": f"{column}: not null", "kind": "not null"})


def _true(column: str, kind: str, **more: str) -> Any:
    meta = {"check": column, "kind": kind, **{key: text for key, text in more.items() if text}}
    return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=[True], meta=meta)
