"""Plan rows come back from their file as they went in, and read well there."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from adapters.plan_files import atom_labels, read_plan, write_plan
from adapters.scenario_files import read_scenario
from schemas.batch import PLAN_STRIDE
from synthesis.binning import build_grids
from synthesis.plan import CARRIED, Plan, carry
from synthesis.records import Records
from tests.adapters.examples import SHOP, write_folder


def any_atoms(grids, entity, count, rng):
    """Random atoms of an entity's variables, and the values that plan rows carry."""
    sizes = {variable.name: grids.of(entity.name, variable.name).size for variable in entity.variables}
    atoms = {name: rng.integers(0, size, count) for name, size in sizes.items()}
    return carry(grids, entity, atoms, rng)


def any_plan(scenario, rng, members_per_root=()):
    """A plan of random rows; without members, of five."""
    grids, count = build_grids(scenario), len(members_per_root) or 5
    root, members, parent = any_atoms(grids, scenario.root, count, rng), {}, np.zeros(0, dtype=np.int64)
    if scenario.member is not None:
        parent = np.repeat(np.arange(count), members_per_root)
        members = any_atoms(grids, scenario.member, len(parent), rng)
    plan = Plan(Records(count, root, members, parent), rng.random(count), rng.integers(0, 3, count))
    return grids, plan, rng.integers(0, 100, count)


def assert_same(columns, expected):
    assert set(columns) == set(expected)
    for name, column in columns.items():
        np.testing.assert_array_equal(column, expected[name], err_msg=name)


def assert_round_trip(path, scenario, grids, plan, counts):
    write_plan(path, scenario, grids, plan, counts, plan_id=3)
    found, found_counts = read_plan(path, scenario, grids)
    assert found.count == plan.count
    assert_same(found.atoms.root, plan.atoms.root)
    assert_same(found.atoms.members, plan.atoms.members)
    np.testing.assert_array_equal(found.atoms.parent, plan.atoms.parent)
    np.testing.assert_array_equal(found.prior, plan.prior)
    np.testing.assert_array_equal(found.proposal, plan.proposal)
    np.testing.assert_array_equal(found_counts, counts)


def test_flat_plan_round_trip(tmp_path):
    shop = read_scenario(write_folder(tmp_path, SHOP))
    assert_round_trip(tmp_path / "plan.parquet", shop, *any_plan(shop, np.random.default_rng(1)))


@pytest.mark.parametrize(
    "members_per_root",
    [[1, 2, 3], [0, 0, 1], [1, 0, 0], [4] * 50],
    ids=["all", "first without", "last without", "many"],
)
def test_plan_with_members_and_carried_values_round_trip(tmp_path, village, members_per_root):
    grids, plan, counts = any_plan(village, np.random.default_rng(2), members_per_root)
    assert f"rent{CARRIED}" in plan.atoms.root
    assert f"hours{CARRIED}" in plan.atoms.members
    assert_round_trip(tmp_path / "plan.parquet", village, grids, plan, counts)


def test_plan_of_no_members_at_all_round_trip(tmp_path, village):
    grids, plan, counts = any_plan(village, np.random.default_rng(3), [0, 0])
    assert_round_trip(tmp_path / "plan.parquet", village, grids, plan, counts)


def test_carried_values_keep_every_bit(tmp_path, village):
    grids, plan, counts = any_plan(village, np.random.default_rng(4), [1])
    plan.atoms.root[f"rent{CARRIED}"][:] = np.nextafter(0.1, 1)
    assert_round_trip(tmp_path / "plan.parquet", village, grids, plan, counts)


def test_file_is_readable_for_people(tmp_path, village):
    grids, plan, _ = any_plan(village, np.random.default_rng(5), [2])
    plan.atoms.root.update({"county": np.array([1]), "size": np.array([1]), "tenure": np.array([0])})
    plan.atoms.members["age"] = np.array([0, 1])
    write_plan(tmp_path / "plan.parquet", village, grids, plan, np.array([40]), plan_id=3)
    (row,) = pq.read_table(tmp_path / "plan.parquet").to_pylist()
    assert row["plan_row_id"] == 3 * PLAN_STRIDE
    assert row["records"] == 40
    assert row["proposal_id"] == f"p000003-{plan.proposal[0]}"
    assert (row["county"], row["size"], row["tenure"]) == ("02", "2", "owned")
    assert row["person.age"] == ["0-17", "18-99"]


def test_ids_of_two_plans_differ(tmp_path, village):
    grids, plan, counts = any_plan(village, np.random.default_rng(6), [1, 1])
    ids = set()
    for plan_id in (0, 1):
        write_plan(tmp_path / "plan.parquet", village, grids, plan, counts, plan_id)
        ids.update(pq.read_table(tmp_path / "plan.parquet")["plan_row_id"].to_pylist())
    assert ids == {0, 1, PLAN_STRIDE, PLAN_STRIDE + 1}


@pytest.mark.parametrize(
    ("variable", "labels"),
    [
        ("paid", ["by card", "in cash"]),
        ("items", ["1-4", "5-9"]),
        ("price", ["[0.0, 100.0)", "[100.0, 400.0)", "[400.0, 500.0)"]),
    ],
)
def test_atoms_are_labelled_like_the_tables_bins_cut_at_the_rules_bounds(tmp_path, variable, labels):
    grids = build_grids(read_scenario(write_folder(tmp_path, SHOP)))
    assert atom_labels(grids.of("order", variable)) == labels
