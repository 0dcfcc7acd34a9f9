"""A run that held a table out: it is counted and marked, not judged, and compared with the baselines."""

import json
from pathlib import Path

import pandas as pd

from adapters.report import render_report
from cli.summary import write_summary
from schemas.settings import RunSettings
from tasks.batch import synthesize_batch
from tasks.compare import compare_run
from tasks.merge import merge_batches, nothing_merged
from tasks.validate import validate_run
from tests.conftest import ECOMMERCE
from tests.tasks.test_batch import prepare

SETTINGS = RunSettings(max_rounds=1, size=2000, hold_out=("category_price",))


def test_a_table_held_out_is_counted_marked_and_compared(tmp_path: Path) -> None:
    context, spec = prepare(ECOMMERCE, tmp_path / "run", SETTINGS)
    synthesize_batch(str(context.run.root), context.scenario.fingerprint, SETTINGS, spec)
    merged = merge_batches(context, nothing_merged(context), (spec,))
    record = context.run.read_run()
    context.run.write_run({**record, "batches": {"committed": len(merged.commits)}})
    verdict = validate_run(context.run.root, full=True)

    aggregates = pd.read_parquet(context.run.aggregates)
    held = aggregates[aggregates["held_out"]]
    assert set(held["table"]) == {"category_price"}
    assert held["synthetic"].sum() == 2000
    assert not held["within"].all()
    assert verdict["success"], "what is held out is not judged"

    baselines = compare_run(context.run.root)
    (compared,) = (one for one in baselines["tables"] if one["held_out"])
    assert abs(compared["run"] - compared["independence"]) < 0.05, "nothing links category and price but this table"
    assert max(one["ipf"] for one in baselines["tables"] if not one["held_out"]) < 1e-6
    assert compare_run(context.run.root) == baselines

    context.run.write_run({**context.run.read_run(), "baselines": baselines, "status": "failed"})
    page = render_report(context.run.root)
    assert json.dumps(baselines["statement"])[1:-1] in page.replace("&#39;", "'")
    assert 'id="baselines"' in page
    assert '<span class="badge open">held out</span>' in page
    assert "category_price" not in write_summary(context.run.read_run(), context.run.root)
