"""Many zones under a table of the whole, without Prefect: waves of batches, whose sum meets it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from schemas.batch import BatchSpec
from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES
from synthesis.batching import cut_batches, cut_responses, plan_rounds
from synthesis.outer import spread
from synthesis.units import zones_of_units
from tasks.batch import synthesize_batch, take_responses
from tasks.context import Context
from tasks.merge import Merged, merge_batches, nothing_merged
from tasks.prepare import open_run
from tasks.validate import validate_run
from tests.flows.running import digests

ZONES, PURPOSES, MODES, TRIPS = 120, 8, 9, 4000
SETTINGS = RunSettings(plan_rows=300, publish_anyway=True)
SCENARIO = """
name: trips
entities:
  trip:
    variables:
      purpose: {{type: category, categories: [{purposes}]}}
      mode: {{type: category, categories: [{modes}]}}
zones: {{variable: county, crosswalk: zones.csv, partition_by: region}}
targets:
  purpose: {{entity: trip, variables: [purpose], zone: county, measure: count, file: purpose.csv}}
  mode: {{entity: trip, variables: [mode], zone: county, measure: count, file: mode.csv}}
  both: {{entity: trip, variables: [purpose, mode], measure: count, file: both.csv}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scenario whose tables were counted in one population: purposes and modes that go together."""
    folder = tmp_path_factory.mktemp("trips")
    rng = np.random.default_rng(7)
    county = rng.integers(0, ZONES, TRIPS)
    purpose = (rng.integers(0, 3, TRIPS) + county % 6) % PURPOSES
    mode = np.where(rng.random(TRIPS) < 0.5, purpose, rng.integers(0, MODES, TRIPS))
    names = {"purposes": ", ".join(f"p{i}" for i in range(PURPOSES)), "modes": ", ".join(f"m{i}" for i in range(MODES))}
    (folder / "scenario.yaml").write_text(SCENARIO.format(**names))
    write(folder, "zones", "county,region", np.array([(i, i // 30) for i in range(ZONES)]), "c{},r{}")
    for name, label, values, size in (("purpose", "p", purpose, PURPOSES), ("mode", "m", mode, MODES)):
        counted = np.bincount(county * size + values, minlength=ZONES * size)
        rows = np.column_stack([np.repeat(np.arange(ZONES), size), np.tile(np.arange(size), ZONES), counted])
        write(folder, name, f"county,{name},count", rows, f"c{{}},{label}{{}},{{}}")
    counted = np.bincount(purpose * MODES + mode, minlength=PURPOSES * MODES)
    rows = np.column_stack([np.repeat(np.arange(PURPOSES), MODES), np.tile(np.arange(MODES), PURPOSES), counted])
    write(folder, "both", "purpose,mode,count", rows, "p{},m{},{}")
    return folder


def write(folder: Path, name: str, header: str, rows: np.ndarray, line: str) -> None:
    (folder / f"{name}.csv").write_text("\n".join([header, *(line.format(*row) for row in rows.tolist())]) + "\n")


def run_waves(folder: Path, out: Path, order: Callable[[tuple[BatchSpec, ...]], object]) -> tuple[Context, Merged]:
    """What the flow does, its batches in any order."""
    context = open_run(folder, out, SETTINGS)
    given = str(context.run.root), context.scenario.fingerprint, SETTINGS
    responses = {}
    for units in cut_responses(SETTINGS, context.units):
        responses.update(take_responses(*given, units, units[0])[1])
    values = [responses[unit.index] for unit in context.units]
    merged, first, rounds = nothing_merged(context), 1, plan_rounds(SETTINGS, context.aims, context.cut)
    for wave in rounds:
        later = [unit for after in rounds[wave.index :] for unit in after.units]
        now, left = [u.index for u in wave.units], [u.index for u in later]
        context.run.write_counts(wave.index, dict(merged.counts))
        parts = spread(context.outer, context.aims, values, now, left, merged.counts)
        context.run.write_parts(f"parts{wave.index:02d}", parts)
        at = merged.counts[ZONE_SIZES], wave.index, wave.fraction, first
        batches = cut_batches(context.scenario, SETTINGS, context.aims, wave.units, *at)
        for spec in order(batches):  # type: ignore[attr-defined]
            synthesize_batch(*given, spec)
        merged = merge_batches(context, merged, batches, zones_of_units(later))
        first += len(batches)
    context.run.write_run({**context.run.read_run(), "batches": {"committed": first - 1}})
    return context, merged


def test_waves_meet_a_table_of_the_whole_and_name_what_they_miss(folder: Path, tmp_path: Path) -> None:
    context, merged = run_waves(folder, tmp_path / "run", lambda batches: batches)
    validate_run(context.run.root, full=True)
    aggregates = pq.read_table(context.run.aggregates).to_pandas()

    assert context.cut.outer == ("both",)
    assert len({commit["round"] for commit in merged.commits}) == 3
    assert merged.counts[ZONE_SIZES].tolist() == context.aims.zone_sizes.tolist()
    inner, whole = aggregates[aggregates.table != "both"], aggregates[aggregates.table == "both"]
    assert inner.within.mean() > 0.999
    assert whole.discrepancy.abs().max() <= 5
    assert (aggregates.cause.isna() == aggregates.within).all()


def test_the_order_of_batches_changes_no_byte(folder: Path, tmp_path: Path) -> None:
    first, _ = run_waves(folder, tmp_path / "first", lambda batches: batches)
    second, _ = run_waves(folder, tmp_path / "second", lambda batches: reversed(batches))

    assert digests(first.run.staged_dataset) == digests(second.run.staged_dataset)
