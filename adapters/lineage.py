"""Lineage read from a run folder: from a record to its proposal, from a rule to the records that broke it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.object_path import Location, relative
from adapters.partitions import dataset_files
from adapters.run_folder import RunFolder
from adapters.storage import read_parquet, read_parquet_metadata
from schemas.batch import ID_STRIDE, PLAN_STRIDE
from schemas.errors import UserError
from schemas.model import Entity, Scenario
from synthesis.expressions import nearest

Facts = dict[str, Any]
LINEAGE_COLUMNS = ("batch_id", "plan_row_id")
SHOWN_PLAN_ROWS = 5
NEXT_LABEL = re.compile(r", (?=[A-Za-z_]\w*=)")
"""Between two labels of a cell; a label itself may hold a comma, as `[0, 10)` does."""


class RecordPlace(NamedTuple):
    """One record as a table of one row, and the file it stands in."""

    file: Location
    row: pa.Table


def explain_record(run: RunFolder, scenario: Scenario, entity_name: str, record_id: int) -> Facts:
    """A record's values, members or root record, batch, plan row, proposal and exchange."""
    entity = scenario.entity(entity_name)
    place = _find_record(run, entity, record_id)
    values = _plain(place.row)
    facts: Facts = {"entity": entity.name, "id": record_id, "file": relative(place.file, run.root)}
    facts["partition"] = _partition(run, place.file)
    facts["values"] = {name: value for name, value in values.items() if name not in LINEAGE_COLUMNS}
    facts["batch"] = values["batch_id"]
    if entity.parent is not None:
        root = _find_record(run, scenario.root, values[f"{entity.parent}_id"])
        facts[entity.parent] = _values(root.row, scenario.root)
    elif scenario.member is not None:
        facts[scenario.member.name] = _members(run, scenario, scenario.member, place.file, record_id)
    return facts | explain_plan_row(run, values["plan_row_id"])


def explain_plan_row(run: RunFolder, plan_row_id: int) -> Facts:
    """A plan row with the proposal it was compiled from, and the exchange that gave it, if a model did."""
    rows = _plan_rows(run, pc.field("plan_row_id") == plan_row_id)
    if rows.num_rows == 0:
        raise UserError(f"{run.root}: its plan has no row {plan_row_id}")
    row = _plain(rows)
    proposal = next((one for one in read_proposals(run) if one["proposal_id"] == row["proposal_id"]), None)
    exchange = (proposal or {}).get("exchange_id")
    return {
        "plan_row": row,
        "proposal": proposal,
        "exchange": None if exchange is None else _find_line(run.root / "exchanges.jsonl", "exchange_id", exchange),
    }


def read_proposals(run: RunFolder) -> Iterator[Facts]:
    """The lines of proposals.jsonl; of a run that was not published, what its plans so far were proposed from."""
    if run.proposals.is_file():
        yield from (json.loads(line) for line in run.proposals.read_text(encoding="utf-8").splitlines())
    else:
        yield from run.staged_proposals()


def read_rejected(run: RunFolder, rule: str | None = None) -> list[Facts]:
    """The kept sample of rejected records, with the rule each broke; of one rule, if named."""
    paths = sorted(path for path in run.quarantine.glob("*.parquet") if not path.name.startswith("."))
    rows = [row for path in paths for row in read_parquet(path).to_pylist()]
    chosen = [row for row in rows if rule is None or row["rule"] == rule]
    return [{**row, "record": json.loads(row["record"])} for row in chosen]


def read_cells(run: RunFolder, wanted: Mapping[str, str], table: str | None) -> list[Facts]:
    """The rows of aggregates.parquet whose labels include all that are wanted; `wanted` may name a zone level."""
    rows = read_parquet(run.aggregates).to_pylist()
    return [row for row in rows if table in (None, row["table"]) and set(wanted.items()) <= set(cell_labels(row))]


def read_these_cells(run: RunFolder, wanted: Sequence[tuple[str, str, str]]) -> list[Facts]:
    """The rows of aggregates.parquet of some cells, each a table, a zone (empty for the whole) and a cell, in order."""
    table = read_parquet(run.aggregates)
    near = pc.field("table").isin([name for name, _, _ in wanted]) & pc.field("cell").isin(
        [cell for *_, cell in wanted]
    )
    rows = {(row["table"], row["zone"] or "", row["cell"]): row for row in table.filter(near).to_pylist()}
    return [rows[one] for one in wanted]


def unmatched(run: RunFolder, wanted: Mapping[str, str], table: str | None) -> str:
    """Why no cell matches: the first of table, names and labels that is not there, with the nearest that is."""
    rows = read_parquet(run.aggregates).to_pylist()
    tables = {row["table"] for row in rows}
    if table is not None and table not in tables:
        return f"no target table {table!r}{nearest(table, sorted(tables))}"
    labels: dict[str, set[str]] = {}
    for row in rows:
        for name, label in cell_labels(row) if table in (None, row["table"]) else ():
            labels.setdefault(name, set()).add(label)
    for name, label in wanted.items():
        if name not in labels:
            return f"no target table has {name!r}{nearest(name, sorted(labels))}"
        if label not in labels[name]:
            return f"{name} has no label {label!r}{nearest(label, sorted(labels[name]))}"
    asked = ",".join(f"{name}={label}" for name, label in wanted.items())
    return f"no target cell matches {asked!r}, for no table holds all of it; aggregates.parquet lists the cells"


def cell_labels(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """`[("county", "50007"), ("age", "65+")]` of a row of aggregates.parquet."""
    zone = [(row["zone_level"], row["zone"])] if row["zone"] is not None else []
    parts = [part.partition("=") for part in NEXT_LABEL.split(row["cell"]) if "=" in part]
    return [*zone, *((name, label) for name, _, label in parts)]


def plan_rows_table(run: RunFolder) -> pa.Table:
    """All plan rows; of a run that was not published, those of its plans so far."""
    if run.plan.is_file():
        return read_parquet(run.plan)
    paths = run.staged_plans()
    if not paths:
        raise UserError(f"{run.root}: has no plan.parquet yet, expected a run that has drawn records")
    return pa.concat_tables([read_parquet(path) for path in paths])


def count_plan_rows(run: RunFolder) -> int:
    """How many plan rows there are to read, from the files' footers."""
    paths = [run.plan] if run.plan.is_file() else run.staged_plans()
    return sum(read_parquet_metadata(path).num_rows for path in paths)


def _plan_rows(run: RunFolder, condition: pc.Expression) -> pa.Table:
    return plan_rows_table(run).filter(condition)


def _find_record(run: RunFolder, entity: Entity, record_id: int) -> RecordPlace:
    column = f"{entity.name}_id"
    for path in dataset_files(run.records, entity.name):
        if path.name == f"b{record_id // ID_STRIDE:06d}.parquet" and _may_hold(path, column, record_id):
            row = read_parquet(path).filter(pc.field(column) == record_id)
            if row.num_rows:
                return RecordPlace(path, row)
    raise UserError(f"{run.root}: holds no {entity.name} record {record_id}; ids are in the column {column}")


def _may_hold(path: Location, column: str, value: int) -> bool:
    metadata = read_parquet_metadata(path)
    index = metadata.schema.names.index(column)
    groups = [metadata.row_group(i).column(index).statistics for i in range(metadata.num_row_groups)]
    return any(s is None or not s.has_min_max or s.min <= value <= s.max for s in groups)


def _members(run: RunFolder, scenario: Scenario, member: Entity, root_file: Location, root_id: int) -> list[Facts]:
    name = relative(root_file, run.records / scenario.root.name)
    table = read_parquet(run.records / member.name / name)
    rows = table.filter(pc.field(f"{scenario.root.name}_id") == root_id)
    return [_values(rows.slice(i, 1), member) for i in range(rows.num_rows)]


def _values(row: pa.Table, entity: Entity) -> Facts:
    names = {f"{entity.name}_id", *entity.column_names}
    return {name: value for name, value in _plain(row).items() if name in names}


def _partition(run: RunFolder, file: Location) -> str:
    parts = relative(file, run.records).split("/")[1:-1]
    return "/".join(parts)


def _plain(row: pa.Table) -> Facts:
    found: Facts = row.to_pylist()[0]
    return found


def _find_line(path: Location, key: str, value: str) -> Facts | None:
    if not path.is_file():
        return None
    lines = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    return next((line for line in lines if line.get(key) == value), None)


def plan_id_of(plan_row_id: int) -> int:
    """The plan that a plan row belongs to."""
    return int(np.floor_divide(plan_row_id, PLAN_STRIDE))
