"""The linear system of an allocation: what each plan row adds to each cell, and what the cells lack.

Cells come in blocks (a table in one of its units). A block that binds counts asks `A x = aim - committed`; a block
that binds shares asks `A_c x + committed_c = share_c * (everyone in the block)`, which is linear in x as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from schemas.model import MARGIN_OF_ERROR_Z, BoolArray, FloatArray, IntArray, Scenario, TargetTable
from synthesis.aims import Aims
from synthesis.cells import CellCoder, cell_ids, unit_of_zones
from synthesis.moment_entries import moment_entries
from synthesis.records import Records


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive cells of the system: `table` in its `unit` (table "" is a zone's number of root records).

    Cells of a moment (a mean, total or quantile) are sums of figures of either sign instead of counts.
    """

    table: str
    unit: int
    start: int
    stop: int
    binds_share: bool
    is_exact: bool
    is_root: bool
    importance: float = 1.0
    is_moment: bool = False
    ways: int = 0
    """Variables that span the table."""
    in_records: bool = False
    """Whether its tolerance is stated in records."""


@dataclass(frozen=True, slots=True)
class System:
    """`matrix`: plan rows x cells, how often a draw of the row falls in the cell; `aim`: records, or shares.

    `error` is the standard error of each aim, in its own unit; NaN where none was published.
    """

    matrix: sparse.csr_matrix
    blocks: tuple[Block, ...]
    aim: FloatArray
    committed: FloatArray
    error: FloatArray | None = None

    @property
    def exact(self) -> BoolArray:
        """Whether each cell belongs to an exact block."""
        return np.repeat([b.is_exact for b in self.blocks], [b.stop - b.start for b in self.blocks])

    @property
    def shares(self) -> BoolArray:
        """Whether each cell binds a share."""
        return np.repeat([b.binds_share for b in self.blocks], [b.stop - b.start for b in self.blocks])

    @property
    def of_root(self) -> BoolArray:
        """Whether each cell counts root records."""
        return np.repeat([b.is_root for b in self.blocks], [b.stop - b.start for b in self.blocks])

    @property
    def moments(self) -> BoolArray:
        """Whether each cell is of a mean, total or quantile."""
        return np.repeat([b.is_moment for b in self.blocks], [b.stop - b.start for b in self.blocks])

    @property
    def ways(self) -> IntArray:
        """How many variables span each cell's table; 0 for a zone's number of records."""
        return np.repeat([b.ways for b in self.blocks], [b.stop - b.start for b in self.blocks])

    @property
    def in_records(self) -> BoolArray:
        """Whether each cell's tolerance is stated in records."""
        return np.repeat([b.in_records for b in self.blocks], [b.stop - b.start for b in self.blocks])

    @property
    def importance(self) -> FloatArray:
        """How much each cell matters where not all can be met."""
        return np.repeat([b.importance for b in self.blocks], [b.stop - b.start for b in self.blocks])

    def error_records(self, achieved: FloatArray) -> FloatArray:
        """Standard error of each cell in records, given what is achieved; NaN where none was published."""
        error = np.full(len(self.aim), np.nan) if self.error is None else self.error.copy()
        for block in self.blocks:
            if block.binds_share:
                part = slice(block.start, block.stop)
                error[part] *= achieved[part].sum() + self.committed[part].sum()
        return error

    def wanted(self, achieved: FloatArray) -> FloatArray:
        """Records each cell still wants, given the records `achieved` that the plan adds to each cell."""
        wanted = self.aim - self.committed
        for block in self.blocks:
            if block.binds_share:
                part = slice(block.start, block.stop)
                everyone = achieved[part].sum() + self.committed[part].sum()
                wanted[part] = self.aim[part] * everyone - self.committed[part]
        return wanted


_Part = tuple[Block, FloatArray, FloatArray, FloatArray]
"""A block with its aims, what is committed, and the aims' standard errors."""


def build_system(
    coder: CellCoder,
    values: Records,
    zones: IntArray,
    aims: Aims,
    committed: Mapping[str, IntArray],
    zone_committed: IntArray,
    fraction: float,
) -> System:
    """The system of one closed unit: what plan rows with these `values` can add, up to `fraction` of the aims."""
    scenario = coder.scenario
    ids = cell_ids(coder, values)
    parts: list[_Part] = []
    columns, rows, start = [], [], 0
    for table in scenario.tables:
        units = np.unique(unit_of_zones(scenario, table)[zones])
        first = np.full(table.units, -1)
        is_root = table.entity == scenario.root.name
        is_exact = is_root and table.tolerance.kind == "records"
        for unit in units:
            first[unit] = start
            cells = slice(unit * table.unit_cells, (unit + 1) * table.unit_cells)
            binds_share = table.binds == "share"
            stop = start + table.unit_cells
            block = Block(table.name, int(unit), start, stop, binds_share, is_exact, is_root, table.importance)
            block = replace(block, ways=len(table.axes), in_records=table.tolerance.kind == "records")
            aim = aims.targets[table.name][cells] * (1.0 if binds_share else fraction)
            error = _errors(table, cells, aim)
            parts.append((block, aim, committed[table.name][cells].astype(float), error))
            start = block.stop
        inside = np.flatnonzero(ids[table.name] >= 0)
        flat = ids[table.name][inside]
        columns.append(first[flat // table.unit_cells] + flat % table.unit_cells)
        rows.append(values.parent[inside] if table.entity != scenario.root.name else inside)
    for zone in zones:
        block = Block("", int(zone), start, start + 1, False, True, True)
        # The size of a round is a whole number, whatever fraction the cells aim at.
        zone_aim = _zone_aim(aims, int(zone), fraction)
        parts.append((block, zone_aim, zone_committed[[zone]].astype(float), np.full(1, np.nan)))
        start += 1
    columns.append(start - len(zones) + _zone_position(scenario, values, zones))
    rows.append(np.arange(values.count))
    figures = [np.ones(len(found)) for found in rows]
    for moment, entries in zip(
        scenario.moments, moment_entries(coder, values, zones, aims, committed, fraction), strict=True
    ):
        size, importance = moment.cells.unit_cells, moment.cells.importance
        for unit in np.unique(unit_of_zones(scenario, moment.cells)[zones]).tolist():
            stop = start + size
            block = Block(moment.name, unit, start, stop, False, False, False, importance, is_moment=True)
            part = entries.between(unit * size, (unit + 1) * size)
            parts.append((block, part.aim, part.committed, part.error))
            columns.append(start + part.cell)
            rows.append(part.row)
            figures.append(part.figure)
            start = stop
    return _assemble(parts, rows, columns, figures, values.count, start)


def zone_round_sizes(aims: Aims, zone_committed: IntArray, fraction: float) -> IntArray:
    """Root records that each zone receives this round."""
    wanted = np.floor(aims.zone_sizes * fraction + 0.5).astype(np.int64)
    return np.maximum(wanted - zone_committed, 0)


def due_records(aims: Aims, fraction: float, pending: IntArray | None = None) -> int:
    """Root records that are due once `fraction` of the run is done, but for the zones `pending`."""
    due = np.floor(aims.zone_sizes * fraction + 0.5)
    return int(due.sum() - (0 if pending is None else due[pending].sum()))


def _zone_aim(aims: Aims, zone: int, fraction: float) -> FloatArray:
    return np.floor(aims.zone_sizes[[zone]] * fraction + 0.5)


def _zone_position(scenario: Scenario, values: Records, zones: IntArray) -> IntArray:
    if scenario.zones is None:
        return np.zeros(values.count, dtype=np.int64)
    return np.searchsorted(zones, values.root[scenario.zones.variable])


def _errors(table: TargetTable, cells: slice, aim: FloatArray) -> FloatArray:
    """Standard errors of a block's aims: its published margins of error, scaled as its cells were."""
    if table.moe is None:
        return np.full(len(aim), np.nan)
    published = float(table.target.ravel()[cells].sum())
    scale = float(aim.sum()) / published if published > 0 else 1.0
    return table.moe.ravel()[cells] / MARGIN_OF_ERROR_Z * scale


def _assemble(
    parts: Sequence[_Part],
    rows: Sequence[IntArray],
    columns: Sequence[IntArray],
    figures: Sequence[FloatArray],
    count: int,
    cells: int,
) -> System:
    where = np.concatenate(rows), np.concatenate(columns)
    matrix = sparse.coo_matrix((np.concatenate(figures), where), shape=(count, cells)).tocsr()
    aim, committed, error = (np.concatenate([part[side] for part in parts]) for side in (1, 2, 3))
    return System(matrix, tuple(part[0] for part in parts), aim, committed, error)
