"""What is asked in a round."""

import json

import pytest

from adapters.scenario_files import read_scenario
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts
from synthesis.aims import build_aims
from synthesis.guidance_text import read_guidance
from synthesis.requests import TOP_CELLS, round_requests
from tests.conftest import ECOMMERCE, VERMONT


@pytest.mark.parametrize("folder", [ECOMMERCE, VERMONT])
def test_a_request_states_variables_and_what_is_missing(folder):
    scenario = read_scenario(folder)
    aims = build_aims(scenario, None)
    (request,) = round_requests(scenario, aims, RunSettings(), no_counts(scenario), 1, 500)
    guidance = read_guidance(request.prompt)
    zone = scenario.zones.variable if scenario.zones else None
    names = [v.name for entity in scenario.entities for v in entity.variables if v.name != zone]
    assert [variable.name for variable in guidance.variables] == names
    assert (guidance.asked.records, guidance.asked.proposals) == (500, 20)
    assert 0 < len(guidance.cells) <= TOP_CELLS
    assert all(0 < cell.missing <= cell.target + 1e-5 for cell in guidance.cells)
    listed = request.reply_schema["properties"]["proposals"]["items"]["properties"]
    assert set(listed["values"]["properties"]) <= set(names)


def test_the_stable_part_is_the_same_in_every_round_and_the_digest_is_not():
    scenario = read_scenario(ECOMMERCE)
    aims, counts = build_aims(scenario, None), no_counts(scenario)
    (first,) = round_requests(scenario, aims, RunSettings(), counts, 1, 500)
    counts["gender"] = counts["gender"] + 3
    (second,) = round_requests(scenario, aims, RunSettings(), counts, 2, 500)
    assert [p for p in first.user if p.is_stable] == [p for p in second.user if p.is_stable]
    assert first.digest != second.digest
    assert first.digest == first.model_copy(update={"request_id": "r07-all", "round": 7}).digest
    json.dumps(first.reply_schema)
