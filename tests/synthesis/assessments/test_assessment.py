"""An assessment as a whole: identical records score best, others worse, and nothing is ever NaN."""

import math

import numpy as np
import pytest

from schemas.model import Entity, Scenario, Variable, Zones
from synthesis.assessments.assessment import Questions, assess
from synthesis.assessments.labels import ecommerce_labels, named_labels
from synthesis.comparison import ComparisonSettings, compare
from synthesis.records import Records
from tests.strategies import category_axis, table

COUNTY = Variable("county", "category", categories=("x", "y"))
SEX = Variable("sex", "category", categories=("f", "m"))
AGE = Variable("age", "integer", low=0, high=99)
ZONES = Zones("county", ("county",), {"county": ("x", "y")}, {"county": np.arange(2)}, "county")
SCENARIO = Scenario(
    "small", Entity("trip", (COUNTY, SEX, AGE)), (table("sex", [category_axis(SEX)], [1, 1]),), zones=ZONES
)
SETTINGS = ComparisonSettings(random_seed=5, resamples=4)


def people(rng, count, is_linked):
    """Ages that follow sex, or do not."""
    sex = rng.integers(0, 2, count)
    age = rng.integers(0, 50, count) + 50 * (sex if is_linked else rng.integers(0, 2, count))
    return Records(count, {"county": rng.integers(0, 2, count), "sex": sex, "age": age})


def figures(synthetic, reference, **asked):
    comparison = compare(SCENARIO, synthetic, reference, SETTINGS)
    found = assess(comparison, Questions(labels=named_labels(comparison, ["sex"]), **asked)).figures
    return {(f.group, f.metric.name, f.subject): f for f in found}


@pytest.fixture(scope="module")
def linked():
    return people(np.random.default_rng(1), 400, True)


def test_every_figure_is_a_number_within_bounds_or_has_a_reason(linked):
    for figure in figures(people(np.random.default_rng(2), 300, False), linked).values():
        if figure.value is None:
            assert figure.reason
        else:
            assert figure.metric.low <= figure.value <= figure.metric.high
            assert figure.floor is None or math.isfinite(figure.floor)


def test_the_reference_itself_is_at_its_best(linked):
    found = figures(linked, linked, groups=("marginals", "joints", "zones"))
    assert len(found) == 3 * 3 + 1 + 3 * 4 + 2 * 2
    assert all(f.value == pytest.approx(f.metric.best, abs=1e-6) for f in found.values())


def test_a_fresh_sample_lies_at_the_floor_and_a_broken_relation_above_it(linked):
    key = "joints", "association_tvd", "sex × age"
    asked = ("joints", "C2ST", "utility")
    fresh = figures(people(np.random.default_rng(3), 400, True), linked, groups=asked)
    broken = figures(people(np.random.default_rng(3), 400, False), linked, groups=asked)
    assert fresh[key].value < 1.5 * fresh[key].floor
    assert broken[key].value > 3 * broken[key].floor
    assert broken["C2ST", "c2st_gap", "all variables"].value > fresh["C2ST", "c2st_gap", "all variables"].value + 0.1
    accuracy = "utility", "utility_accuracy", "sex, forest"
    assert fresh[accuracy].value > broken[accuracy].value + 0.2


def test_copies_are_found(linked):
    found = figures(linked, linked, groups=("privacy",))
    assert (
        found["privacy", "exact_copies", "whole record"].value > found["privacy", "exact_copies", "whole record"].floor
    )


def test_same_seed_same_figures_whatever_the_order_of_synthetic_marginals(linked):
    synthetic = people(np.random.default_rng(4), 200, True)
    asked = ("marginals", "joints", "C2ST", "privacy", "diversity")
    first, again = figures(synthetic, linked, groups=asked), figures(synthetic, linked, groups=asked)
    assert first == again
    shuffled = figures(
        synthetic.take(np.random.default_rng(5).permutation(200)), linked, groups=("marginals", "joints")
    )
    for key, figure in shuffled.items():
        assert figure.value == pytest.approx(first[key].value, abs=1e-12)


def test_evidence_tells_what_a_table_held(linked):
    found = figures(linked, linked, groups=("marginals",))
    assert found["marginals", "total_variation", "sex"].is_targeted
    assert not found["marginals", "total_variation", "age"].is_targeted


def test_ecommerce_labels_only_where_their_variables_are(linked):
    assert ecommerce_labels(compare(SCENARIO, linked, linked, SETTINGS)) == {}
