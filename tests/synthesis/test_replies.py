"""Replies: what is valid is kept, the rest is counted, nothing crashes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.scenario_files import read_scenario
from schemas.exchange import ProposalReply
from schemas.model import Entity, Scenario, Variable
from schemas.proposal import Category, Exact, Mix, Range
from synthesis.replies import check_reply
from tests.conftest import VERMONT

SIZE = Variable("size", "integer", low=1, high=3)
HOUSEHOLD = Entity("household", (Variable("tenure", "category", categories=("own", "rent")), SIZE))
PERSON = Entity(
    "person",
    (Variable("age", "integer", low=0, high=99), Variable("hours", "number", low=0, high=80)),
    parent="household",
    count="size",
)
FLAT = Scenario("flat", HOUSEHOLD, ())
NESTED = Scenario("nested", HOUSEHOLD, (), member=PERSON)
GOOD = {"values": {"tenure": "own", "size": 2}, "share": 0.5, "reason": "own lacks"}
ADULT = {"age": [18, 99], "hours": {"low": 0, "high": 80}}


def check(*proposals, scenario=FLAT, wanted=10, **reply):
    return check_reply(scenario, ProposalReply(text=json.dumps({"proposals": proposals}), **reply), wanted)


def changed(share=0.5, **values):
    return {**GOOD, "share": share, "values": {**GOOD["values"], **values}}


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("tenure", "own", Category(category="own")),
        ("tenure", {"category": "rent"}, Category(category="rent")),
        ("tenure", [{"category": "own", "weight": 3}], Category(category="own")),
        ("size", 2, Exact(value=2)),
        ("size", {"value": 2}, Exact(value=2)),
        ("size", [1, 3], Range(low=1, high=3)),
        ("size", {"low": 1.0, "high": 2}, Range(low=1, high=2)),
        ("size", {"low": 3, "high": 3}, Exact(value=3)),
    ],
)
def test_values_may_be_written_short_or_long(name, written, value):
    (proposal,) = check(changed(**{name: written})).proposals
    assert proposal.values[name] == value


def test_a_mix_adds_up_what_is_named_twice():
    parts = [{"category": "own", "weight": 1}, {"category": "rent", "weight": 2}, {"category": "own", "weight": 0.5}]
    for written in (parts, {"mix": parts}):
        (proposal,) = check(changed(tenure=written)).proposals
        assert isinstance(proposal.values["tenure"], Mix)
        assert [(p.category, p.weight) for p in proposal.values["tenure"].mix] == [("own", 1.5), ("rent", 2)]


@pytest.mark.parametrize(
    ("proposal", "fault", "told"),
    [
        (changed(tenure="Own"), "unknown_category", 'tenure is "Own", expected one of own, rent'),
        (changed(tenure=[{"category": "own", "weight": 0}]), "not_positive", 'weight of tenure "own" is 0'),
        (changed(tenure=3), "wrong_type", "tenure is 3, expected a category"),
        (changed(tenure=[]), "wrong_type", "tenure is [], expected a category"),
        (changed(size=4), "outside_bounds", "size is 4, expected within 1 to 3"),
        (changed(size=[0, 2]), "outside_bounds", "size is 0 to 2, expected within 1 to 3"),
        (changed(size=[3, 1]), "outside_bounds", "size is 3 to 1, expected within 1 to 3"),
        (changed(size=1.5), "wrong_type", "size is 1.5, expected a whole number"),
        (changed(size="2"), "wrong_type", 'size is "2", expected a number or a range [low, high]'),
        (changed(size=True), "wrong_type", "size is true, expected a number or a range [low, high]"),
        (changed(size=10**400), "wrong_type", None),
        (changed(pets=1), "unknown_variable", 'household has no variable "pets"'),
        (changed(share=0), "not_positive", '"share" is 0, expected more than 0'),
        (changed(share=-3), "not_positive", '"share" is -3, expected more than 0'),
        (changed(share="much"), "wrong_type", '"share" is "much", expected a number'),
        ({"values": {"tenure": "own"}, "share": 1}, "missing_variable", "no value for size"),
        ({"tenure": "own"}, "wrong_type", 'expected an object with "values", "share" and "reason"'),
        (["own", 2], "wrong_type", None),
        ({**GOOD, "members": [ADULT]}, "wrong_members", None),
    ],
)
def test_a_faulty_proposal_is_counted_and_the_others_kept(proposal, fault, told):
    checked = check(proposal, GOOD)
    assert (len(checked.proposals), checked.faults) == (1, {fault: 1})
    assert checked.proposals[0].source == "1"
    assert told is None or checked.errors == (f"proposal 1: {told}",)
    assert checked.valid_share == 0.5


def test_the_same_proposal_counts_once_and_more_than_asked_is_left_out():
    assert check(GOOD, {**GOOD, "share": 0.1, "reason": "again"}).faults == {"duplicate": 1}
    checked = check(*(changed(size=i) for i in (1, 2, 3)), wanted=2)
    assert (len(checked.proposals), checked.faults, checked.valid_share) == (2, {"too_many": 1}, 1.0)


def test_members_are_listed_and_say_the_count():
    listed = {"values": {"tenure": "own"}, "members": [ADULT, {"values": ADULT}], "share": 1}
    (proposal,) = check(listed, scenario=NESTED).proposals
    assert [member["age"] for member in proposal.members] == [Range(low=18, high=99)] * 2
    assert check({**listed, "members": [ADULT] * 4}, scenario=NESTED).errors == (
        "proposal 1: 4 members listed, expected 1 to 3 (size)",
    )
    assert check({**GOOD, "members": [ADULT]}, scenario=NESTED).faults == {"wrong_members": 1}
    assert check({**listed, "members": ["an adult"]}, scenario=NESTED).faults == {"wrong_members": 1}
    assert check({**listed, "members": [{"age": 3}]}, scenario=NESTED).faults == {"missing_variable": 1}


@pytest.mark.parametrize(
    ("text", "stop", "fault"),
    [
        ("", "end_turn", "empty"),
        (' {"proposals": []} ', "end_turn", "empty"),
        ("I cannot.", "end_turn", "invalid_json"),
        ('{"proposals": [', "end_turn", "invalid_json"),
        ('{"proposals": [{"share": NaN}]}', "end_turn", "invalid_json"),
        ('{"plan": 3}', "end_turn", "wrong_shape"),
        ("[" * 100_000, "end_turn", "invalid_json"),
        ('{"a":' * 100_000, "end_turn", "invalid_json"),
        ('{"proposals": [{"values"', "max_tokens", "cut"),
        (json.dumps({"proposals": [GOOD]}), "refusal", "refusal"),
    ],
)
def test_a_reply_without_proposals_says_why(text, stop, fault):
    checked = check_reply(FLAT, ProposalReply(text=text, stop_reason=stop), 5)
    assert (checked.proposals, checked.valid_share) == ((), 0.0)
    assert checked.faults[fault] == 1
    assert checked.errors


def test_a_fence_and_words_around_the_object_do_no_harm():
    text = f"Certainly!\n```json\n{json.dumps({'proposals': [GOOD]})}\n```\nTell me {{more}}."
    assert len(check_reply(FLAT, ProposalReply(text=text), 5).proposals) == 1


@given(st.integers(1, 400))
def test_a_cut_reply_gives_its_whole_proposals_and_no_others(length):
    written = [changed(size=i, tenure=tenure) for tenure in ("own", "rent") for i in (1, 2, 3)]
    text = json.dumps({"proposals": written})
    whole = check_reply(FLAT, ProposalReply(text=text), 10).proposals
    cut = check_reply(FLAT, ProposalReply(text=text[:length], stop_reason="max_tokens"), 10).proposals
    assert cut == whole[: len(cut)]
    assert len(cut) == sum(text.find("}", text.find("reason", i)) < length for i in _starts(text))


def _starts(text):
    found, start = [], text.find('{"values"')
    while start >= 0:
        found.append(start)
        start = text.find('{"values"', start + 1)
    return found


def test_reasons_are_bounded_and_can_be_written_to_a_file():
    (proposal,) = check({**GOOD, "reason": "a\ud800\n\u2028\x00" + "x" * 5000}).proposals
    assert len(proposal.reason) == 600
    assert proposal.reason.encode("utf-8").startswith(b"a?    x") or proposal.reason.isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["own", "rent"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["tenure", "size", "age", "values", "members", "share", "low", "high", "category", "mix"])
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=5), st.sampled_from([FLAT, NESTED]), st.sampled_from(["end_turn", "max_tokens"]))
def test_whatever_is_written_is_kept_or_counted(written, scenario, stop):
    text = json.dumps({"proposals": written})
    checked = check_reply(scenario, ProposalReply(text=text, stop_reason=stop), 3)
    if "NaN" not in text and "Infinity" not in text:
        counted = {name: count for name, count in checked.faults.items() if name not in ("cut", "empty")}
        assert len(checked.proposals) + sum(counted.values()) == len(written)
    for proposal in checked.proposals:
        proposal.model_dump_json()


@given(st.text(max_size=200), st.sampled_from(["end_turn", "max_tokens", "refusal", ""]))
def test_no_text_crashes(text, stop):
    checked = check_reply(FLAT, ProposalReply(text=text, stop_reason=stop), 3)
    assert checked.faults
    assert not checked.proposals


def test_the_zone_is_not_asked_for():
    scenario = read_scenario(VERMONT)
    values = {"household_size": 1, "vehicles": 1, "income": [0, 24999]}
    rest = {v.name for v in scenario.root.variables} - set(values) - {scenario.zones.variable}
    assert not rest
    person = {v.name: (v.categories[0] if v.kind == "category" else v.low) for v in scenario.member.variables}
    reply = {"proposals": [{"values": values, "members": [person], "share": 1}]}
    assert len(check_reply(scenario, ProposalReply(text=json.dumps(reply)), 5).proposals) == 1
