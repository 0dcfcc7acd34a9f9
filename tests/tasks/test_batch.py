"""A batch without Prefect: what it commits, and that doing it again changes nothing."""

from pathlib import Path

import pytest

from adapters.partitions import read_commit
from schemas.batch import BatchSpec
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES
from synthesis.batching import cut_batches
from tasks.batch import synthesize_batch, zones_of
from tasks.context import Context
from tasks.merge import merge_batches, nothing_merged
from tasks.prepare import open_run
from tests.conftest import ECOMMERCE
from tests.flows.running import digests

SETTINGS = RunSettings(max_rounds=1, size=500)
UNEQUAL = """
name: unequal
size: 400
entities:
  pair:
    variables:
      low: {type: number, range: [0, 10]}
      high: {type: number, range: [0, 10]}
targets:
  low: {entity: pair, variables: [low], measure: share, file: low.csv}
rules:
  - {name: in_order, entity: pair, then: low <= high}
"""


def prepare(scenario: Path, out: Path, settings: RunSettings) -> tuple[Context, BatchSpec]:
    """A run with its first round cut into one batch."""
    context = open_run(scenario, out, settings)
    counts = nothing_merged(context).counts
    context.run.write_counts(1, dict(counts))
    given = context.scenario, settings, context.aims, context.units, counts[ZONE_SIZES]
    return context, cut_batches(*given, 1, 1.0, 1)[0]


def do(context: Context, spec: BatchSpec) -> bool:
    """Run the batch; whether it was found committed already."""
    return synthesize_batch(str(context.run.root), context.scenario.fingerprint, context.settings, spec).reused


def test_a_committed_batch_is_not_done_again(tmp_path: Path) -> None:
    context, spec = prepare(ECOMMERCE, tmp_path / "run", SETTINGS)
    assert not do(context, spec)
    before = digests(context.run.root)
    assert do(context, spec)
    assert digests(context.run.root) == before


def test_a_batch_without_its_commit_does_not_exist_and_is_redone_alike(tmp_path: Path) -> None:
    context, spec = prepare(ECOMMERCE, tmp_path / "run", SETTINGS)
    do(context, spec)
    before = digests(context.run.root)
    next((context.run.staged_dataset / "transaction").glob("*.parquet")).unlink()
    assert not do(context, spec)
    assert digests(context.run.root) == before


def test_rejected_draws_are_counted_redrawn_and_quarantined(tmp_path: Path) -> None:
    folder = tmp_path / "unequal"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(UNEQUAL)
    (folder / "low.csv").write_text('low,share\n"[0, 5)",0.5\n"[5, 10)",0.5\n')
    context, spec = prepare(folder, tmp_path / "run", RunSettings(max_rounds=1))
    do(context, spec)
    merged = merge_batches(context, nothing_merged(context), (spec,))
    commit = merged.commits[0]
    assert commit["rejected"] == commit["rejections"]["in_order"] > 50
    assert commit["drawn"] == commit["records"] + commit["rejected"]
    assert commit["records"] == 400
    assert merged.summary["rules"] == {"in_order": 0}
    assert (context.run.quarantine / "b000001.parquet").is_file()


def test_an_impossible_rule_leaves_a_counted_shortfall(tmp_path: Path) -> None:
    folder = tmp_path / "unequal"
    folder.mkdir()
    (folder / "scenario.yaml").write_text(UNEQUAL.replace("low <= high", "low + high > 30"))
    (folder / "low.csv").write_text('low,share\n"[0, 10)",1\n')
    context, spec = prepare(folder, tmp_path / "run", RunSettings(max_rounds=1, max_redraws=3))
    do(context, spec)
    commit = merge_batches(context, nothing_merged(context), (spec,)).commits[0]
    assert (commit["records"], commit["shortfall"]) == (0, 400)
    assert commit["drawn"] == commit["rejected"] == 1600


@pytest.mark.parametrize("strata", [1, 4])
def test_strata_of_a_unit_add_up_to_its_plan(tmp_path: Path, strata: int) -> None:
    settings = RunSettings(max_rounds=1, size=2000, batch_seconds=0.002 / strata)
    context, spec = prepare(ECOMMERCE, tmp_path / "run", settings)
    assert zones_of(context, spec).tolist() == [0]
    assert spec.strata == strata
    assert read_commit(context.run.records, context_files(context, spec)) is None


def context_files(context: Context, spec: BatchSpec):  # type: ignore[no-untyped-def]
    """Where the batch will be."""
    from adapters.batch_writer import files_of_batch

    return files_of_batch(context.scenario, spec, zones_of(context, spec))
