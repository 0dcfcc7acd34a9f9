"""Rejected records are read back with the rule each broke; cells by their labels."""

import pyarrow as pa

from adapters.lineage import cell_labels, read_rejected
from adapters.run_folder import write_table


def test_rejected_records_are_read_by_rule(run):
    for number, rules in ((1, ["adult", "listed"]), (2, ["adult"])):
        rows = [{"entity": "household", "rule": rule, "stage": "draw", "record": '{"size": 2}'} for rule in rules]
        write_table(run.quarantine / f"b{number:06d}.parquet", pa.Table.from_pylist(rows))
    assert [one["rule"] for one in read_rejected(run)] == ["adult", "listed", "adult"]
    assert [one["record"] for one in read_rejected(run, "listed")] == [{"size": 2}]
    assert read_rejected(run, "other") == []


def test_labels_of_a_cell_include_its_zone():
    row = {"zone_level": "county", "zone": "50007", "cell": "age=65+, income=[0, 10)"}
    assert cell_labels(row) == [("county", "50007"), ("age", "65+"), ("income", "[0, 10)")]
