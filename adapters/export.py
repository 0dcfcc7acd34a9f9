"""Published records as other tools' CSV files, streamed one parquet file at a time.

- `csv`: a file per entity, its columns as they are, with every zone level.
- `populationsim`: synthetic_households.csv and synthetic_persons.csv as PopulationSim writes them: households numbered
  from 1, persons with their household's number and their own place in it (`per_num`).
- `activitysim`: households.csv and persons.csv for ActivitySim's input tables, in the names its models use.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from adapters.manifest import verify_manifest
from adapters.object_path import relative
from adapters.partitions import dataset_files
from adapters.run_folder import RunFolder
from adapters.storage import make_folder, read_parquet, replacing
from schemas.errors import UserError
from schemas.model import Entity, IntArray, Scenario
from synthesis.expressions import nearest


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tool wants its files: their names, the names of ids, the columns it cannot do without."""

    root_file: str
    member_file: str
    root_id: str
    member_id: str
    member_number: str | None
    zone: str | None
    root_needs: tuple[str, ...] = ()
    member_needs: tuple[str, ...] = ()


LAYOUTS: Mapping[str, Layout] = {
    "csv": Layout("{root}.csv", "{member}.csv", "{root}_id", "{member}_id", None, None),
    "populationsim": Layout(
        "synthetic_households.csv", "synthetic_persons.csv", "household_id", "person_id", "per_num", None
    ),
    "activitysim": Layout(
        "households.csv",
        "persons.csv",
        "household_id",
        "person_id",
        "PNUM",
        "home_zone_id",
        ("home_zone_id", "income", "hhsize", "auto_ownership", "num_workers"),
        ("age", "sex", "pemploy", "pstudent", "ptype"),
    ),
}


class Exported(NamedTuple):
    """A file written, and its records."""

    path: Path
    records: int


def export(
    run: RunFolder, scenario: Scenario, layout_name: str, to: Path, renamed: Mapping[str, str]
) -> list[Exported]:
    """Write a published run's records into `to`. Columns may be given other names (old -> new)."""
    layout = LAYOUTS[layout_name]
    verify_manifest(run)
    check_renamed(scenario, renamed)
    plans = [_plan(scenario, entity, layout, renamed) for entity in scenario.entities]
    for entity, plan in zip(scenario.entities, plans, strict=True):
        _check_needs(layout_name, entity, plan)
    make_folder(to)
    with ExitStack() as stack:
        writers = [_Writer(stack, to / plan.file) for plan in plans]
        numbers = _Numbers()
        for path in dataset_files(run.records, scenario.root.name):
            name = relative(path, run.records / scenario.root.name)
            zone = _zone_of(scenario, name)
            roots = read_parquet(path)
            ids = numbers.of_roots(roots, f"{scenario.root.name}_id")
            writers[0].write(plans[0].table(scenario, roots, zone, ids))
            if scenario.member is not None:
                members = read_parquet(run.records / scenario.member.name / name)
                writers[1].write(_members(scenario, plans[1], members, roots, ids, numbers, zone))
    totals = (numbers.roots, numbers.members)
    return [Exported(to / plan.file, total) for plan, total in zip(plans, totals, strict=False)]


def check_renamed(scenario: Scenario, renamed: Mapping[str, str]) -> None:
    """Refuse to rename what is not there, or to give two columns one name."""
    zones = () if scenario.zones is None else scenario.zones.levels
    known = {name for entity in scenario.entities for name in entity.column_names} | set(zones)
    for old in renamed:
        if old not in known:
            raise UserError(f"--rename {old}={renamed[old]}: no variable {old!r}{nearest(old, sorted(known))}")
    for entity in scenario.entities:
        names = [renamed.get(name, name) for name in entity.column_names]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise UserError(f"--rename: {entity.name} would have two columns {twice[0]!r}")


@dataclass(frozen=True, slots=True)
class _Plan:
    """The columns of one entity's file: ids, zones, variables, by source name and by name in the file."""

    file: str
    id_name: str
    ids: tuple[str, ...]
    zones: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...]

    @property
    def names(self) -> list[str]:
        return [*self.ids, *(new for _, new in self.zones), *(new for _, new in self.variables)]

    def table(self, scenario: Scenario, records: pa.Table, zone: int | None, *ids: IntArray) -> pa.Table:
        """Records in the file's columns."""
        arrays: list[Any] = [pa.array(values) for values in ids]
        for level, _ in self.zones:
            arrays.append(_zone_column(scenario, records, level, zone))
        arrays += [_text(records[old]) for old, _ in self.variables]
        return pa.table(arrays, names=self.names)


def _plan(scenario: Scenario, entity: Entity, layout: Layout, renamed: Mapping[str, str]) -> _Plan:
    names = {"root": scenario.root.name, "member": scenario.member.name if scenario.member else ""}
    root_id = layout.root_id.format(**names)
    is_root = entity is scenario.root
    ids = [root_id] if is_root else [layout.member_id.format(**names), root_id]
    if not is_root and layout.member_number is not None:
        ids.append(layout.member_number)
    levels = scenario.zones.levels if scenario.zones is not None and is_root else ()
    finest = levels[0] if levels else ""
    zones = [(level, renamed.get(level, (layout.zone if level == finest else None) or level)) for level in levels]
    variables = [(name, renamed.get(name, name)) for name in entity.column_names if name not in levels]
    file = (layout.root_file if is_root else layout.member_file).format(**names)
    return _Plan(file, ids[0], tuple(ids), tuple(zones), tuple(variables))


def _check_needs(layout_name: str, entity: Entity, plan: _Plan) -> None:
    layout = LAYOUTS[layout_name]
    needs = layout.member_needs if entity.parent is not None else layout.root_needs
    missing = [name for name in needs if name not in plan.names]
    if missing:
        raise UserError(
            f"--format {layout_name}: {plan.file} needs {', '.join(missing)}; say which variables they are with "
            f"--rename VARIABLE={missing[0]}, or add derived variables of these names to the scenario"
        )


class _Numbers:
    """Dense numbers from 1, in the order of the files."""

    def __init__(self) -> None:
        self.roots = 0
        self.members = 0

    def of_roots(self, roots: pa.Table, column: str) -> IntArray:
        """The numbers of the next root records."""
        first = self.roots + 1
        self.roots += roots.num_rows
        return np.arange(first, self.roots + 1, dtype=np.int64)

    def of_members(self, count: int) -> IntArray:
        """The numbers of the next members."""
        first = self.members + 1
        self.members += count
        return np.arange(first, self.members + 1, dtype=np.int64)


def _members(
    scenario: Scenario,
    plan: _Plan,
    members: pa.Table,
    roots: pa.Table,
    ids: IntArray,
    numbers: _Numbers,
    zone: int | None,
) -> pa.Table:
    """Members with their root record's number and, where asked for, their place under it."""
    column = f"{scenario.root.name}_id"
    position = pc.index_in(members[column], value_set=roots[column].combine_chunks()).to_numpy()
    place = np.arange(len(position)) - np.searchsorted(position, position) + 1
    values: Sequence[IntArray] = (numbers.of_members(len(position)), ids[position], place)
    return plan.table(scenario, members, zone, *values[: len(plan.ids)])


class _Writer:
    """A CSV file that appears once it is whole."""

    def __init__(self, stack: ExitStack, path: Path) -> None:
        self._stack, self._path = stack, stack.enter_context(replacing(path))
        self._writer: csv.CSVWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Append rows."""
        if self._writer is None:
            options = csv.WriteOptions(quoting_style="needed")
            self._writer = self._stack.enter_context(csv.CSVWriter(self._path, table.schema, write_options=options))
        self._writer.write_table(table)


def _zone_of(scenario: Scenario, name: str) -> int | None:
    """The partition's unit, from the folder's name."""
    if scenario.zones is None:
        return None
    value = unquote(name.split("/")[0].partition("=")[2])
    return scenario.zones.names[scenario.zones.partition_by].index(value)


def _zone_column(scenario: Scenario, records: pa.Table, level: str, partition: int | None) -> Any:
    """A zone level's names for every record."""
    zones = scenario.zones
    assert zones is not None
    if level == zones.partition_by:
        assert partition is not None
        return pa.repeat(zones.names[level][partition], records.num_rows)
    own = _text(records[zones.variable]) if zones.variable in records.column_names else None
    if own is not None and level == zones.variable:
        return own
    if own is not None:
        finest = pc.index_in(own, value_set=pa.array(zones.names[zones.variable])).to_numpy()
        return pa.array(np.array(zones.names[level], dtype=object)[zones.lookup[level][finest]])
    assert partition is not None  # partitioned by the finest level: the folder is the zone
    return pa.repeat(zones.names[level][int(zones.lookup[level][partition])], records.num_rows)


def _text(column: Any) -> Any:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
