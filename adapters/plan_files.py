"""Plan rows as parquet: lineage for people, and the way strata of a unit share one allocation."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.object_path import Location
from adapters.run_folder import write_table
from adapters.storage import read_parquet
from schemas.batch import PLAN_STRIDE
from schemas.model import Entity, IntArray, Scenario
from synthesis.binning import Grid, Grids
from synthesis.plan import CARRIED, HIGH, LOW, Plan
from synthesis.records import Array, Records


def atom_labels(grid: Grid) -> list[str]:
    """A name for each atom: the category, `7`, or `[18, 35)`."""
    if grid.edges is None:
        return list(grid.variable.categories)
    pairs = zip(grid.edges[:-1].tolist(), grid.edges[1:].tolist(), strict=True)
    if grid.variable.kind == "integer":
        return [f"{low:.0f}" if high - low == 1 else f"{low:.0f}-{high - 1:.0f}" for low, high in pairs]
    return [f"[{low!r}, {high!r})" for low, high in pairs]


def write_plan(path: Location, scenario: Scenario, grids: Grids, plan: Plan, counts: IntArray, plan_id: int) -> None:
    """One row per plan row: id, records drawn from it, prior weight, proposal, atoms; members as lists."""
    arrays: dict[str, pa.Array] = {
        "plan_row_id": pa.array(np.arange(plan.count) + plan_id * PLAN_STRIDE),
        "records": pa.array(counts),
        "prior_weight": pa.array(plan.prior),
        "proposal_id": pa.array(np.char.add(f"p{plan_id:06d}-", plan.proposal.astype(str))),
    }
    arrays.update(_named(grids, scenario.root, plan.atoms.root))
    if scenario.member is not None:
        offsets = np.concatenate(([0], np.cumsum(plan.atoms.members_per_root()))).astype(np.int32)
        for name, array in _named(grids, scenario.member, plan.atoms.members).items():
            arrays[f"{scenario.member.name}.{name}"] = pa.ListArray.from_arrays(pa.array(offsets), array)
    write_table(path, pa.table(arrays))


def read_plan(path: Location, scenario: Scenario, grids: Grids) -> tuple[Plan, IntArray]:
    """The plan rows and their counts as `write_plan` wrote them."""
    return decode_plan(read_parquet(path), scenario, grids)


def decode_plan(table: pa.Table, scenario: Scenario, grids: Grids) -> tuple[Plan, IntArray]:
    """The plan rows and their counts, from a table as `write_plan` writes it."""
    root = _coded(grids, scenario.root, {name: table[name].combine_chunks() for name in table.column_names})
    members: dict[str, Array] = {}
    parent = np.zeros(0, dtype=np.int64)
    if scenario.member is not None:
        prefix = f"{scenario.member.name}."
        lists = {n.removeprefix(prefix): table[n].combine_chunks() for n in table.column_names if n.startswith(prefix)}
        members = _coded(grids, scenario.member, {name: column.flatten() for name, column in lists.items()})
        lengths = pc.list_value_length(next(iter(lists.values()))).to_numpy()
        parent = np.repeat(np.arange(table.num_rows), lengths)
    proposal = np.array([int(text.rpartition("-")[2]) for text in table["proposal_id"].to_pylist()], dtype=np.int64)
    atoms = Records(table.num_rows, root, members, parent)
    return Plan(atoms, table["prior_weight"].to_numpy(), proposal), table["records"].to_numpy()


def _named(grids: Grids, entity: Entity, atoms: Mapping[str, Array]) -> dict[str, pa.Array]:
    named = {}
    for variable in entity.variables:
        labels = pa.array(atom_labels(grids.of(entity.name, variable.name)), pa.string())
        named[variable.name] = labels.take(pa.array(atoms[variable.name]))
        for suffix in (CARRIED, LOW, HIGH):
            if variable.name + suffix in atoms:
                named[variable.name + suffix] = pa.array(atoms[variable.name + suffix])
    return named


def _coded(grids: Grids, entity: Entity, columns: Mapping[str, pa.Array]) -> dict[str, Array]:
    coded: dict[str, Array] = {}
    for variable in entity.variables:
        labels = pa.array(atom_labels(grids.of(entity.name, variable.name)), pa.string())
        coded[variable.name] = pc.index_in(columns[variable.name], value_set=labels).to_numpy().astype(np.int64)
        for suffix in (CARRIED, LOW, HIGH):
            if variable.name + suffix in columns:
                coded[variable.name + suffix] = columns[variable.name + suffix].to_numpy(zero_copy_only=False)
    return coded
