"""A hamlet whose tables are counted from its own records, so that whatever is done to the records shows."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from adapters.aggregates_file import aggregates_table
from adapters.scenario_files import read_scenario
from expectations.checkpoint import judge_aggregates, judge_records, judge_summary, judge_volume
from expectations.outcomes import Failure, SuiteOutcome
from schemas.model import Scenario
from synthesis.aggregates import ZONE_SIZES
from synthesis.aims import build_aims
from synthesis.audit import records_from_frames
from synthesis.binning import build_grids
from synthesis.cells import build_coder
from synthesis.discrepancy import discrepancies
from synthesis.recount import recount_frames
from synthesis.summaries import EMPTY, merge_summaries, summarise

Frames = tuple[pd.DataFrame, pd.DataFrame]
Partition = tuple[str, pd.DataFrame, pd.DataFrame]
Mutation = Callable[[list[Partition]], list[Partition]]

COUNTIES = ("001", "003", "005")
BINS = {"0-15": (0, 16), "16-39": (16, 40), "40-64": (40, 65), "65+": (65, 100)}
SCENARIO = """
name: hamlet
zones: {variable: county, crosswalk: zones.csv}
entities:
  household:
    variables:
      persons: {type: integer, range: [1, 4]}
      tenure: {type: category, categories: [owned, rented]}
      heating: {type: category, categories: [gas, electric, none]}
      cooking: {type: category, categories: [gas, electric, none]}
    derived:
      adults: {type: integer, range: [0, 4], value: count(person.age >= 16)}
  person:
    parent: household
    count: persons
    variables:
      age: {type: integer, range: [0, 99]}
      work: {type: category, categories: [at work, not at work]}
targets:
  tenure: {entity: household, variables: [tenure], zone: county, file: tenure.csv, measure: count}
  heating: {entity: household, variables: [heating], file: heating.csv, measure: count}
  cooking: {entity: household, variables: [cooking], file: cooking.csv, measure: count}
  age: {entity: person, variables: [age], file: age.csv, measure: share, tolerance: {share_tvd: 0.005}}
rules:
  - {name: child, entity: person, when: age < 16, then: work == "not at work"}
"""


@dataclass(frozen=True)
class Hamlet:
    """A scenario and the partitions that fit it exactly."""

    scenario: Scenario
    partitions: list[Partition]


def build_hamlet(folder: Path) -> Hamlet:
    """Sixty households in three counties."""
    partitions = [_partition(number, county) for number, county in enumerate(COUNTIES)]
    roots, members = (pd.concat([part[i] for part in partitions]) for i in (1, 2))
    (folder / "scenario.yaml").write_text(SCENARIO)
    pd.DataFrame({"county": COUNTIES}).to_csv(folder / "zones.csv", index=False)
    for name, by in {"tenure": ["county", "tenure"], "heating": ["heating"], "cooking": ["cooking"]}.items():
        roots.groupby(by, sort=False).size().rename("count").reset_index().to_csv(folder / f"{name}.csv", index=False)
    shares = [members["age"].between(low, high, inclusive="left").mean() for low, high in BINS.values()]
    pd.DataFrame({"age": list(BINS), "share": shares}).to_csv(folder / "age.csv", index=False)
    return Hamlet(read_scenario(folder), partitions)


def _partition(number: int, county: str) -> Partition:
    count = np.arange(20)
    persons = count % 4 + 1
    ids = 1000 * number + count
    age = np.arange(persons.sum()) * 7 % 100
    parents = np.repeat(ids, persons)
    people = pd.DataFrame({"person_id": 1000 * number + np.arange(len(age)), "household_id": parents, "age": age})
    work = np.where((age >= 16) & (age % 3 > 0), "at work", "not at work")
    adults = pd.Series(age >= 16).groupby(parents).sum().to_numpy()
    fuels = np.array(["gas", "electric", "none"])
    root = {"household_id": ids, "county": county, "persons": persons}
    root |= {"tenure": np.where(count % 5 < 3, "owned", "rented")}
    root |= {"heating": fuels[np.minimum(count % 6 // 2, 2)], "cooking": fuels[np.minimum(count % 4, 2)]}
    return f"county={county}/b00000{number + 1}", pd.DataFrame(root | {"adults": adults}), people.assign(work=work)


def judge(hamlet: Hamlet, partitions: list[Partition], counted: list[Partition], reads: bool) -> list[SuiteOutcome]:
    """What a validation of the partitions says, by records or by summaries; `counted` is what batches had counted."""
    scenario = hamlet.scenario
    aims = build_aims(scenario, None)
    coder = build_coder(scenario, build_grids(scenario))
    counts = recount_frames(coder, iter(counted))
    aggregates = aggregates_table(scenario, discrepancies(scenario, aims, counts)).to_pandas()
    outcomes = [judge_aggregates(scenario, aggregates), judge_volume(scenario, aims.zone_sizes, counts[ZONE_SIZES])]
    if reads:
        return [*outcomes, judge_records(scenario, partitions)]
    merged = EMPTY
    for _, root, members in partitions:
        ids = (root["household_id"].to_numpy(), members["person_id"].to_numpy(), members["household_id"].to_numpy())
        merged = merge_summaries(merged, summarise(scenario, records_from_frames(scenario, root, members), *ids))
    return [*outcomes, judge_summary(scenario, merged)]


def failures(outcomes: list[SuiteOutcome]) -> list[Failure]:
    """All failures of all suites."""
    return [failure for outcome in outcomes for failure in outcome.failures]
