"""report.html in a real browser: no errors, no requests, and everything can be reached with a keyboard."""

import base64
import itertools
import re

import pytest

from adapters.report import write_report
from tests.adapters.report_examples import write_many_zones, write_zoned_run
from tests.browser import CHROMIUM, chromium

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
FOCUS = "document.activeElement.id || document.activeElement.textContent.slice(0, 40)"
ROWS = """[...document.getElementById('t2-rows').children]
  .map((row) => [...row.children].slice(1).map((one) => one.textContent))"""
WIDER = """[...document.querySelectorAll('body *')].filter((one) => !one.closest('.scroll, svg, nav, .skip')
  && one.getBoundingClientRect().right > innerWidth + 1).map((one) => one.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("profile")) as tab:
        yield tab


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    return f"file://{write_report(write_zoned_run(tmp_path_factory.mktemp('run')))}"


def tab_to(page, wanted, limit=120):
    """Press Tab until the element has the focus, as somebody without a mouse gets there."""
    for _ in range(limit):
        page.press("Tab")
        if re.search(wanted, page.run(FOCUS)):
            return
    raise AssertionError(f"{wanted} cannot be reached")


def test_a_zone_in_the_address_opens_its_tables(page, address):
    page.open(f"{address}#zone=50007")
    assert page.run(ROWS) == [
        ["100.5", "100.5", "99", "+1.5", "no"],
        ["300.3", "300.3", "300", "+0.3", "yes"],
        ["80.3", "80.3", "82", "−1.8", "no"],
    ]
    assert page.run("document.getElementById('t1-where').textContent") == "50007"
    assert page.complaints() == []
    assert set(page.requests()) == {f"{address}#zone=50007".partition("#")[0]}


def test_a_zone_can_be_chosen_without_a_mouse(page, address):
    page.open(address)
    tab_to(page, "^t1-zone$")
    page.press("ArrowDown")
    page.press("ArrowDown")
    assert page.run("document.getElementById('t1-where').textContent") == "50007"
    assert page.run("document.getElementById('t1-cells').open")
    assert page.run("document.getElementById('t2-where').textContent") == "50007"
    page.press("ArrowUp")
    page.press("ArrowUp")
    assert page.run("document.getElementById('t1-where').textContent") == "all zones"


def test_details_open_and_regions_scroll_without_a_mouse(page, address):
    page.open(address)
    page.press("Tab")
    assert page.run("document.activeElement.className") == "skip"
    tab_to(page, "^Numbers of each round")
    page.press("Enter")
    assert page.run("document.activeElement.parentElement.open")
    tab_to(page, "^Settings")
    page.press("Space")
    assert page.run("document.activeElement.parentElement.open")


@pytest.mark.parametrize("width", [400, 800, 1280])
def test_nothing_reaches_beyond_the_window(page, address, width):
    page.resize(width, 900)
    page.open(f"{address}#zone=50007")
    page.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.run("document.documentElement.scrollWidth") == width
    assert page.run(WIDER) == []
    page.resize(1280, 900)


def test_what_a_screen_reader_meets_has_a_name(page, address):
    page.open(address)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    asked = ("image", "img", "link", "combobox", "region", "table")
    named = [node for node in nodes if not node["ignored"] and node["role"]["value"] in asked]
    assert {node["role"]["value"] for node in named} >= {"link", "combobox", "table"}
    assert [node["role"]["value"] for node in named if not node.get("name", {}).get("value")] == []
    levels = [
        int(one) for one in page.run("[...document.querySelectorAll('h1,h2,h3,h4')].map((one) => one.tagName[1])")
    ]
    assert levels[0] == 1 == levels.count(1)
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_it_prints(page, address):
    page.open(address)
    pdf = base64.b64decode(page.call("Page.printToPDF", printBackground=False)["data"])
    assert pdf.startswith(b"%PDF")
    page.call("Emulation.setEmulatedMedia", media="print")
    page.resize(700, 900)
    assert page.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert page.run("document.documentElement.scrollWidth") == 700
    page.call("Emulation.setEmulatedMedia", media="")
    page.resize(1280, 900)


def test_thousands_of_zones_can_be_chosen_from(page, tmp_path):
    page.open(f"file://{write_report(write_many_zones(tmp_path))}")
    page.run("document.getElementById('t7-zone').scrollIntoView()")
    tab_to(page, "^t7-zone$", limit=400)
    assert page.run("document.getElementById('t7-zone').options.length") > 2692
    page.press("ArrowDown")
    chosen = page.run("document.getElementById('t7-where').textContent")
    assert page.run("document.querySelector('#t7-zone optgroup').label") == "worst fit first"
    assert chosen == page.run("document.querySelector('#t7-zone optgroup option').textContent")
    assert page.complaints() == []
