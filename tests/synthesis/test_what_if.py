"""A context, and tables that give way to it."""

import pytest

from adapters.scenario_files import read_scenario
from schemas.errors import UserError
from schemas.settings import RunSettings
from synthesis.binning import build_grids
from synthesis.cells import build_coder
from synthesis.what_if import binding, with_what_if
from tests.conftest import ECOMMERCE


def bound(**settings):
    scenario = with_what_if(read_scenario(ECOMMERCE), RunSettings(**settings))
    return scenario, [cells.table.name for cells in binding(build_coder(scenario, build_grids(scenario))).tables]


def test_a_context_replaces_the_scenarios_own():
    scenario, names = bound(context="There will be a concert.")
    assert scenario.context == "There will be a concert."
    assert names == [table.name for table in scenario.tables]


def test_relaxed_tables_are_soft_and_at_last_without_a_say():
    scenario, names = bound(context_strength=0.5, relax="price, gender")
    soft = {t.name: t for t in scenario.tables if t.moe is not None}
    assert set(soft) == {"price", "gender"}
    assert (soft["gender"].moe >= 1.6 * soft["gender"].target).all()
    assert soft["price"].tolerance.value == 1
    assert {"price", "gender"} <= set(names)
    _, names = bound(context_strength=1.0, relax="price")
    assert "price" not in names


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"relax": "prise", "context_strength": 1}, "no table 'prise'"),
        ({"relax": "price"}, "expected more than 0"),
        ({"context_strength": 0.3}, "expected --set relax"),
    ],
)
def test_a_mistake_is_one_line(settings, told):
    with pytest.raises(UserError, match=told):
        bound(**settings)
