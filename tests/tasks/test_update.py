"""Updates at their edges: zones that empty and fill."""

from pathlib import Path

import pyarrow.dataset as ds

from schemas.settings import RunSettings
from synthesis.churn import churn_of
from tasks.validate import validate_run
from tests.flows.running import digests
from tests.flows.town import AGES, SIZES, TENURE, write_town
from tests.tasks.updating import run_here, update_here

NOBODY = {
    "size": {"d3": dict.fromkeys(SIZES, 0)},
    "tenure": {"d3": dict.fromkeys(TENURE, 0)},
    "age": {"d3": dict.fromkeys(AGES, 0)},
}


def households(run: Path) -> dict[str, int]:
    """Records by district."""
    records = ds.dataset(run / "dataset" / "household", partitioning="hive").to_table(columns=["district"]).to_pandas()
    return records["district"].value_counts().to_dict()


def test_a_district_is_emptied_and_filled_again(tmp_path: Path) -> None:
    full, empty = write_town(tmp_path / "full"), write_town(tmp_path / "empty", NOBODY)
    base = run_here(full, tmp_path / "base", RunSettings())
    emptied, merged = update_here(base, empty, tmp_path / "emptied")
    run = emptied.context.run
    own = [commit for commit in merged.commits if commit["batch_id"] >= emptied.first_batch]
    told = churn_of(emptied.context.scenario, emptied.counts, merged.counts, own)
    assert told["zones"] == [{"zone": "d3", "kept": 0, "added": 0, "retired": 300, "retired_share": 1.0}]
    assert households(run.root) == {"d1": 300, "d2": 300, "d4": 300}
    assert validate_run(run.root, full=True)["success"]

    filled, _ = update_here(run, full, tmp_path / "filled")
    assert households(filled.context.run.root) == {"d1": 300, "d2": 300, "d3": 300, "d4": 300}
    assert validate_run(filled.context.run.root, full=True)["success"]
    before, after = digests(tmp_path / "base" / "dataset"), digests(tmp_path / "filled" / "dataset")
    assert {name for name in before if "d3" not in name} == {name for name in after if "d3" not in name}
    assert all(after[name] == before[name] for name in before if "d3" not in name)
