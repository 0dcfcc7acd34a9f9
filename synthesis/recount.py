"""A full recount of records that were read back: what the incrementally merged aggregates have to equal."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from schemas.model import IntArray, Scenario
from synthesis.aggregates import count_records, merge_counts, no_counts
from synthesis.audit import records_from_frames
from synthesis.cells import CellCoder
from synthesis.evaluation import with_derived
from synthesis.records import Records

if TYPE_CHECKING:
    import pandas as pd


def recount_frames(
    coder: CellCoder, partitions: "Iterable[tuple[str, pd.DataFrame, pd.DataFrame | None]]"
) -> dict[str, IntArray]:
    """Counts of all records in the partitions' frames; derived variables are computed anew."""
    counts = no_counts(coder.scenario)
    for name, root, members in partitions:
        if len(root):
            counts = merge_counts(counts, count_records(coder, read_frames(coder.scenario, name, root, members)))
    return counts


def read_frames(scenario: Scenario, name: str, root: "pd.DataFrame", members: "pd.DataFrame | None") -> Records:
    """The records of a partition's frames, derived variables computed anew."""
    # One folder, then the batch: a zone's name may itself hold "/" or "=".
    key, _, value = name.rpartition("/")[0].partition("=")
    own = {key: value} if scenario.root.find(key) and key not in root else {}
    found = records_from_frames(scenario, root.assign(**own), members)
    plain = {v.name: np.asarray(found.root[v.name]) for v in scenario.root.variables}
    below = {v.name: np.asarray(found.members[v.name]) for v in scenario.member.variables} if scenario.member else {}
    return with_derived(scenario, Records(found.count, plain, below, found.parent))
