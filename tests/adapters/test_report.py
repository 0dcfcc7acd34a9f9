"""report.html: what it says, that it is safe, self-contained, accessible and small."""

import html.parser
import itertools
import json
import re
import shutil
import subprocess
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from adapters.report import write_report
from adapters.report_charts import LARGEST_CELLS, chart_table
from adapters.report_charts_run import PLOT_BOTTOM, PLOT_TOP, chart_durations, chart_rounds
from adapters.report_misses import find_misses, find_worst_cells
from adapters.report_numbers import write_count, write_percent, write_seconds, write_signed, write_tvd
from adapters.report_run import split_durations
from adapters.report_tables import read_grids, split_cells, sum_cells
from adapters.report_zones import detail_zones, natural_order

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ATTACK = "</script><script>document.title='broken'</script><img src=x onerror=alert(1)>"
VOID = {"meta", "br", "img"}
TVD_HALF_PERCENT = {"kind": "share_tvd", "tolerance": 0.005}
AGES, SEXES = ("0-17", "18-64", "65+"), ("male", "female")


def cells_of(**variables):
    assignments = [[f"{name}={part}" for part in parts] for name, parts in variables.items()]
    return [", ".join(cell) for cell in itertools.product(*assignments)]


def table(name, cells, target, *, synthetic=None, zone=None, kind="records", tolerance=0.0, **columns):
    """Rows of one table in one zone (or the whole), as aggregates.parquet holds them."""
    aimed = np.asarray(columns.pop("reconciled", target), dtype=float)
    drawn = np.rint(aimed if synthetic is None else np.asarray(synthetic, dtype=float)).astype("int64")
    gap = np.abs(aimed / max(aimed.sum(), 1) - drawn / max(drawn.sum(), 1)).sum() / 2
    within = np.abs(aimed - drawn) <= tolerance + 0.5 if kind == "records" else gap <= tolerance
    frame = {
        "table": name,
        "entity": "person",
        "zone_level": None if zone is None else "county",
        "zone": zone,
        "cell": cells,
        "universe": None,
        "target": np.asarray(target, dtype=float),
        "measure": "count",
        "binds": "count",
        "reconciled": aimed,
        "synthetic": drawn,
        "discrepancy": aimed - drawn,
        "target_share": aimed / max(aimed.sum(), 1),
        "synthetic_share": drawn / max(drawn.sum(), 1),
        "moe": np.nan,
        "tolerance": tolerance,
        "tolerance_kind": kind,
        "within": within,
    }
    return pd.DataFrame(frame | columns)


def zoned(name, cells, zones, rng, **columns):
    frames = [table(name, cells, rng.integers(5, 900, len(cells)), zone=zone, **columns) for zone in zones]
    return pd.concat(frames, ignore_index=True)


def run_record(**changes):
    record = {
        "synthor_version": "0.1.0",
        "status": "published",
        "scenario": {"name": "vt", "title": "Vermont", "fingerprint": "sha256:ab12", "path": "scenarios/vt"},
        "out": "runs/vermont",
        "settings": {"proposer": "offline", "max_usd": None, "workers": 2},
        "random_seed": 7,
        "versions": {"python": "3.11.2"},
        "size": 600,
        "entities": {"household": {"records": 600}, "person": {"records": 1456}},
        "rounds": [
            {"round": 1, "batches": 2, "records": 60, "mean_tvd": 0.02, "max_tvd": 0.1, "seconds": 1.0},
            {"round": 2, "records": 600, "mean_tvd": 0.0, "max_tvd": 0.0004, "cells_within": 5, "cells": 6,
             "worst_cell": {"table": "age", "cell": "age=65+", "discrepancy": -3.0}},
        ],
        "batches": {"committed": 4, "reused": 1, "retried": 0},
        "drawn": 700,
        "accepted": 600,
        "rejected": 100,
        "rejections": {"household_has_adult": 100},
        "proposed_rows": 50,
        "proposal_rejections": {"work_from_16": 3},
        "shortfall": 0,
        "reconciliations": [{"table": "race", "what": "scaled to persons", "magnitude": 10302.0}],
        "llm": {"calls": 0, "tokens": 0, "usd": 0.0},
        "durations": {
            "total_seconds": 20.0, "start_seconds": 8.0, "rounds_seconds": 9.0, "work_seconds": 14.0,
            "orchestration_seconds": 2.0, "validation_seconds": 2.5, "publish_seconds": 0.5,
        },
        "validation": {"success": True, "suites": {"aggregates": {"evaluated": 6, "failed": 0}}},
        "failure": None,
    }  # fmt: skip
    return record | changes


def write_run(folder, *frames, **changes):
    (folder / "run.json").write_text(json.dumps(run_record(**changes)))
    if frames:
        pd.concat(frames, ignore_index=True).to_parquet(folder / "aggregates.parquet")
    return folder


def page_of(run):
    return write_report(run).read_text(encoding="utf-8")


def grids_of(*frames):
    return read_grids(pd.concat(frames, ignore_index=True))


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


@pytest.fixture
def zoned_run(tmp_path):
    rng = np.random.default_rng(1)
    zones = ["50001", "50007", "50009"]
    return write_run(
        tmp_path,
        zoned("household_size", cells_of(household_size=["1", "2", "3-7"]), zones, rng, moe=12.0),
        table("age", cells_of(age=AGES), [100.5, 300.25, 80.25], synthetic=[99, 300, 82], zone="50007"),
        table("age_sex", cells_of(age=AGES, sex=SEXES), [50, 50, 150, 150, 40, 41]),
    )


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


def write_quarantine(run, *, rule, record, count=5):
    (run / "quarantine").mkdir()
    rows = [{"entity": "household", "rule": rule, "record": record, "stage": "drawn"}] * count
    pq.write_table(pa.Table.from_pylist(rows), run / "quarantine" / "b000001.parquet")


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


def test_thousands_of_zones_stay_small_and_quick(tmp_path):
    rng = np.random.default_rng(2)
    zones, frames = [f"{50_000_000_000 + place}" for place in range(2692)], []
    for place in range(11):
        one = table(f"table_{place}", cells_of(age=["0-9", "10-19", "20-29", "30-39", "40-99"]), np.ones(5))
        many = pd.concat([one] * len(zones), ignore_index=True)
        aimed = rng.integers(0, 900, len(many)) + (0.37 if place > 4 else 0.0)
        drawn = np.rint(aimed + (rng.normal(0, 2, len(many)) if place > 4 else 0)).astype("int64")
        frames.append(many.assign(zone=np.repeat(zones, 5), zone_level="block group", target=np.floor(aimed),
                                  reconciled=aimed, synthetic=drawn, discrepancy=aimed - drawn))  # fmt: skip
    run = write_run(tmp_path, *frames)
    start = time.perf_counter()
    path = write_report(run)
    assert time.perf_counter() - start < 8
    assert path.stat().st_size <= 3_000_000


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


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
def test_browser_opens_a_zone_without_errors_or_requests(zoned_run, tmp_path_factory):
    path = write_report(zoned_run)
    profile = tmp_path_factory.mktemp("profile")
    shown = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--no-first-run", "--enable-logging=stderr", f"--user-data-dir={profile}", "--dump-dom",
         f"file://{path}#zone=50007"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert "CONSOLE" not in shown.stderr
    body = re.search(r'<tbody id="t2-rows">(.*?)</tbody>', shown.stdout, re.DOTALL)[1]
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in body.split("</tr>")[:-1]]
    assert rows == [
        ["100.5", "100.5", "99", "+1.5", "no"],
        ["300.3", "300.3", "300", "+0.3", "yes"],
        ["80.3", "80.3", "82", "−1.8", "no"],
    ]
    assert shown.stdout.count('<strong id="t1-where">50007</strong>') == 1
