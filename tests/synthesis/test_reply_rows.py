"""From a model's proposals to plan rows: what they say is what is drawn."""

from dataclasses import replace

import numpy as np
import pytest

from adapters.scenario_files import read_scenario
from benchmarks.simulated_llm.proposer import SimulatedProposer
from schemas.errors import UserError
from schemas.exchange import Answer, ProposalReply
from schemas.proposal import Category, Exact, Mix, Proposal, Range, WeightedCategory
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES, count_records, merge_counts, no_counts
from synthesis.aims import build_aims
from synthesis.batching import round_fractions
from synthesis.binning import build_grids
from synthesis.cells import build_coder
from synthesis.discrepancy import discrepancies, fit_of
from synthesis.plan import plan_values
from synthesis.proposer import describe_proposals
from synthesis.replies import check_reply
from synthesis.reply_rows import describe_replies, first_reply, offered_proposals
from synthesis.requests import round_requests
from synthesis.sampling import draw
from synthesis.unit_plan import plan_unit
from synthesis.units import closed_units
from tests.conftest import ECOMMERCE, VERMONT

ALONE = {"chain_share": 0.0, "fallback": "none", "proposer": "anthropic"}


def purchase(share=1.0, **values):
    usual = {
        "age": Range(low=20.0, high=30.0),
        "gender": Category(category="Male"),
        "location_tier": Category(category="Developed"),
        "product_category": Category(category="Electronics"),
        "price": Exact(value=99.5),
        "payment": Category(category="Online Payment"),
    }
    return Proposal(values={**usual, **values}, share=share, reason="why", source="r01-g000.t1.a01/0")


def planned(folder, proposals, zones=(), **settings):
    scenario = replace(read_scenario(folder), prior=None)
    coder, aims = build_coder(scenario, build_grids(scenario)), build_aims(scenario, settings.pop("size", 500))
    answer = Answer(request_id="r01-g000", round=1, zones=zones, proposals=tuple(proposals), is_answered=True)
    offered = offered_proposals([answer])
    made = RunSettings(**{**ALONE, "plan_rows": 3000, "least_plan_rows": 3000, **settings})
    units, nothing = closed_units(scenario)[:2], no_counts(scenario)
    plans = [plan_unit(coder, made, aims, unit, 1, 1.0, nothing, offered=offered) for unit in units]
    return scenario, coder, plans, offered


def records_of(scenario, coder, made):
    rows = np.repeat(np.arange(made.plan.count), made.counts)
    return draw(scenario, coder.grids, made.plan, rows, np.random.default_rng(0), 50).records


def test_ranges_values_and_mixes_are_drawn_as_proposed():
    mixed = Mix(mix=(WeightedCategory(category="Male", weight=3.0), WeightedCategory(category="Female", weight=1.0)))
    scenario, coder, (made,), offered = planned(ECOMMERCE, [purchase(gender=mixed)], allocation="proposed")
    drawn = records_of(scenario, coder, made)
    ages = drawn.root["age"]
    assert made.counts.sum() == drawn.count == 500
    assert ages.min() >= 20
    assert ages.max() < 30
    assert np.quantile(ages, [0.25, 0.5, 0.75]) == pytest.approx([22.5, 25, 27.5], abs=1.0)
    assert set(drawn.root["price"]) == {99.5}
    assert np.mean(drawn.root["gender"] == 0) == pytest.approx(0.75, abs=0.07)
    described = describe_proposals(
        coder, closed_units(scenario), made.plan, made.counts, 1, describe_replies(scenario, "replay:x", offered)
    )
    assert [(d["proposer"], d["exchange_id"], d["position"], d["reason"]) for d in described] == [
        ("replay", "r01-g000.t1.a01", 0, "why")
    ]


def test_as_proposed_counts_are_the_shares():
    women = purchase(share=3.0, gender=Category(category="Female"))
    scenario, _, (made,), _ = planned(ECOMMERCE, [purchase(), women], allocation="proposed", size=400)
    of_proposal = np.bincount(made.plan.proposal - first_reply(scenario), weights=made.counts)
    assert np.abs(of_proposal - [100, 300]).max() <= 1


def test_members_are_those_listed_and_zones_those_asked_for():
    scenario = read_scenario(VERMONT)
    names = scenario.zones.names[scenario.zones.variable]
    member = scenario.member
    person = {
        v.name: Category(category=v.categories[0]) if v.kind == "category" else Range(low=30.0, high=33.0)
        for v in member.variables
    }
    root = {
        v.name: Category(category=v.categories[0]) if v.kind == "category" else Exact(value=v.low)
        for v in scenario.root.variables
        if v.name not in (scenario.zones.variable, member.count)
    }
    proposal = Proposal(values=root, members=(person, person), share=1.0)
    scenario, coder, plans, _ = planned(VERMONT, [proposal], names[:1], chain_share=0.5, fallback="chain", size=3000)
    assert [(made.plan.proposal >= first_reply(scenario)).any() for made in plans] == [True, False]
    plan = plans[0].plan
    rows = plan.take(np.flatnonzero(plan.proposal >= first_reply(scenario)))
    values = plan_values(scenario, coder.grids, rows)
    assert set(values.root[scenario.zones.variable].tolist()) == {0}
    assert (rows.atoms.members_per_root() == 2).all()
    assert (rows.atoms.members["age>="] >= 30).all()
    assert (rows.atoms.members["age<"] <= 34).all()


def test_without_proposals_the_chain_covers_or_nothing_does():
    scenario, _, (made,), _ = planned(ECOMMERCE, [], fallback="chain")
    assert made.counts.sum() == 500
    assert (made.plan.proposal < first_reply(scenario)).all()
    with pytest.raises(UserError, match="fallback=none"):
        planned(ECOMMERCE, [], fallback="none")


def run_alone(proposer, **settings):
    """Rounds of a run in which every record comes from a reply: calls, and mean TVD after the last."""
    scenario = read_scenario(ECOMMERCE)
    coder, aims = build_coder(scenario, build_grids(scenario)), build_aims(scenario, None)
    made, counts, answers = RunSettings(**{**ALONE, **settings}), no_counts(scenario), []
    for index, fraction in enumerate(round_fractions(made, 2000), start=1):
        for request in round_requests(scenario, aims, made, counts, index, 100):
            reply = ProposalReply(text=proposer.answer(request.prompt))
            checked = check_reply(scenario, reply, request.proposals)
            found = {"proposals": checked.proposals, "is_answered": True}
            answers.append(Answer(request_id=request.request_id, round=index, **found))
        (unit,) = closed_units(scenario)
        plan = plan_unit(coder, made, aims, unit, index, fraction, counts, offered=offered_proposals(answers))
        assert (plan.plan.proposal >= first_reply(scenario)).all()
        counts = merge_counts(counts, count_records(coder, records_of(scenario, coder, plan)))
    assert counts[ZONE_SIZES].sum() == 2000
    return len(answers), fit_of(scenario, discrepancies(scenario, aims, counts)).mean_tvd


def test_a_noisy_proposer_alone_reaches_the_targets_in_twelve_calls():
    calls, tvd = run_alone(SimulatedProposer(count_noise=0.5, bias=0.15), max_rounds=12)
    assert calls == 12
    assert tvd <= 0.001


def test_plans_of_a_run_that_asks_have_ranges_whatever_covers_them():
    _, _, (covered,), _ = planned(ECOMMERCE, [], fallback="chain")
    _, _, (mixed,), _ = planned(ECOMMERCE, [purchase()], chain_share=0.5, fallback="chain")
    assert set(covered.plan.atoms.root) == set(mixed.plan.atoms.root)
    assert covered.plan.atoms.root.keys() >= {"age>=", "age<", "price>=", "price<"}
