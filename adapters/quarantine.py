"""Quarantine: a few rejected records with the rule each broke, as JSON beside their stage."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from adapters.object_path import Location
from adapters.run_folder import write_table
from schemas.model import Scenario
from synthesis.records import Records

COLUMNS = pa.schema([(name, pa.string()) for name in ("entity", "rule", "stage", "record")])


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A few rejected records with the rule each broke; stage is "proposal" or "draw"."""

    stage: str
    records: Records
    rules: tuple[str, ...]


def write_quarantine(path: Location, scenario: Scenario, quarantined: Sequence[Quarantined]) -> None:
    """One row per rejected record; no file where nothing was rejected."""
    rows = [row for part in quarantined for row in _quarantine_rows(scenario, part)]
    if rows:
        write_table(path, pa.Table.from_pylist(rows, schema=COLUMNS))


def _quarantine_rows(scenario: Scenario, part: Quarantined) -> list[dict[str, str]]:
    rows = []
    for i, rule in enumerate(part.rules):
        record = {v.name: _plain(v.categories, part.records.root[v.name][i]) for v in scenario.root.variables}
        if scenario.member is not None:
            of_record = np.flatnonzero(part.records.parent == i)
            record[scenario.member.name] = [
                {v.name: _plain(v.categories, part.records.members[v.name][m]) for v in scenario.member.variables}
                for m in of_record
            ]
        text = json.dumps(record, ensure_ascii=False)
        rows.append({"entity": scenario.root.name, "rule": rule, "stage": part.stage, "record": text})
    return rows


def _plain(categories: tuple[str, ...], value: Any) -> Any:
    return categories[int(value)] if categories else value.item()
