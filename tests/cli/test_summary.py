"""The closing summary."""

from cli.summary import write_summary

FAILED = {
    "success": False,
    "suites": {"aggregates": {"evaluated": 2, "failed": 1}},
    "failures": [{"suite": "aggregates", "expectation": "x", "message": "size in 50001 misses 1 of 2 cells"}],
}


def facts(text):
    """Label to value, of the indented lines."""
    return {line[2:26].strip(): line[26:] for line in text.splitlines() if line.startswith("  ")}


def test_summary_of_a_published_run(tmp_path, write_run):
    text = write_summary(write_run(), tmp_path, 12.0)
    told = facts(text)
    assert text.splitlines()[0] == "village: published in 12.0 s"
    assert (told["household records"], told["person records"]) == ("100", "240")
    assert told["cells within tolerance"] == "1 of 2"
    assert told["worst cell"] == "size, 50001, size=2: 1 short of 60 records (tolerance: exact)"
    assert told["mean TVD"] == "0.0100 after 2 rounds"
    assert told["rejected"] == "20 of 120 drawn"
    assert told["rules broken"] == "0"
    assert told["validation"] == "2 expectations in 1 suites, none failed"
    assert (
        told["time"]
        == "start 4.0 s, work 3.0 s, orchestration 1.0 s, other 1.0 s, imports and Prefect's own start 3.0 s"
    )
    assert told["report"] == str(tmp_path / "report.html")


def test_summary_of_a_refused_run_says_what_missed_and_where_it_is(tmp_path, write_run):
    record = write_run(status="failed", validation=FAILED)
    text = write_summary(record, tmp_path)
    assert text.startswith("village: failed, nothing is published\n")
    assert "aggregates: size in 50001 misses 1 of 2 cells" in text
    assert "size, 50001, size=2: aimed 60, got 59, beyond tolerance by +1 record" in text
    assert facts(text)["aggregates"] == str(tmp_path / "aggregates.parquet")
    assert "dataset" not in facts(text)


def test_summary_says_when_validation_was_overruled(tmp_path, write_run):
    text = write_summary(write_run(validation=FAILED), tmp_path, 12.0)
    assert text.startswith("village: published in 12.0 s; validation failed, overruled by --publish-anyway\n")
    assert "outside tolerance (1):" in text


def test_summary_of_a_run_that_broke_early(tmp_path, write_run):
    record = write_run(status="failed", entities={}, rounds=[], validation=None, durations={})
    (tmp_path / "aggregates.parquet").unlink()
    assert write_summary(record, tmp_path).startswith("village: failed, nothing is published\n")
