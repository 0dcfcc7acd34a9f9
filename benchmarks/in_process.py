"""A whole run in this process: the tasks of the flow one after another, without Prefect, Dask or validation."""

import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds

from schemas.settings import RunSettings
from synthesis.aggregates import ZONE_SIZES
from synthesis.batching import cut_batches, round_fractions
from tasks.batch import plan_strata, synthesize_batch
from tasks.merge import Merged, merge_batches, nothing_merged
from tasks.prepare import open_run


@dataclass(frozen=True)
class Finished:
    """The run folder with its staged dataset; CPU seconds of its batches."""

    root: Path
    merged: Merged
    cpu_seconds: float

    def read(self, entity: str) -> pd.DataFrame:
        """The records of an entity."""
        return ds.dataset(self.root / "staging" / "dataset" / entity, partitioning="hive").to_table().to_pandas()

    def cells(self) -> pd.DataFrame:
        """The run's aggregates."""
        return pd.read_parquet(self.root / "aggregates.parquet")


def run_here(scenario: Path, out: Path, settings: RunSettings) -> Finished:
    """Synthesise a scenario into a run folder that is left unpublished."""
    context = open_run(scenario, out, settings)
    started, first_id, merged = time.process_time(), 1, nothing_merged(context)
    given = str(context.run.root), context.scenario.fingerprint, settings
    for index, fraction in enumerate(round_fractions(settings, int(context.aims.zone_sizes.sum())), start=1):
        context.run.write_counts(index, dict(merged.counts))
        committed = merged.counts[ZONE_SIZES]
        batches = cut_batches(
            context.scenario, settings, context.aims, context.units, committed, index, fraction, first_id
        )
        for spec in batches:
            if spec.strata > 1 and spec.stratum == 0:
                plan_strata(*given, spec)
            synthesize_batch(*given, spec)
        merged = merge_batches(context, merged, batches)
        first_id += len(batches)
    return Finished(context.run.root, merged, time.process_time() - started)
