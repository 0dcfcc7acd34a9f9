"""The live display, fed a log that no run wrote."""

import io
import json

from rich.console import Console

from cli.progress import LogFollower, Progress, ProgressDisplay

WORST = {
    "table": "income",
    "zone": "50001",
    "cell": "income=[0, 25000)",
    "target": 40.0,
    "synthetic": 37,
    "discrepancy": 3.0,
}
EVENTS = [
    {"event": "run_started", "scenario": "vermont", "size": 100, "batches_expected": 3},
    {"event": "cluster_ready", "workers": 2},
    {"event": "round_started", "round": 1, "batches": 1},
    {"event": "batch_committed", "round": 1, "batch": 1, "records": 40, "members": 90, "seconds": 1.0, "reused": True},
    {"event": "round_merged", "round": 1, "mean_tvd": 0.01, "max_tvd": 0.02, "worst_cell": WORST},
    {"event": "round_started", "round": 2, "batches": 2},
    {"event": "batch_committed", "round": 2, "batch": 2, "records": 30, "members": 70, "seconds": 1.0, "reused": False},
]
ENDING = [
    {"event": "batch_committed", "round": 2, "batch": 3, "records": 30, "members": 70, "seconds": 1.0, "reused": False},
    {"event": "round_merged", "round": 2, "mean_tvd": 0.001, "max_tvd": 0.002, "worst_cell": WORST},
    {"event": "validation_started"},
    {"event": "validation_finished", "success": True, "evaluated": 93, "failed": 0},
    {"event": "published"},
    {"event": "report_written"},
]


def append(path, events):
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def draw(display):
    console = Console(file=io.StringIO(), width=200)
    console.print(display.draw())
    return console.file.getvalue()


def test_events_add_up():
    progress = Progress(("household", "person"))
    for event in EVENTS:
        progress.apply(event)
    assert (progress.stage, progress.done, progress.batches) == ("round 2", 1, 2)
    assert progress.counts() == "70 household records, 160 person records"
    assert progress.finished[0] == "2 workers ready"
    assert progress.finished[1].startswith("round 1: 1 batches (1 kept from before), 40 household records")
    assert progress.worst == "; worst so far: income 50001 income=[0, 25000) by +3.0"


def test_follower_reads_whole_lines_appended_since(tmp_path):
    path = tmp_path / "log.jsonl"
    append(path, EVENTS[:1])
    follower = LogFollower(path)
    assert follower.read() == []
    append(path, EVENTS[1:3])
    with path.open("a", encoding="utf-8") as file:
        file.write('{"event": "publ')
    assert [event["event"] for event in follower.read()] == ["cluster_ready", "round_started"]
    with path.open("a", encoding="utf-8") as file:
        file.write('ished"}\nnot json\n')
    assert [event["event"] for event in follower.read()] == ["published"]


def test_display_follows_a_log_that_appears_later(tmp_path):
    display = ProgressDisplay(tmp_path / "run", ["household", "person"], Console(file=io.StringIO()))
    assert "starting Prefect" in draw(display)
    (tmp_path / "run").mkdir()
    append(tmp_path / "run" / "log.jsonl", EVENTS)
    assert "1/2 batches" in draw(display)
    append(tmp_path / "run" / "log.jsonl", ENDING)
    lines = [line.rstrip() for line in draw(display).splitlines()]
    assert lines[-2:] == ["✓ validated: 93 expectations, all met", "✓ published"]


def test_finished_stages_stay_on_the_terminal(tmp_path):
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with ProgressDisplay(tmp_path, ["household"], console):
        append(tmp_path / "log.jsonl", EVENTS + ENDING)
    assert "✓ published" in console.file.getvalue()
