"""Free texts: what replies may write, and which record has which."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from adapters.scenario_files import read_scenario
from schemas.exchange import Answer
from schemas.model import TextVariable
from schemas.proposal import Category, Exact, Proposal, Range, Text
from schemas.settings import RunSettings
from synthesis.aggregates import no_counts
from synthesis.aims import build_aims
from synthesis.binning import build_grids
from synthesis.cells import build_coder
from synthesis.plan import Plan
from synthesis.records import Records
from synthesis.reply_rows import first_reply, offered_proposals
from synthesis.reply_values import FaultError, read_value
from synthesis.requests import round_requests
from synthesis.texts import texts_of
from tests.conftest import ROOT

REMARK = TextVariable("remark", 40, "what they say")
TRIP = TextVariable("trip", 20, "", ("to the market", "to school"))


@given(st.text(max_size=60) | st.lists(st.text(max_size=60), max_size=4))
@example("=HYPERLINK(1)")
@example("\u202egpj.exe\n\t<script>")
@example(["../../etc/passwd", "a\x00b"])
def test_a_text_is_one_short_line_that_no_spreadsheet_computes(written):
    try:
        texts = read_value(REMARK, written).texts
    except FaultError:
        return
    for text in texts:
        assert 0 < len(text) <= 40
        assert text.isprintable()
        assert text[0] not in "=+-@ "
        line = io.StringIO()
        csv.writer(line).writerow([text])
        assert next(csv.reader(io.StringIO(line.getvalue()))) == [text]


@pytest.mark.parametrize("written", [3, None, [], ["fine", 3], {"low": 1, "high": 2}, "", "  =+ ", "x" * 41])
def test_what_is_no_such_text_is_a_fault(written):
    with pytest.raises(FaultError):
        read_value(REMARK, written)


def town():
    """The starter with a text of the root without examples, and one of its members with some."""
    scenario = read_scenario(ROOT / "adapters" / "starter")
    assert scenario.member is not None
    member = replace(scenario.member, texts=(TRIP,))
    return replace(scenario, root=replace(scenario.root, texts=(REMARK,)), member=member)


def household(*trips, **values):
    person = {"age": Range(low=20, high=60), "work": Category(category="employed")}
    members = tuple({**person, **({"trip": Text(texts=trip)} if trip else {})} for trip in trips)
    rest = {"tenure": Category(category="owner"), "income": Exact(value=9000.0)}
    return Proposal(values={**rest, **values}, members=members, share=1.0)


def test_records_have_what_their_proposal_says_and_others_an_example_or_nothing():
    scenario = town()
    remark = Text(texts=("small", "old"))
    proposals = (household(("to work",), ("by tram", "on foot"), remark=remark), household(None, remark=remark))
    offered = offered_proposals([Answer(request_id="r01-g000", proposals=proposals, is_answered=True)])
    first = first_reply(scenario)
    # The second record has a member more than its proposal lists; the last comes from the chain.
    number = np.array([first, first + 1, 0])
    plan = Plan(Records(3, {}), np.ones(3), number)
    rows, parent = np.array([0, 0, 1, 2]), np.array([0, 0, 1, 1, 1, 2, 3])
    records = Records(4, {}, {"age": np.zeros(7)}, parent)
    root, members = texts_of(scenario, plan, rows, records, offered, np.random.default_rng(0))
    said = [root["remark"].pool[code] for code in root["remark"].codes]
    assert set(said[:3]) <= {"small", "old"}
    assert said[3] is None
    trips = [members["trip"].pool[code] for code in members["trip"].codes]
    assert (trips[0], trips[2]) == ("to work", "to work")
    assert {trips[1], trips[3]} <= {"by tram", "on foot"}
    assert set(trips[4:]) <= set(TRIP.examples)


def test_texts_are_asked_for_with_their_length_and_no_table_sees_them():
    scenario = town()
    coder, aims = build_coder(scenario, build_grids(scenario)), build_aims(scenario, 100)
    assert not {key for key in coder.grids.grids if key[1] in ("remark", "trip")}
    request = round_requests(scenario, aims, RunSettings(), no_counts(scenario), 1, 100)[0]
    assert '"name": "remark", "entity": "household", "kind": "text", "length": 40' in request.prompt
    assert "- a text: a list of one to three short texts" in request.prompt
    values = request.reply_schema["properties"]["proposals"]["items"]["properties"]["values"]
    assert values["properties"]["remark"] == {"type": "array", "items": {"type": "string"}}
