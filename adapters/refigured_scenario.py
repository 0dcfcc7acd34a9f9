"""A scenario whose figures are counted anew in micro-data; its variables, rules and tables stay as they are."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from adapters.derived_scenario import cell_rows, with_folder, write_cells
from adapters.microdata import MicroSources
from adapters.reference import read_reference
from adapters.scenario_document import FILE_NAME, Document
from adapters.scenario_files import read_scenario
from schemas.errors import UserError
from schemas.model import FloatArray, Scenario, TargetTable
from synthesis.aggregates import count_records
from synthesis.binning import build_grids
from synthesis.cells import build_coder
from synthesis.evaluation import with_derived
from synthesis.records import Records

_SIZE = re.compile(r"^size:[ \t]*[\d_]+", re.MULTILINE)


def refigure(folder: Path, sources: MicroSources, out: Path) -> tuple[Scenario, tuple[str, ...]]:
    """The scenario as it stands in `out`, with figures of the micro-data, and what was noticed."""
    scenario = read_scenario(folder)
    records, notes = read_reference(sources, scenario)
    _check_complete(scenario, records)
    records = with_derived(scenario, records)
    counts = count_records(build_coder(scenario, build_grids(scenario)), records)
    document = Document(folder)
    found = [*notes, *(f"{t.name}: margins of error are left out" for t in scenario.tables if t.moe is not None)]
    found += _outside(scenario, records, counts)

    def write(target: Path) -> None:
        _write_document(document, target, records.count)
        for table in scenario.tables:
            _write_table(document, scenario, table, counts[table.name], target)

    with_folder(out, write)
    return read_scenario(out), tuple(found)


def _check_complete(scenario: Scenario, records: Records) -> None:
    for entity in scenario.entities:
        held = records.members if entity is scenario.member else records.root
        missing = [variable.name for variable in entity.variables if variable.name not in held]
        if missing:
            raise UserError(f"the micro-data lack {entity.name} variables of the scenario: {', '.join(missing)}")


def _outside(scenario: Scenario, records: Records, counts: "dict[str, np.ndarray]") -> list[str]:
    """Tables of everybody that leave records without a cell."""
    told = []
    for table in scenario.tables:
        everybody = records.count if table.entity == scenario.root.name else records.member_count
        missed = everybody - int(counts[table.name].sum())
        if missed and table.universe is None:
            told.append(f"{table.name}: {missed:,} {table.entity} records lie outside its cells")
    return told


def _write_document(document: Document, target: Path, size: int) -> None:
    text = (document.folder / FILE_NAME).read_text(encoding="utf-8")
    if document.spec.size is not None:
        text, replaced = _SIZE.subn(f"size: {size}", text)
        if replaced != 1:
            raise document.error("expected `size: N` on a line of its own, so that it can be set anew", "size")
    (target / FILE_NAME).write_text(text, encoding="utf-8")
    if document.spec.zones is not None:
        name = document.spec.zones.crosswalk
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(document.folder / name, target / name)


def _write_table(
    document: Document, scenario: Scenario, table: TargetTable, counts: "np.ndarray", target: Path
) -> None:
    spec = document.spec.targets[table.name]
    values: FloatArray | np.ndarray = counts.reshape(table.target.shape)
    zones: Sequence[str] = ()
    if spec.same_in_every_zone:
        values = values.sum(axis=0, keepdims=True)
    elif table.zone_level is not None and scenario.zones is not None:
        zones = scenario.zones.names[table.zone_level]
    if table.measure == "share":
        values = _shares(table, values, zones)
    header = [*([str(table.zone_level)] if zones else []), *(axis.variable for axis in table.axes), table.measure]
    rows = cell_rows(zones, table.axes, values)
    path = target / spec.file
    if path.suffix.lower() != ".parquet":
        write_cells(path, header, rows)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = [pa.array(column) for column in zip(*rows, strict=True)]
    pq.write_table(pa.table(columns, names=header), path)


def _shares(table: TargetTable, counts: np.ndarray, zones: Sequence[str]) -> FloatArray:
    sums = counts.reshape(len(counts), -1).sum(axis=1)
    if (sums == 0).any():
        where = f" in zone {zones[int(np.argmax(sums == 0))]!r}" if zones else ""
        raise UserError(f"table {table.name!r} asks for shares, but the micro-data hold no record{where}")
    return np.asarray(counts / sums.reshape(-1, *[1] * (counts.ndim - 1)), dtype=float)
