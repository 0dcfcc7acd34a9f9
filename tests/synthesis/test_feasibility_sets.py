"""Sets of three tables at odds: found in every zone, not in the worst ones alone; what is not looked at is said."""

import numpy as np
import pytest

from schemas.finding import Finding
from schemas.model import Scenario, TargetTable
from synthesis import feasibility_sets
from tests.strategies import binned_axis, table
from tests.synthesis.test_feasibility import CARS, TENURE, findings, homes

ZONES = 60
AXES = {"size": binned_axis("size", 1, 3, 5), "tenure": TENURE, "cars": CARS}
AGREE, DIFFER = [[50, 0], [0, 50]], [[0, 50], [50, 0]]


def three_tables(**at_odds: int) -> Scenario:
    """Any two of the tables can be met everywhere; where one of them differs from the others, all three cannot."""
    pairs = ("size", "tenure"), ("tenure", "cars"), ("size", "cars")
    return homes(*(_pair(*pair, at_odds.get("_".join(pair))) for pair in pairs), zones=ZONES)


def _pair(one: str, other: str, differs: int | None) -> TargetTable:
    values = np.tile(np.array(AGREE, dtype=float), (ZONES, 1, 1))
    if differs is not None:
        values[differs] = DIFFER
    return table(f"{one}_{other}", [AXES[one], AXES[other]], values, "household", zone_level="county")


def contradictions(scenario: Scenario) -> list[Finding]:
    return [finding for finding in findings(scenario) if finding.kind != "multiples"]


def test_a_set_is_found_in_every_zone_however_many_there_are() -> None:
    """Over all zones the two even out, and no two tables are at odds: no zone stands out before it is looked at."""
    (found,) = contradictions(three_tables(size_tenure=58, size_cars=59))

    assert found.tables == ("size_tenure", "tenure_cars", "size_cars")
    assert (found.zones, found.zones_total) == (2, ZONES)
    assert "examined" not in found.what


def test_zones_beyond_the_bounded_work_are_said_not_to_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feasibility_sets, "EXAMINED_ENTRIES", 0)
    (found,) = contradictions(three_tables(size_tenure=58, size_cars=59))

    assert (found.kind, found.outcome) == ("unchecked", "noted")
    assert "looked for in 20 of 60 county only" in found.what


def test_tables_that_can_be_met_together_leave_nothing_open() -> None:
    assert contradictions(three_tables()) == []
