"""A village of two counties: a small scenario made by hand, and records, aggregates and frames that fit it."""

import numpy as np
import pandas as pd
import pytest

from schemas.expression import Aggregate, CategoryTest, Column, Compare, Constant
from schemas.model import Axis, Derived, Entity, Rule, Scenario, TargetTable, Tolerance, Variable, Zones

AGE = Column("person", "age")
COUNTIES = ("50001", "50003")


@pytest.fixture
def village() -> Scenario:
    adults = Derived("adults", "integer", Aggregate("count", Compare(">=", AGE, Constant(18))), low=0, high=4)
    household = Entity(
        "household",
        (
            Variable("county", "category", categories=COUNTIES),
            Variable("size", "integer", low=1, high=4),
            Variable("tenure", "category", categories=("owned", "rented")),
            Variable("rooms", "number", low=0.5, high=9),
        ),
        (adults,),
    )
    work = Variable("work", "category", categories=("at work", "not at work"))
    person = Entity("person", (Variable("age", "integer", low=0, high=99), work), parent="household", count="size")
    rules = (
        Rule("has_adult", "household", Compare(">", Column("household", "adults"), Constant(0))),
        Rule(
            "child",
            "person",
            CategoryTest(Column("person", "work"), (1,)),
            Compare("<", AGE, Constant(16)),
            text='when age < 16 then work == "not at work"',
        ),
    )
    zones = Zones("county", ("county",), {"county": COUNTIES}, {"county": np.arange(2)}, "county")
    return Scenario("village", household, (tenure_table(), age_table()), person, zones, rules)


def tenure_table() -> TargetTable:
    axes, target = (Axis("tenure", ("owned", "rented")),), np.array([[3.0, 1.0], [2.0, 2.0]])
    exact = Tolerance("records", 0)
    return TargetTable("tenure", "household", axes, target, "count", "count", exact, zone_level="county")


def age_table() -> TargetTable:
    axis = Axis("age", ("0-17", "18+"), np.array([0.0, 18.0]), np.array([18.0, 100.0]))
    loose = Tolerance("share_tvd", 0.005)
    return TargetTable("age", "person", (axis,), np.array([[0.25, 0.75]]), "share", "share", loose)


@pytest.fixture
def aggregates() -> pd.DataFrame:
    """Tenure by county is met exactly (one aim is fractional), ages are met within .005 of their shares."""
    rows = [
        ("tenure", "county", "50001", "tenure=owned", 10746.0, 10746, 0.0, "records"),
        ("tenure", "county", "50001", "tenure=rented", 20.4, 21, 0.0, "records"),
        ("tenure", "county", "50003", "tenure=owned", 7.0, 7, 0.0, "records"),
        ("tenure", "county", "50003", "tenure=rented", 0.0, 0, 0.0, "records"),
        ("age", None, None, "age=0-17", 250.0, 253, 0.005, "share_tvd"),
        ("age", None, None, "age=18+", 750.0, 747, 0.005, "share_tvd"),
    ]
    names = ["table", "zone_level", "zone", "cell", "reconciled", "synthetic", "tolerance", "tolerance_kind"]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def partitions() -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Four households in each county, of an adult and, in every other one, a child."""
    found = []
    for number, county in enumerate(COUNTIES):
        ids = np.arange(4) + 100 * number
        size = np.array([1, 2, 1, 2])
        parents = np.repeat(ids, size)
        root = {"household_id": ids, "county": county, "size": size.astype(np.int32), "tenure": ["owned", "rented"] * 2}
        root_frame = pd.DataFrame(root | {"rooms": [1.0, 2.5, 3.0, 8.9], "adults": np.int32(1)})
        age, work = np.array([30, 40, 5, 50, 60, 15]), ["at work", "at work", "not at work"] * 2
        members = {"person_id": np.arange(6) + 100 * number, "household_id": parents, "age": age.astype(np.int32)}
        member_frame = pd.DataFrame(members | {"work": pd.Categorical(work)})
        found.append((f"county={county}", root_frame.astype({"tenure": "category"}), member_frame))
    return found
