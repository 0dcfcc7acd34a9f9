"""Tables held out: out of the targets, yet counted and compared."""

import numpy as np
import pytest
from hypothesis import assume, given, settings

from schemas.errors import UserError
from synthesis.aggregates import ZONE_SIZES, count_records, dense_counts, sparse_counts
from synthesis.aims import build_aims
from synthesis.held_out import held_out_discrepancies, hold_out
from tests.strategies import Example, compiled, nested_scenarios


@settings(max_examples=25, derandomize=True, deadline=None)
@given(nested_scenarios(60))
def test_a_held_out_table_is_counted_but_shapes_neither_grids_nor_aims(example: Example) -> None:
    scenario, last = example.scenario, example.scenario.tables[-1]
    assume(len(scenario.tables) > 1)
    apart = hold_out(scenario, [last.name])
    coder = compiled(apart)

    assert [table.name for table in apart.held_out] == [last.name]
    assert coder.grids.grids.keys() <= compiled(scenario).grids.grids.keys()
    assert last.name not in build_aims(apart, None).targets
    counts, every = count_records(coder, example.population), count_records(compiled(scenario), example.population)
    assert {name: held.tolist() for name, held in counts.items()} == {n: held.tolist() for n, held in every.items()}
    assert all((dense_counts(apart, sparse_counts(counts))[name] == counts[name]).all() for name in counts)
    (part,) = held_out_discrepancies(apart, None, counts)
    np.testing.assert_allclose(part.discrepancy, 0, atol=1e-9)
    assert counts[ZONE_SIZES].sum() == example.population.count


@given(nested_scenarios(20))
@settings(max_examples=5, derandomize=True, deadline=None)
def test_names_that_cannot_be_held_out_are_refused(example: Example) -> None:
    with pytest.raises(UserError, match=r"--hold-out nothing: no such table \(expected one of: t0"):
        hold_out(example.scenario, ["nothing"])
    with pytest.raises(UserError, match="every table"):
        hold_out(example.scenario, [table.name for table in example.scenario.tables])
    assert hold_out(example.scenario, []) is example.scenario
