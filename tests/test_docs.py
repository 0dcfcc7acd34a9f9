"""The documentation: generated pages are current, links hold, nothing is fetched, and the tutorial holds."""

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import FOLDER, build_pages

ROOT = Path(__file__).resolve().parents[1]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
SHELL_BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", build_pages())
def test_generated_page_is_current(page):
    assert (FOLDER / page).read_text(encoding="utf-8") == build_pages()[page], "run `make docs`"


def test_every_command_is_in_the_reference():
    helped = subprocess.run([sys.executable, "-m", "cli.main", "--help"], cwd=ROOT, capture_output=True, text=True)
    names = re.findall(r"^│ ([a-z]+) ", helped.stdout, re.MULTILINE)
    assert len(names) > 10
    assert [name for name in names if f"## synthor {name}" not in build_pages()["commands.md"]] == []


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built strictly: a broken link or anchor is an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    return folder


def test_site_fetches_nothing(site):
    loads = re.compile(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"?(https?:[^\"> ]+)")
    found = {url for page in site.rglob("*.html") for url in loads.findall(page.read_text(encoding="utf-8"))}
    assert (site / "tutorial.html").is_file()
    assert found == set()


def test_tutorial_does_what_it_says(tmp_path):
    """Its commands, one after the other in one shell, as a reader types them."""
    shutil.copytree(ROOT / "docs" / "tutorial", tmp_path / "docs" / "tutorial")
    script = "\n".join(SHELL_BLOCK.findall(TUTORIAL))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "runs" / "adults" / "run.json").read_text(encoding="utf-8"))["status"] == "published"
    assert (tmp_path / "adults-csv" / "DATACARD.md").is_file()
    told = [line for line in shown_lines(TUTORIAL) if not re.search(r"published in", line)]
    assert [line for line in told if line not in done.stdout] == []


def shown_lines(text):
    """Lines of output that the page shows after its commands, without their indentation."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    shown = [held for (before, _), (kind, held) in itertools.pairwise(blocks) if (before, kind) == ("sh", "")]
    return [line.strip() for block in shown for line in block.splitlines() if line.strip(" .")]
