"""report.html: what it says, that it is safe, self-contained, accessible and small."""

import html.parser
import json
import re

import numpy as np
import pytest

from adapters.report import write_report
from adapters.report_charts import LARGEST_CELLS, chart_table
from adapters.report_charts_run import PLOT_BOTTOM, PLOT_TOP, chart_durations, chart_rounds
from adapters.report_misses import find_misses, find_worst_cells
from adapters.report_numbers import write_count, write_percent, write_seconds, write_signed, write_tvd
from adapters.report_run import split_durations
from adapters.report_tables import split_cells, sum_cells
from adapters.report_zones import detail_zones, natural_order
from tests.adapters.report_examples import (
    AGES,
    SEXES,
    cells_of,
    grids_of,
    page_of,
    run_record,
    table,
    write_many_zones,
    write_quarantine,
    write_run,
    write_zoned_run,
    zoned,
)

ATTACK = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>"
VOID = {"meta", "br", "img"}
TVD_HALF_PERCENT = {"kind": "share_tvd", "tolerance": 0.005}


@pytest.fixture
def zoned_run(tmp_path):
    return write_zoned_run(tmp_path)


class Elements(html.parser.HTMLParser):
    """All start tags with their attributes, and what was left open."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def named(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def test_published_run_shows_its_verdict_first(zoned_run):
    page = page_of(zoned_run)
    head = page[: page.index('id="tables"')]
    for text in ("Published", "Vermont", "1,456", "16 of 18", "2 of 3", "1.8 too many", "20.0 s", "2 rounds"):
        assert text in head
    assert "not published" not in head.lower()


def test_every_part_of_a_run_is_told(zoned_run):
    page = page_of(zoned_run)
    rejections = ("household_has_adult", "work_from_16", "700 records drawn = 600 accepted + 100 rejected")
    facts = ("sha256:ab12", "3.11.2", "Random seed", "orchestration", "scaled to persons", "10,302", "±21")
    for text in rejections + facts:
        assert text in page


def test_failed_run_says_what_missed_by_how_much(tmp_path):
    frames = (
        table("income", cells_of(income=["low", "high"]), [1000, 500], synthetic=[1204, 296]),
        table("age", cells_of(age=AGES), [100, 300, 80], synthetic=[130, 270, 80], **TVD_HALF_PERCENT),
    )
    failures = [{"suite": "aggregates", "expectation": "cells_within", "message": "income=low is off"}]
    validation = {"success": False, "failures": failures}
    run = write_run(tmp_path, *frames, status="failed", failure="1 of 5 failed", validation=validation)
    page = page_of(run)
    head = page[: page.index('id="tables"')]
    for text in ("Failed", "Nothing was published", "1 of 5 failed", "−204 records", "TVD 0.0575"):
        assert text in head
    assert "income=low is off" in page
    assert "records are published" not in page


@pytest.mark.parametrize("status", ["running", "cancelled", None])
def test_unfinished_run_says_that_nothing_is_published(tmp_path, status):
    page = page_of(write_run(tmp_path, status=status, validation=None))
    assert "Nothing is published" in page
    assert "records are published" not in page
    assert "no aggregates" in page


def test_publishing_against_a_failed_validation_is_not_called_good(tmp_path):
    page = page_of(write_run(tmp_path, validation={"success": False}))
    assert "Published although validation failed" in page


@pytest.mark.parametrize("key", sorted(run_record()))
def test_report_does_without_any_key_of_the_run_record(zoned_run, key):
    without = run_record()
    del without[key]
    for record in (without, run_record(**{key: None})):
        (zoned_run / "run.json").write_text(json.dumps(record))
        assert "</html>" in page_of(zoned_run)


def test_validation_file_stands_in_for_a_record_without_validation(tmp_path):
    run = write_run(tmp_path, validation=None)
    validation = {"success": True, "suites": {"person": {"evaluated": 31}}}
    (run / "validation.json").write_text(json.dumps(validation))
    assert '<td class="n">31</td>' in page_of(run)


def test_report_replaces_the_old_one_in_one_step(zoned_run):
    before = page_of(zoned_run)
    (zoned_run / "run.json").write_text("{")
    with pytest.raises(json.JSONDecodeError):
        write_report(zoned_run)
    assert (zoned_run / "report.html").read_text(encoding="utf-8") == before
    assert not list(zoned_run.glob(".*"))


def test_text_of_a_scenario_never_breaks_out(tmp_path):
    cells = cells_of(age=[ATTACK, "b"])
    names = {"zone_level": ATTACK, "universe": ATTACK, "entity": ATTACK}
    frames = [table(ATTACK, cells, [5, 6], synthetic=[9, 2], zone=zone, **names) for zone in (ATTACK, "z")]
    run = write_run(
        tmp_path, *frames,
        scenario={"name": ATTACK, "title": ATTACK, "path": ATTACK, "fingerprint": ATTACK},
        status=ATTACK, failure=ATTACK, rejections={ATTACK: 3}, settings={ATTACK: ATTACK},
        reconciliations=[{"table": ATTACK, "what": ATTACK, "magnitude": ATTACK}],
    )  # fmt: skip
    write_quarantine(run, rule=ATTACK, record=ATTACK)
    page = page_of(run)
    assert ATTACK not in page
    elements = Elements(page)
    assert len(elements.named("script")) == 2
    assert not elements.named("img")
    assert not [name for _, attrs in elements.tags for name in attrs if name.startswith("on")]


def test_quarantine_lends_a_few_examples_of_each_rule(zoned_run):
    write_quarantine(zoned_run, rule="household_has_adult", record='{"age": 9, "note": "x"}', count=40)
    page = page_of(zoned_run)
    assert "Examples from the quarantine (3)" in page
    assert page.count("&#34;age&#34;: 9") == 3


def test_page_is_well_formed_accessible_and_alone(zoned_run):
    page = page_of(zoned_run)
    elements = Elements(page)
    assert not elements.open
    titles = {attrs["id"] for attrs in elements.named("title") if "id" in attrs}
    charts = [attrs for attrs in elements.named("svg") if "aria-hidden" not in attrs]
    assert len(charts) == 7
    assert all(attrs["role"] == "img" and attrs["aria-labelledby"] in titles for attrs in charts)
    assert len(elements.named("caption")) == len(elements.named("table"))
    assert all(attrs.get("scope") in ("row", "col") for attrs in elements.named("th"))
    assert not re.search(r"(?:src|href|url\()\s*=?\s*[\"']?\s*(?:https?:)?//", page)
    ids = [attrs["id"] for _, attrs in elements.tags if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_thousands_of_zones_stay_small(tmp_path):
    assert write_report(write_many_zones(tmp_path)).stat().st_size <= 3_000_000


def test_zones_beyond_the_budget_leave_the_best_fitting_out():
    rng = np.random.default_rng(3)
    frame = zoned("age", cells_of(age=AGES), [str(zone) for zone in range(200)], rng)
    frame.loc[frame["zone"] == "150", ["discrepancy", "within"]] = [9.0, False]
    grids = {"t1": grids_of(frame)[0]}
    assert detail_zones(grids).left_out == {"county": 0}
    small = detail_zones(grids, budget=1_500)
    assert "150" in small.payload["levels"]["county"]
    assert 0 < small.left_out["county"] == 200 - len(small.payload["levels"]["county"])
    assert len(json.dumps(small.payload, separators=(",", ":"))) <= 1_500


def test_zones_are_listed_in_natural_order():
    assert sorted(["10", "9", "b2", "b10", "a"], key=natural_order) == ["9", "10", "a", "b2", "b10"]


def test_cells_are_split_by_the_variables_all_of_them_share():
    assert split_cells(["age=0-4, sex=male"]) == (("age", "sex"), (("0-4", "male"),))
    assert split_cells(["tag=a, b=c", "tag=x"]) == (("tag",), (("a, b=c",), ("x",)))
    assert split_cells(["odd", "age=1"]) == (("",), (("odd",), ("age=1",)))


def test_sums_over_zones_keep_records_and_combine_margins():
    cells = cells_of(age=AGES)
    grid = grids_of(
        table("age", cells, [10, 20, 30], synthetic=[11, 19, 30], zone="a", moe=3.0),
        table("age", cells, [40, 50, 50], zone="b", moe=4.0),
    )[0]
    first = sum_cells(grid)[0]
    assert (first.published, first.aimed, first.synthetic, first.discrepancy) == (50, 50, 51, -1)
    assert first.moe_published == pytest.approx(5.0)
    assert first.published_share == pytest.approx(0.25)
    assert (first.within_count, first.zone_count) == (1, 2)


def test_published_shares_are_weighted_by_the_records_of_their_zone():
    cells = cells_of(sex=SEXES)
    grid = grids_of(
        table("sex", cells, [0.2, 0.8], reconciled=[20, 80], zone="a", measure="share"),
        table("sex", cells, [0.5, 0.5], reconciled=[150, 150], zone="b", measure="share"),
    )[0]
    assert [cell.published for cell in sum_cells(grid)] == pytest.approx([170 / 400, 230 / 400])


def test_tables_aimed_at_otherwise_than_published_are_named(tmp_path):
    same = table("same", cells_of(sex=SEXES), [30, 70])
    scaled = table("scaled", cells_of(age=AGES), [100, 200, 300], reconciled=[50.0, 100.0, 150.0])
    record = run_record(reconciliations=[])
    page = page_of(write_run(tmp_path, same, **record))
    assert "None: every table was aimed at as published" in page
    page = page_of(write_run(tmp_path, same, scaled, **record))
    assert "1 table aimed at otherwise than published" in page
    assert '<td class="n">600</td><td class="n">300</td><td class="n">0</td>' in page


def test_worst_cells_come_with_misses_first_and_exact_cells_never():
    grids = grids_of(
        table("age", cells_of(age=AGES), [10, 20, 30], synthetic=[10, 17, 33], tolerance=5.0),
        table("sex", cells_of(sex=SEXES), [10, 20], synthetic=[11, 19]),
    )
    assert [(cell.table, cell.discrepancy) for cell in find_worst_cells(grids)] == [
        ("sex", -1), ("sex", 1), ("age", 3), ("age", -3),
    ]  # fmt: skip
    assert [miss.missed_by for miss in find_misses(grids)] == ["−1 record", "+1 record"]


def test_tables_get_the_chart_that_suits_them():
    ages = [str(age) for age in range(18, 100)]
    wide = cells_of(age=AGES, sex=SEXES, work=[f"w{place}" for place in range(8)])
    grids = grids_of(
        table("marginal", cells_of(age=AGES), [1, 2, 3]),
        table("single_years", cells_of(age=ages), np.arange(82)),
        table("joint", cells_of(age=AGES, sex=SEXES), np.arange(6)),
        table("large_joint", cells_of(age=ages, region=list("abcdefghijklm")), np.arange(82 * 13)),
        table("three", wide, np.arange(48)),
    )
    charts = [chart_table(grid, sum_cells(grid)) for grid in grids]
    assert [chart.kind for chart in charts] == ["bars", "columns", "heat", "bars", "bars"]
    assert [label for _, label in charts[1].ticks] == ["18", "32", "46", "60", "74", "88"]
    assert charts[4].bar_count == LARGEST_CELLS
    assert charts[4].rest.startswith("18 smaller cells not drawn")


def test_bars_put_outline_fill_and_whisker_where_the_shares_are():
    grid = grids_of(table("sex", cells_of(sex=SEXES), [25, 75], synthetic=[50, 50], moe=10.0))[0]
    first, second = chart_table(grid, sum_cells(grid)).panels[0]
    assert first.aimed / second.aimed == pytest.approx(1 / 3, abs=0.01)
    assert first.synthetic == second.synthetic
    assert first.whisker == pytest.approx((first.published * 0.6, first.published * 1.4), rel=0.01)
    assert max(second.aimed, second.whisker[1]) <= 100
    assert first.is_outside


def test_rounds_use_a_log_scale_that_has_room_for_zero():
    rounds = [{"round": 1, "mean_tvd": 0.1, "max_tvd": 0.5}, {"round": 2, "mean_tvd": 0.0, "max_tvd": 0.0001}]
    chart = chart_rounds(rounds)
    heights = [y for series in chart.series for _, y, _ in series.dots]
    assert chart.is_log
    assert max(heights) == PLOT_BOTTOM
    assert min(heights) >= PLOT_TOP
    assert chart.lines[-1] == (PLOT_BOTTOM, "0")


@pytest.mark.parametrize("rounds", [
    [{"mean_tvd": 0.0, "max_tvd": 0.0}],
    [{"mean_tvd": 0.01, "max_tvd": 0.02}, {"mean_tvd": 0.01, "max_tvd": None}],
    [{"mean_tvd": 1e-9, "max_tvd": 0.3}],
])  # fmt: skip
def test_any_rounds_can_be_drawn(rounds):
    chart = chart_rounds(rounds)
    assert all(PLOT_TOP <= y <= PLOT_BOTTOM for series in chart.series for _, y, _ in series.dots)
    assert chart_rounds([]) is None


def test_durations_fill_the_wall_time():
    segments = chart_durations(split_durations(run_record()))
    assert [segment.label for segment in segments] == [
        "start", "work", "orchestration", "validation", "publish",
    ]  # fmt: skip
    assert segments[-1].x + segments[-1].width == pytest.approx(100, abs=0.05)
    assert split_durations({}) == []


def test_numbers_are_written_for_people():
    assert [write_count(value) for value in (1234567, -3.5, 0.04, None)] == ["1,234,567", "−3.5", "0", "–"]
    assert [write_signed(value) for value in (12, -12, 0, 0.01)] == ["+12", "−12", "0", "0"]
    assert [write_percent(value) for value in (0.254, 0.0032, 0)] == ["25.4%", "0.32%", "0.0%"]
    assert [write_tvd(value) for value in (0, 1e-6, 0.01234)] == ["0", "<0.0001", "0.0123"]
    assert [write_seconds(value) for value in (0.42, 12.34, 204, 3725)] == [
        "0.42 s",
        "12.3 s",
        "3 min 24 s",
        "1 h 02 min",
    ]
