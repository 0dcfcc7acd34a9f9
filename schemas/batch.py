"""Batches: the unit of work, draw and retry; and the receipt that a committed one leaves."""

from dataclasses import dataclass

ID_STRIDE = 100_000_000
"""A record's id is batch_id * ID_STRIDE + its position; no batch draws as many records."""
PLAN_STRIDE = 10_000_000
"""A plan row's id is plan_id * PLAN_STRIDE + its position."""


@dataclass(frozen=True, slots=True)
class BatchSpec:
    """What one batch does: `units` of zones in one round, or one of `strata` parts of a single unit.

    Strata of a unit share the plan `plan_id`; otherwise a batch has its own.
    """

    batch_id: int
    round: int
    fraction: float
    units: tuple[int, ...]
    stratum: int
    strata: int
    plan_id: int
    records: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a committed batch did. `seconds` and `attempt` are of this run of it, not part of the commit."""

    batch_id: int
    records: int
    members: int
    drawn: int
    rejected: int
    shortfall: int
    proposed: int
    reused: bool
    seconds: float = 0.0
    attempt: int = 1
