"""What the report says of where records come from, of calls beside rounds, and of causes."""

import itertools

import pytest

from adapters.report import worst_cells_of, write_report
from adapters.report_charts_run import CALLS_HEIGHT, chart_rounds
from adapters.report_lineage import arrange_lineage
from tests.adapters.report_examples import AGES, cells_of, page_of, run_record, table, write_run, write_zoned_run

ROUNDS = [{"round": 1, "mean_tvd": 0.1, "max_tvd": 0.5}, {"round": 2, "mean_tvd": 0.0, "max_tvd": 0.01}]
ASKED = [
    {"round": 0, "calls": 1, "tokens": 900, "usd": 0.01},
    {"round": 1, "calls": 24, "tokens": 90_000, "usd": 0.4, "tokens_per_tvd_removed": 100_000},
    {"round": 2, "calls": 12, "tokens": 28_000, "usd": None, "tokens_per_tvd_removed": None},
]
FOUND = {
    "table": "age", "zone_level": "county", "zone": "50007", "cell": "age=65+", "records": 40, "proposal_count": 7,
    "proposals": [{"proposal_id": "p000001-3", "records": 30, "reason": "<b>couples</b>"},
                  {"proposal_id": "p000001-0", "records": 10, "reason": ""}],
    "plan_rows": [{"plan_row_id": 10_000_000 + place, "records": 9, "prior_weight": 0.1, "proposal_id": "p000001-3",
                   "size": "2", "rent>=": None, "person.age": ["70", "66"], "person.sex": ["male", "female"],
                   "person.age>=": [float("nan")] * 2, "in_cell": 8} for place in range(5)],
}  # fmt: skip


def test_a_cell_is_followed_to_reasons_and_plan_rows():
    cell = arrange_lineage(FOUND)
    assert [(one.name, one.count, one.share) for one in cell.proposals] == [
        ("p000001-3", "30", "75.0%"), ("p000001-0", "10", "25.0%"),
    ]  # fmt: skip
    assert {one.text for one in cell.plan_rows} == {"size 2; person 1: 70 · male; person 2: 66 · female"}
    assert cell.question == '--cell "age=65+,county=50007" --table age'


def test_what_fills_the_worst_cells_stands_in_the_report(tmp_path):
    run = write_zoned_run(tmp_path)
    page = write_report(run, [FOUND]).read_text()
    for text in ("40 records of 7 proposals", "&lt;b&gt;couples", "synthor explain RUN --cell"):
        assert text in page
    empty = {**FOUND, "records": 0, "proposal_count": 0, "proposals": [], "plan_rows": []}
    assert "no plan row falls in it" in write_report(run, [empty]).read_text()
    assert "too many plan rows to follow" in write_report(run, None).read_text()
    assert "Where their records come from" not in page_of(run)


def test_the_cells_to_follow_are_those_that_the_page_lists(tmp_path):
    found = [(one.table, one.zone, one.cell) for one in worst_cells_of(write_zoned_run(tmp_path))]
    assert found[:2] == [("age", "50007", "age=65+"), ("age", "50007", "age=0-17")]


def test_causes_of_misses_are_told_where_there_are_any(tmp_path):
    cells = table("age", cells_of(age=AGES), [10, 20, 30], synthetic=[5, 20, 35])
    assert "Lost at" not in page_of(write_run(tmp_path, cells))
    page = page_of(write_run(tmp_path, cells.assign(cause=["no support", None, "integerization"])))
    assert page.count("<td>no support</td>") == page.count("<td>integerization</td>") == 1


def test_calls_stand_below_their_round():
    chart = chart_rounds(ROUNDS, ASKED)
    xs = [x for x, _ in chart.ticks]
    assert [(call.x, call.label) for call in chart.calls] == [(xs[0], "24 calls"), (xs[1], "12 calls")]
    assert chart.calls[0].height == 2 * chart.calls[1].height == CALLS_HEIGHT
    assert chart.height > chart_rounds(ROUNDS).height
    assert chart_rounds(ROUNDS, [{"round": 1, "requests": 3}]).calls[0].label == "3 requests"


@pytest.mark.parametrize("asked", [ASKED, ASKED[1:], []], ids=len)
def test_what_was_asked_is_set_beside_what_it_brought(tmp_path, asked):
    record = run_record(rounds=ROUNDS, llm={"calls": 37, "tokens": 118_900, "usd": 0.41, "rounds": asked})
    page = page_of(write_run(tmp_path, table("age", cells_of(age=AGES), [1, 2, 3]), **record))
    assert ("What was asked" in page) == bool(asked)
    told = ["100,000", "unknown", *itertools.chain.from_iterable((f"{one['tokens']:,}",) for one in asked)]
    assert all(text in page for text in told) or not asked
