"""The simulated proposer: a test instrument that errs as it is told to, and only so."""

import json

import numpy as np
import pytest

from benchmarks.simulated_llm.proposer import SimulatedProposer
from schemas.exchange import ProposalReply
from synthesis.guidance_text import read_guidance
from synthesis.replies import check_reply
from tests.adapters.llm.asking import SCENARIO, make_request

PROMPT = make_request(proposals=60).prompt


def written(**settings):
    return json.loads(SimulatedProposer(**settings).answer(PROMPT))["proposals"]


def checked(**settings):
    return check_reply(SCENARIO, ProposalReply(text=SimulatedProposer(**settings).answer(PROMPT)), 60)


def test_the_same_prompt_gets_the_same_answer_and_another_seed_another():
    assert written() == written()
    assert written() != written(random_seed=1)


def test_without_faults_every_proposal_is_valid_and_follows_the_guidance():
    assert set(checked().faults) <= {"duplicate"}
    cells = read_guidance(PROMPT).cells
    for proposal in written():
        named = [cell for cell in cells if all(proposal["values"].get(n) == v for n, v in cell.where.items())]
        assert len(named) == 4


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_the_invalid_share_is_what_was_asked_for(share):
    faults = checked(invalid_share=share).faults
    invalid = sum(count for name, count in faults.items() if name != "duplicate")
    assert invalid / 60 == pytest.approx(share, abs=0.17)
    assert len(faults) >= 3


def test_count_noise_moves_shares_by_as_much():
    exact, noisy = ([p["share"] for p in written(count_noise=noise)] for noise in (0.0, 0.5))
    ratios = np.array(noisy) / np.array(exact)
    assert 0.5 <= ratios.min() < 0.7 < 1.3 < ratios.max() <= 1.5


def test_bias_replaces_what_was_asked_for_by_its_own_prior():
    def favourites(bias):
        return sum(p["values"]["product_category"] == "Apparel" for p in written(bias=bias, prior_strength=1.0))

    assert favourites(0.0) != favourites(0.5)


def test_a_prompt_without_guidance_gets_no_proposals():
    assert json.loads(SimulatedProposer().answer("hello")) == {"proposals": []}
