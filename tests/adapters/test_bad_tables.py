"""What the author of broken target tables is told, as far as scenario.yaml describes them."""

import pytest

from adapters.scenario_files import read_scenario
from tests.adapters.examples import SHOP, refusal, with_change, write_folder

TABLES = {
    "table's entity unknown": (
        "  items_price:\n    entity: order",
        "  items_price:\n    entity: ordr",
        "scenario.yaml:22: targets.items_price.entity: unknown entity 'ordr' (did you mean 'order'?)",
    ),
    "table's variable unknown": (
        "[items, price]",
        "[items, prize]",
        "scenario.yaml:23: targets.items_price.variables.1: unknown variable 'prize' (did you mean 'price'?)",
    ),
    "table's variable repeated": (
        "[items, price]",
        "[items, items]",
        "scenario.yaml:23: targets.items_price.variables.1: variable 'items' appears twice",
    ),
    "table's source unknown": (
        "    file: paid.csv",
        "    file: paid.csv\n    source: census",
        "scenario.yaml:20: targets.paid.source: unknown source 'census' (the scenario lists none)",
    ),
    "zone without zones": (
        "    file: paid.csv",
        "    file: paid.csv\n    zone: county",
        "scenario.yaml:20: targets.paid.zone: the scenario has no zones",
    ),
    "shares bound as counts": (
        "    measure: share",
        "    measure: share\n    binds: count",
        "scenario.yaml:26: targets.items_price.binds: shares cannot bind as counts, expected binds: share",
    ),
    "measure unknown": (
        "measure: count",
        "measure: counts",
        "scenario.yaml:20: targets.paid.measure: "
        "expected 'count', 'share', 'mean', 'total' or 'quantile', got 'counts'",
    ),
    "tolerance negative": (
        "{share_tvd: 0.01}",
        "{share_tvd: -1}",
        "scenario.yaml:26: targets.items_price.tolerance.share_tvd: expected at least 0, got -1",
    ),
    "tolerance above 1": (
        "{share_tvd: 0.01}",
        "{share_tvd: 1.5}",
        "scenario.yaml:26: targets.items_price.tolerance.share_tvd: expected at most 1, got 1.5",
    ),
    "tolerance twice": (
        "{share_tvd: 0.01}",
        "{share_tvd: 0.01, records: 3}",
        "scenario.yaml:26: targets.items_price.tolerance: expected records or share_tvd or moe, one of them",
    ),
    "tolerance in margins of error without any": (
        "{share_tvd: 0.01}",
        "{moe: 1}",
        "scenario.yaml:26: targets.items_price.tolerance.moe: the table has no moe column",
    ),
    "tolerance of another measure": (
        "{share_tvd: 0.01}",
        "{relative: 0.01}",
        "scenario.yaml:26: targets.items_price.tolerance: expected records or share_tvd or moe, one of them",
    ),
    "importance of nothing": (
        "    file: paid.csv",
        "    file: paid.csv\n    importance: 0",
        "scenario.yaml:20: targets.paid.importance: expected more than 0, got 0",
    ),
    "no variables": (
        "    variables: [paid]",
        "    variables: []",
        "scenario.yaml:18: targets.paid.variables: expected at least 1 variable",
    ),
    "a count of a variable": (
        "    file: paid.csv",
        "    file: paid.csv\n    of: price",
        "scenario.yaml:20: targets.paid.of: expected measure: mean, total or quantile beside it",
    ),
    "tolerance without end": (
        "{share_tvd: 0.01}",
        "{records: .inf}",
        "scenario.yaml:26: targets.items_price.tolerance.records: expected at most 1000000000000000, got inf",
    ),
}

FILES = {
    "file does not exist": (
        "file: paid.csv",
        "file: pay.csv",
        "scenario.yaml:19: targets.paid.file: no such file: 'pay.csv' (did you mean 'paid.csv'?)",
    ),
    "file unlike any": (
        "file: paid.csv",
        "file: x/y.csv",
        "scenario.yaml:19: targets.paid.file: no such file: 'x/y.csv'",
    ),
    "file is a folder": (
        "file: paid.csv",
        "file: .",
        "scenario.yaml:19: targets.paid.file: '.' is a folder, expected a file",
    ),
    "file outside": (
        "file: paid.csv",
        "file: ../paid.csv",
        (
            "scenario.yaml:19: targets.paid.file: file '../paid.csv' lies outside the scenario folder, "
            "expected one inside it"
        ),
    ),
    "file outside by a detour": (
        "file: paid.csv",
        "file: a/../../paid.csv",
        (
            "scenario.yaml:19: targets.paid.file: file 'a/../../paid.csv' lies outside the scenario "
            "folder, expected one inside it"
        ),
    ),
    "file by an absolute path": (
        "file: paid.csv",
        "file: /etc/hostname",
        (
            "scenario.yaml:19: targets.paid.file: file '/etc/hostname' lies outside the scenario folder, "
            "expected one inside it"
        ),
    ),
    "file name with a tab": (
        "file: paid.csv",
        'file: "paid\\tcsv"',
        "scenario.yaml:19: targets.paid.file: no such file: 'paid\\tcsv' (did you mean 'paid.csv'?)",
    ),
    "file name too long": (
        "file: paid.csv",
        "file: " + "a" * 300,
        "scenario.yaml:19: targets.paid.file: '" + "a" * 300 + "' is not usable as a file name",
    ),
}


@pytest.mark.parametrize(("old", "new", "message"), TABLES.values(), ids=TABLES)
def test_broken_table_is_refused(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, "scenario.yaml", old, new))) == message


@pytest.mark.parametrize(("old", "new", "message"), FILES.values(), ids=FILES)
def test_file_that_cannot_be_used_is_refused(tmp_path, old, new, message):
    assert refusal(write_folder(tmp_path, with_change(SHOP, "scenario.yaml", old, new))) == message


def test_file_behind_a_link_out_of_the_folder_is_refused(tmp_path):
    outside = write_folder(tmp_path / "outside", {"paid.csv": SHOP["paid.csv"]}) / "paid.csv"
    folder = write_folder(tmp_path / "shop", SHOP)
    (folder / "paid.csv").unlink()
    (folder / "paid.csv").symlink_to(outside)
    told = "file 'paid.csv' lies outside the scenario folder, expected one inside it"
    assert refusal(folder) == f"scenario.yaml:19: targets.paid.file: {told}"


def test_file_behind_a_loop_of_links_is_refused(tmp_path):
    write_folder(tmp_path, SHOP)
    (tmp_path / "paid.csv").unlink()
    (tmp_path / "paid.csv").symlink_to(tmp_path / "paid.csv")
    told = ("'paid.csv' is not usable as a file name", "no such file: 'paid.csv'")  # from Python 3.13 on, the latter
    assert refusal(tmp_path).removeprefix("scenario.yaml:19: targets.paid.file: ") in told


def test_file_behind_a_link_to_nothing_is_refused(tmp_path):
    write_folder(tmp_path, SHOP)
    (tmp_path / "paid.csv").unlink()
    (tmp_path / "paid.csv").symlink_to(tmp_path / "nothing.csv")
    assert refusal(tmp_path) == "scenario.yaml:19: targets.paid.file: no such file: 'paid.csv'"


def test_file_behind_a_link_inside_the_folder_is_read(tmp_path):
    write_folder(tmp_path, SHOP)
    (tmp_path / "paid.csv").rename(tmp_path / "paid_2020.csv")
    (tmp_path / "paid.csv").symlink_to("paid_2020.csv")
    assert read_scenario(tmp_path).tables[0].target.sum() == 100
