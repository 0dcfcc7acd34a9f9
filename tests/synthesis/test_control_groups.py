"""Controls of one table: partitions, typos, overlaps, counts that cannot be."""

import numpy as np
import pytest

from synthesis.control_domains import build_domains
from synthesis.control_expressions import parse_control
from synthesis.control_groups import form_groups
from synthesis.controls import Control, Published


def form(expressions, counts, total=None, table="households"):
    """Groups and findings of controls c0, c1, … whose counts are given by zone."""
    controls = [
        Control(f"c{i}", "TAZ", table, f"F{i}", 1.0, text, parse_control(text, table), f"controls.csv:{i + 2}")
        for i, text in enumerate(expressions)
    ]
    domains = {(table, name): d for name, d in build_domains([c.test for c in controls], {}).items()}
    totals = {} if total is None else {("TAZ", table): np.array(total, dtype=float)}
    published = {c.target: np.array(row, dtype=float) for c, row in zip(controls, counts, strict=True)}
    return form_groups(controls, domains, Published(published, totals))


def kinds(findings):
    return [(finding.kind, finding.subject) for finding in findings]


INCOME = ["INC <= 25000", "(INC > 25000) & (INC <= 50000)", "(INC > 50000) & (INC <= 75000)", "INC > 75000"]
COUNTS = [[1, 2], [3, 4], [5, 6], [7, 8]]


def test_classes_that_add_up_are_a_complete_table():
    (group,), findings = form(INCOME, COUNTS, [16, 20])
    assert (group.state, findings) == ("complete", [])
    assert group.truth.sum(axis=0).tolist() == [1] * len(group.points)


@pytest.mark.parametrize(
    ("place", "wrong", "read"),
    [
        (2, "(INC > 5000) & (INC <= 75000)", "read as 50,001 to 75,000"),
        (1, "(INC > 25000) & (INC <= 5000000)", "read as 25,001 to 50,000"),
        (3, "INC > 7500", "read as 75,001 or more"),
    ],
)
def test_typo_is_repaired_by_the_siblings(place, wrong, read):
    written = [wrong if i == place else text for i, text in enumerate(INCOME)]
    (group,), (finding,) = form(written, COUNTS, [16, 20])
    assert (finding.kind, finding.subject, finding.where) == ("repaired", f"c{place}", f"controls.csv:{place + 2}")
    assert finding.text.endswith(read)
    (right,), _ = form(INCOME, COUNTS, [16, 20])
    edge = np.array([next(iter(point.values())).low for point in group.points])
    for row, wanted in zip(group.truth, right.truth, strict=True):
        lows = [next(iter(point.values())).low for point in right.points]
        assert edge[row].min() == np.array(lows)[wanted].min()


def test_class_that_nothing_satisfies_takes_the_gap_of_its_siblings():
    written = [INCOME[0], "(INC > 25000) & (INC <= 5000)", *INCOME[2:]]
    (group,), (finding,) = form(written, COUNTS, [16, 20])
    assert finding.kind == "repaired"
    assert finding.text.endswith("read as 25,001 to 50,000, which its siblings leave")
    assert len(group.controls) == 4


def test_classes_either_of_which_may_be_wrong_become_one():
    written = [*INCOME[:2], "(INC > 50000) & (INC <= 750000)", INCOME[3]]
    (group,), findings = form(written, COUNTS, [16, 20])
    assert [control.target for control in group.controls] == ["c0", "c1", "c2 + c3"]
    assert kinds(findings) == [("repaired", "c2, c3")]
    assert (group.state, group.truth.sum(axis=0).max()) == ("complete", 1)


def test_overlapping_expressions_over_two_columns_are_read_as_exclusive():
    (group,), findings = form(["VEH == 0", "ADULTS <= VEH", "ADULTS > VEH"], [[1, 1], [5, 6], [4, 3]], [10, 10])
    assert [kind for kind, _ in kinds(findings)] == ["noted", "repaired"]
    assert group.controls[0].target == "c0"
    assert group.truth.sum(axis=0).max() == 1


def test_nested_classes_stay_separate_tables_and_impossible_ones_are_told():
    groups, findings = form(["AGE >= 18", "AGE >= 65"], [[5, 6], [2, 7]], [10, 10])
    assert [[control.target for control in group.controls] for group in groups] == [["c0"], ["c1"]]
    assert {group.state for group in groups} == {"rest"}
    assert ("doubtful", "c1") in kinds(findings)


def test_classes_of_some_leave_a_rest():
    (group,), findings = form(["HOURS >= 35", "HOURS < 35"], [[5, 6], [2, 2]], [20, 20], "persons")
    assert (group.state, findings) == ("rest", [])


def test_part_that_exceeds_the_whole_is_left_out():
    groups, findings = form(["MODE == 1", "MODE == 2"], [[9, 12], [2, 2]], [10, 10], "persons")
    assert groups == []
    assert kinds(findings) == [("left out", "c0, c1")]
    assert "more than there are in 2 of 2 TAZ units" in findings[0].text


def test_classes_of_everybody_that_nearly_add_up_are_told_with_their_size():
    (group,), (finding,) = form(["RACE == 1", "RACE != 1"], [[9, 9], [2, 1]], [10, 10], "persons")
    assert (group.state, finding.kind) == ("complete", "doubtful")
    assert "21 against 20 persons" in finding.text


def test_even_counts_are_told():
    rng = np.random.default_rng(1)
    counts = [2 * rng.integers(1, 9, 30), rng.integers(1, 9, 30)]
    _, findings = form(["MODE == 1", "MODE == 2"], counts, [100] * 30, "persons")
    assert kinds(findings) == [("doubtful", "c0")]


def test_without_a_total_classes_of_some_are_part():
    (group,), _ = form(["TAG == 1", "TAG == 2"], [[9, 9], [2, 1]], None, "persons")
    assert group.state == "part"
