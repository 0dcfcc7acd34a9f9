"""Asking for groups of dependent variables, and reading the answer."""

import json

from adapters.scenario_files import read_scenario
from benchmarks.simulated_llm.proposer import SimulatedProposer
from schemas.exchange import Answer, ProposalReply
from schemas.settings import RunSettings
from synthesis.group_requests import check_groups, dependencies_of, groups_request
from tests.conftest import ECOMMERCE, VERMONT

SETTINGS = RunSettings(proposer="anthropic", n_joints=2)


def checked(groups, settings=SETTINGS, folder=ECOMMERCE, **reply):
    text = json.dumps({"groups": groups})
    return check_groups(read_scenario(folder), settings, ProposalReply(**{"text": text, **reply}))


def test_valid_groups_are_kept_and_the_rest_is_counted():
    found = checked(
        [
            {"variables": ["age", "gender", "age"], "reason": "x\ny"},
            {"variables": ["gender", "age"], "reason": ""},
            {"variables": ["age", "shoe size"]},
            {"variables": ["age"]},
            "age and price",
            {"variables": ["price", "product_category"]},
            {"variables": ["payment", "location_tier"]},
        ]
    )
    assert [group["variables"] for group in found.value] == [["age", "gender"], ["price", "product_category"]]
    assert found.value[0]["reason"] == "x y"
    assert found.faults == {"duplicate": 1, "unknown_variable": 1, "wrong_type": 2, "too_many": 1}


def test_replies_without_groups_are_faults():
    assert checked([]).faults == {"wrong_shape": 1}
    assert checked([], text="none").faults == {"invalid_json": 1}
    assert checked([], text="").faults == {"empty": 1}
    assert checked([], stop_reason="refusal").faults == {"refusal": 1}
    assert checked([], text='{"groups": [', stop_reason="max_tokens").faults == {"cut": 1}


def test_groups_with_members_are_of_the_member():
    scenario = read_scenario(VERMONT)
    names = [scenario.member.variables[0].name, scenario.root.variables[-1].name]
    assert checked([{"variables": names}], folder=VERMONT).value[0]["entity"] == scenario.member.name
    zone = scenario.zones.variable
    assert checked([{"variables": [zone, names[0]]}], folder=VERMONT).value is None


def test_approximations_are_read_only_where_wanted_and_known():
    written = [{"cell": ["Male", "Developed"], "share": 2}, {"cell": ["Male", "Mars"], "share": 1}, {"cell": "x"}]
    groups = [{"variables": ["gender", "location_tier"], "table": written}]
    assert checked(groups).value[0]["cells"] == []
    made = SETTINGS.model_copy(update={"approximate_joints": True})
    assert [cell["share"] for cell in checked(groups, made).value[0]["cells"]] == [2.0]


def test_the_simulated_proposer_names_groups():
    scenario = read_scenario(ECOMMERCE)
    request = groups_request(scenario, SETTINGS)
    found = check_groups(scenario, SETTINGS, ProposalReply(text=SimulatedProposer().answer(request.prompt)))
    kept = dependencies_of(SETTINGS, Answer(request_id="r00-groups", value=found.value, is_answered=True))
    assert kept.groups[0].variables == ("age", "gender", "product_category")
    assert dependencies_of(SETTINGS, Answer(request_id="x", is_answered=False, reason="why")).reason == "why"
