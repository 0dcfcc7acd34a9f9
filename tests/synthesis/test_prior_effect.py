"""What a prior changed against none."""

import json

import numpy as np
import pytest

from adapters.scenario_files import read_scenario
from schemas.settings import RunSettings
from synthesis.aims import build_aims
from synthesis.prior_effect import _alike, _far_apart, prior_effect
from synthesis.records import Records
from synthesis.units import closed_units
from tests.adapters.examples import write_folder
from tests.adapters.prior_examples import INFORMED
from tests.strategies import compiled

HOUSES = Records(
    3,
    {},
    {"age": np.array([30, 28, 2, 60, 20, 50]), "sex": np.array([0, 1, 1, 0, 0, 1])},
    np.array([0, 0, 0, 1, 1, 2]),
)


def test_the_two_highest_are_compared_among_records_of_two_or_more():
    assert _far_apart(HOUSES, np.array([1.0, 1.0, 5.0]), "age", 15) == 0.5
    assert _far_apart(HOUSES, np.array([3.0, 1.0, 5.0]), "age", 15) == 0.25
    assert _far_apart(HOUSES, np.array([0.0, 0.0, 5.0]), "age", 15) is None


def test_members_are_alike_pair_by_pair():
    assert _alike(HOUSES, np.array([1.0, 0.0, 1.0]), "sex") == pytest.approx(1 / 3)
    assert _alike(HOUSES, np.array([0.0, 1.0, 1.0]), "sex") == 1.0


def test_the_effect_is_told_as_json(tmp_path):
    scenario = read_scenario(write_folder(tmp_path, INFORMED))
    coder, aims, units = compiled(scenario), build_aims(scenario, None), closed_units(scenario)
    effect = prior_effect(coder, RunSettings(), aims, units)
    assert json.loads(json.dumps(effect, allow_nan=False)) == effect
    assert effect == prior_effect(coder, RunSettings(), aims, units)
    assert [one["name"] for one in effect["archetypes"]] == ["alone", "family"]
    assert effect["divergence_nats"] > 0
    assert {tuple(one["variables"]) for one in effect["pairs"]} >= {("age", "sex"), ("tenure", "rent")}
    sex = next(one for one in effect["members"] if one["variable"] == "sex")
    assert sex["with"] != sex["without"]
