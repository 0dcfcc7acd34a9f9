"""Records as points and rows: equal for equal households, whatever the order of their members."""

import numpy as np

from schemas.model import Entity, Scenario, Variable
from synthesis.metrics.features import entity_points, household_points, whole_rows
from synthesis.records import Records

TENURE = Variable("tenure", "category", categories=("owned", "rented"))
SIZE = Variable("size", "integer", low=1, high=4)
AGE = Variable("age", "integer", low=0, high=100)
WORK = Variable("work", "category", categories=("yes", "no"))
SCENARIO = Scenario(
    "homes",
    Entity("household", (SIZE, TENURE)),
    (),
    Entity("person", (AGE, WORK), parent="household", count="size"),
)


def records(ages, works):
    root = {"size": np.array([2, 2]), "tenure": np.array([0, 1])}
    return Records(2, root, {"age": np.array(ages), "work": np.array(works)}, np.array([0, 0, 1, 1]))


def test_distance_of_two_categories_is_one_and_numbers_are_scaled():
    points = entity_points(SCENARIO, records([0, 50, 20, 20], [0, 0, 1, 1]), SCENARIO.member, ["age", "work", "tenure"])
    assert np.abs(points[0] - points[1]).sum() == 0.5
    assert np.abs(points[1] - points[2]).sum() == 0.3 + 1 + 1


def test_a_household_is_the_same_in_whatever_order_its_members_stand():
    one, other = records([30, 5, 70, 68], [0, 1, 1, 0]), records([5, 30, 68, 70], [1, 0, 0, 1])
    for describe in (whole_rows, lambda *args: household_points(SCENARIO, *args)):
        assert np.array_equal(
            describe(one, ["size", "tenure"], ["age", "work"]), describe(other, ["size", "tenure"], ["age", "work"])
        )
    swapped = records([30, 5, 70, 68], [1, 0, 1, 0])
    assert not np.array_equal(
        whole_rows(one, ["size"], ["age", "work"]), whole_rows(swapped, ["size"], ["age", "work"])
    )


def test_a_household_is_profiled_by_mean_lowest_and_highest_age():
    points = household_points(SCENARIO, records([30, 10, 70, 60], [0, 1, 1, 1]), ["size"], ["age", "work"])
    assert points[0, 1:4].tolist() == [0.2, 0.1, 0.3]
    assert points[:, 4:].tolist() == [[0.25, 0.25], [0.0, 0.5]]
