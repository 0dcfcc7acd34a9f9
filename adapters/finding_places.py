"""Where a finding stands: files of a scenario folder and the lines of the cells it is about."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from adapters.scenario_document import FILE_NAME, Document
from adapters.target_files import Rows, read_rows
from schemas.finding import CellPlace, Finding
from schemas.model import Scenario, TargetTable

SHOWN_RANGES = 4


class Places:
    """The lines of a scenario folder's tables; each file is read once."""

    def __init__(self, folder: Path, scenario: Scenario) -> None:
        self._folder, self._scenario = folder, scenario
        self._document = Document(folder)
        self._rows: dict[str, Rows] = {}

    def of(self, finding: Finding) -> list[str]:
        """`targets/race.csv:5-8`, one per table; a refusal of rules is in scenario.yaml."""
        found = [text for place in finding.places if (text := self._place(place))]
        if not finding.places:
            found = [self._in_document(name) for name in finding.tables]
        return found

    def _in_document(self, table: str) -> str:
        line = self._document.lines.get(("targets", table))
        return f"{FILE_NAME}:{line}" if line else FILE_NAME

    def _place(self, place: CellPlace) -> str:
        table = next(table for table in self._scenario.tables if table.name == place.table)
        rows = self._read(table)
        wanted = np.ones(len(rows.lines), dtype=bool)
        level, zones = table.zone_level, self._scenario.zones
        if level is not None and zones is not None and level in rows.columns:
            names = {zones.names[level][unit] for unit in place.units}
            wanted &= np.array([value in names for value in rows.columns[level]])
        if place.cells:
            bins = np.unravel_index(np.array(place.cells), tuple(len(axis) for axis in table.axes))
            cells = set(
                zip(*([axis.labels[i] for i in at] for axis, at in zip(table.axes, bins, strict=True)), strict=True)
            )
            given = zip(*(rows.columns[axis.variable] for axis in table.axes), strict=True)
            wanted &= np.array([row in cells for row in given])
        lines = [rows.lines[i] for i in np.flatnonzero(wanted).tolist()]
        return f"{table.path}:{spans(lines)}" if lines else table.path

    def _read(self, table: TargetTable) -> Rows:
        if table.path not in self._rows:
            self._rows[table.path] = read_rows(self._folder / table.path, str(self._folder / table.path))
        return self._rows[table.path]


def spans(lines: Iterable[int]) -> str:
    """`3-5,9`: line numbers as ranges, the first few."""
    ranges: list[list[int]] = []
    for line in sorted(lines):
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1][1] = line
        else:
            ranges.append([line, line])
    shown = [f"{first}" if first == last else f"{first}-{last}" for first, last in ranges[:SHOWN_RANGES]]
    return ",".join(shown) + (",…" if len(ranges) > SHOWN_RANGES else "")


def crosswalk_findings(scenario: Scenario) -> list[tuple[Finding, list[str]]]:
    """Rows of the crosswalk that are of no use, each with its place."""
    remarks = scenario.zones.remarks if scenario.zones is not None else ()
    return [
        (
            Finding("crosswalk", "reconciled", (), remark.what, "left_out", "such rows are not used"),
            [f"{Path(remark.path).name}:{spans(remark.lines)}"],
        )
        for remark in remarks
    ]
