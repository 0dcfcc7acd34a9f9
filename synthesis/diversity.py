"""How varied the records are, kept as a small sketch that batches commit and any order of merging sums up.

Records are alike if no table and no rule tells them apart: same atoms, same members in whatever order, same carried
values; inside their bins they still differ. A sketch keeps the patterns with the least hashes, each with its exact
count (distinct sampling: Gibbons, VLDB 2001): figures are exact up to `KEPT` patterns, and beyond them estimates with
an error of some five per cent.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.model import IntArray
from synthesis.plan import Plan
from synthesis.records import Array

KEPT = 512
Hashes = NDArray[np.uint64]
Sketch = Mapping[str, list[int]]
"""`hashes` of the patterns kept, ascending, and how many records show each: `counts`; `records` has one item: all."""

EMPTY: Sketch = {"hashes": [], "counts": [], "records": [0]}


@dataclass(frozen=True, slots=True)
class Diversity:
    """Patterns of records, the share of records whose pattern another shows as well, and the patterns' entropy."""

    distinct_records: int
    duplicate_share: float
    entropy_bits: float


def sketch_of(plan: Plan, counts: IntArray) -> Sketch:
    """The sketch of so many records of each plan row."""
    used = np.flatnonzero(counts)
    patterns, place = np.unique(_patterns(plan.take(used)), return_inverse=True)
    shown = np.bincount(place, weights=counts[used], minlength=len(patterns)).astype(np.int64)
    return {
        "hashes": patterns[:KEPT].tolist(),
        "counts": shown[:KEPT].tolist(),
        "records": [int(counts.sum())],
    }


def retired_sketch(plan: Plan, counts: IntArray) -> Sketch:
    """What merging has to add for so many records of each plan row that are taken out again."""
    sketch = sketch_of(plan, counts)
    return {**sketch, "counts": [-count for count in sketch["counts"]], "records": [-sketch["records"][0]]}


def merge_sketches(*sketches: Sketch) -> Sketch:
    """The sketch of all; associative and commutative, with `EMPTY` as the neutral value.

    A pattern among the least of all is among the least of every part that has it, so its count stays exact.
    """
    hashes = np.array([key for sketch in sketches for key in sketch["hashes"]], dtype=np.uint64)
    shown = np.array([count for sketch in sketches for count in sketch["counts"]], dtype=np.int64)
    found, place = np.unique(hashes, return_inverse=True)
    counts = np.zeros(len(found), dtype=np.int64)
    np.add.at(counts, place, shown)
    records = sum(sketch["records"][0] for sketch in sketches)
    return {"hashes": found[:KEPT].tolist(), "counts": counts[:KEPT].tolist(), "records": [records]}


def diversity_of(sketch: Sketch) -> Diversity:
    """The figures of the records that a sketch sums up."""
    counts, records = np.array(sketch["counts"], dtype=float), sketch["records"][0]
    counts = counts[counts > 0]  # of a pattern whose records were all retired, nothing is there
    if records <= 0 or len(counts) == 0:
        return Diversity(0, 0.0, 0.0)
    # The patterns kept are a random sample of all, so their mean count is that of all: exact if all were kept.
    distinct = round(records * len(counts) / counts.sum())
    repeated = float(counts[counts > 1].sum() / counts.sum())
    # Entropy is log2 n less the mean over records of log2 of their pattern's count.
    entropy = np.log2(records) - float((counts * np.log2(counts)).sum() / counts.sum())
    return Diversity(distinct, repeated, max(float(entropy), 0.0))


def _patterns(plan: Plan) -> Hashes:
    """One hash per plan row, whatever the order of its members."""
    atoms = plan.atoms
    found = _mixed(atoms.root, atoms.count)
    if atoms.members:
        of_members = np.zeros(atoms.count, dtype=np.uint64)
        np.add.at(of_members, atoms.parent, _mixed(atoms.members, atoms.member_count))
        found = _mix(found ^ _mix(of_members))
    return found


def _mixed(columns: Mapping[str, Array], count: int) -> Hashes:
    """A hash per row of the columns."""
    found = np.zeros(count, dtype=np.uint64)
    for name in sorted(columns):
        values = columns[name].astype(np.float64) + 0.0  # -0.0 becomes 0.0, which it equals
        found = _mix(found ^ values.view(np.uint64))
    return found


def _mix(values: Hashes) -> Hashes:
    """SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection that spreads every bit over all."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
