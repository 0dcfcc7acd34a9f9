"""What a prior asks of the grids, and the order in which its variables are settled."""

from dataclasses import replace

from adapters.scenario_files import read_scenario
from synthesis.binning import build_grids
from synthesis.prior_links import linked_variables
from synthesis.prior_order import steps_of
from tests.adapters.examples import write_folder
from tests.adapters.prior_examples import INFORMED, PRIOR


def test_linked_variables_are_exact_or_carried(tmp_path):
    scenario = read_scenario(write_folder(tmp_path, INFORMED))
    assert linked_variables(scenario) == {("person", "age"), ("person", "hours")}
    grids, plain = build_grids(scenario), build_grids(replace(scenario, prior=None))
    assert (grids.of("person", "age").size, plain.of("person", "age").size) == (100, 2)
    assert grids.of("person", "hours").carried


def test_settings_and_conditions_cut_the_grid(tmp_path):
    prior = PRIOR.replace("count(person.age >= 18) == 1", "rent > 1200")
    scenario = read_scenario(write_folder(tmp_path, {**INFORMED, "prior/prior.yaml": prior}))
    edges = set(build_grids(scenario).of("household", "rent").edges.tolist())
    assert {0.0, 500.0, 2000.0} <= edges
    assert any(1200 <= edge < 1200.001 for edge in edges)


def test_what_a_condition_reads_is_settled_first(tmp_path):
    scenario = read_scenario(write_folder(tmp_path, INFORMED))
    assert [step.variable for step in steps_of(scenario, scenario.member)] == ["age", "sex", "hours"]
    prior = PRIOR.replace(
        "    role: spouse\n    variable: age\n", '    role: spouse\n    variable: age\n    when: sex == "male"\n'
    )
    scenario = read_scenario(write_folder(tmp_path / "b", {**INFORMED, "prior/prior.yaml": prior}))
    assert [step.variable for step in steps_of(scenario, scenario.member)] == ["sex", "age", "hours"]


def test_a_relation_that_counts_members_waits_for_them(tmp_path):
    scenario = read_scenario(write_folder(tmp_path, INFORMED))
    (rent,) = steps_of(scenario, scenario.root)
    assert rent.is_late
