"""Variables made of columns: names, labels, assumed bounds, categories."""

import numpy as np
import pytest

from schemas.imports import Finding
from synthesis.control_atoms import class_labels
from synthesis.control_domains import assumed_end, assumed_start, build_domains
from synthesis.control_expressions import parse_control
from synthesis.control_groups import form_groups
from synthesis.control_variables import Assumptions, build_variables, safe_name
from synthesis.controls import Control, Published


def control(target, text, table="households"):
    return Control(target, "TAZ", table, target.upper(), 1.0, text, parse_control(text, table))


def variables(*controls, counts=None, total=None, **stated):
    """The variables of controls, by column, and what was found."""
    domains = {}
    for table in ("households", "persons"):
        found = build_domains([c.test for c in controls if c.table == table], {})
        domains |= {(table, name): domain for name, domain in found.items()}
    held = {c.target: counts[i] if counts is not None else [1.0] for i, c in enumerate(controls)}
    published = Published(
        {name: np.array(row, dtype=float) for name, row in held.items()},
        {} if total is None else {("TAZ", c.table): np.array(total, dtype=float) for c in controls},
    )
    groups, _ = form_groups(controls, domains, published)
    findings: list[Finding] = []
    assumptions = Assumptions(stated.get("ranges", {}), stated.get("definitions", {}))
    made = build_variables(groups, domains, assumptions, ["taz"], findings)
    return {column: variable for (_, column), variable in made.items()}, findings


@pytest.mark.parametrize(
    ("targets", "labels"),
    [
        (["p_male", "p_female"], ["male", "female"]),
        (["hh_no_veh", "hh_few_veh"], ["no veh", "few veh"]),
        (["students_by_family_housing_type", "students_by_nonfamily_housing_type"], ["family", "nonfamily"]),
        (["p_non_worker"], ["non worker"]),
        (["occ", "occ_1"], ["occ", "occ 1"]),
    ],
)
def test_labels_are_what_sibling_targets_do_not_share(targets, labels):
    assert class_labels([control(target, "households.X == 1") for target in targets]) == labels


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("HHINC", "hhinc"),
        ("2nd home", "v_2nd_home"),
        ("class", "class_"),
        ("count", "count_"),
        ("np", "np_"),
        ("", "value"),
    ],
)
def test_names_are_ones_that_scenarios_take(text, name):
    assert safe_name(text, ["np"]) == name


@pytest.mark.parametrize(
    ("column", "cut", "end"), [("NP", 4, 7), ("AGEP", 65, 99), ("KIDS", 3, 6), ("HINCP", 150001, 450000), ("NP", 9, 12)]
)
def test_open_classes_end_where_a_column_of_their_kind_does(column, cut, end):
    assert assumed_end(column, cut) == end


def test_open_classes_begin_at_nought_or_below_a_negative_cut():
    assert (assumed_start("HINCP", 25000), assumed_start("GAIN", -5)) == (0, -10)


def test_category_has_the_classes_and_no_other_if_they_add_up():
    made, _ = variables(
        control("p_male", "persons.SEX == 1", "persons"), control("p_female", "persons.SEX == 2", "persons"),
        counts=[[4, 5], [6, 5]], total=[10, 10],
    )  # fmt: skip
    assert made["SEX"].spec["categories"] == ["male", "female"]


def test_category_has_another_if_there_is_no_total():
    made, _ = variables(
        control("tag_a", "persons.TAG == 1", "persons"), control("tag_b", "persons.TAG == 2", "persons")
    )
    assert made["TAG"].spec["categories"] == ["a", "b", "other"]


def test_lowest_class_bounds_the_variable_where_classes_add_up():
    made, _ = variables(
        control("a", "(households.AGEHOH > 15) & (households.AGEHOH <= 24)"), control("b", "households.AGEHOH > 24"),
        counts=[[4], [6]], total=[10],
    )  # fmt: skip
    assert made["AGEHOH"].spec["range"] == [16, 99]


def test_column_whose_definition_needs_what_is_not_there_is_left_free_and_told():
    made, findings = variables(control("few", "households.NP_ADULTS > households.VEH"))
    assert not made["NP_ADULTS"].is_derived
    assert any("left free; state it with --define" in finding.text for finding in findings)


def test_stated_range_needs_no_assumption():
    made, findings = variables(control("size", "households.ROOMS >= 5"), ranges={("households", "ROOMS"): (1, 12)})
    assert made["ROOMS"].spec["range"] == [1, 12]
    assert all("ends at" not in finding.text for finding in findings)
