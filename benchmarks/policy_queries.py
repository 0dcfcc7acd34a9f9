"""The 16 policy queries of arXiv 2505.14752, asked of households with their members.

Three readings are ours: a household is multigenerational if it has a member under 18 and one of 65 or more; children
are under 18, elderly 65 or more, working-age in between; both adults of a couple are employed if it has exactly two
members of 18 or more, and both are.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from oregon_scenario import Population


@dataclass(frozen=True)
class Query:
    """A question, its group, and the paper's real value and answer (South Carolina)."""

    name: str
    group: str
    paper_real: float
    paper_answer: float


QUERIES = (
    Query("median income with a Black member", "Equity", 58400, 54334),
    Query("multigenerational, non-White member", "Equity", 0.02, 0.01),
    Query("elderly member, income pp < 12,500", "Vulnerability", 0.05, 0.06),
    Query("single female, income pp < 15,000", "Vulnerability", 0.07, 0.10),
    Query("more dependants than working-age", "Vulnerability", 0.31, 0.38),
    Query("Master or Doctorate, nobody employed", "Employment", 0.05, 0.05),
    Query("couples, both adults employed", "Employment", 0.12, 0.17),
    Query("their mean income pp", "Employment", 77984, 79218),
    Query("mean age, owners minus renters", "Household", 14.92, 20.65),
    Query("child and elderly member", "Household", 0.03, 0.03),
    Query("median of mean age", "Demographics", 48.67, 47),
    Query("with a child", "Demographics", 0.32, 0.27),
    Query("no vehicle, income pp < 15,000", "Mobility", 0.01, 0.02),
    Query("child and no vehicle", "Mobility", 0.01, 0.01),
    Query("elderly and no vehicle", "Mobility", 0.01, 0.01),
    Query("3+ vehicles, income pp > 50,000", "Mobility", 0.10, 0.08),
)
GROUPS = ("Demographics", "Employment", "Household", "Mobility", "Vulnerability", "Equity")
PAPER_ERRORS = {
    "Demographics": 0.21,
    "Employment": 0.20,
    "Household": 0.13,
    "Mobility": 0.35,
    "Vulnerability": 0.37,
    "Equity": 0.25,
}


def summarise_households(population: Population) -> pd.DataFrame:
    """One row per household with what the queries ask about."""
    persons = population.persons
    age, employed = persons["age"], persons["employment"] == "Employed"
    facts = pd.DataFrame(
        {
            "household": persons["household"],
            "income": persons["income"],
            "age": age,
            "children": age < 18,
            "elderly": age >= 65,
            "working_age": (age >= 18) & (age < 65),
            "adults": age >= 18,
            "employed": employed,
            "employed_adults": employed & (age >= 18),
            "black": persons["race"] == "Black",
            "non_white": persons["race"] != "White",
            "educated": persons["education"].isin(["Master", "Doctorate"]),
        }
    )
    sums = facts.groupby("household").sum()
    oldest = age.groupby(persons["household"]).nlargest(2)
    sums["oldest_gap"] = oldest.groupby(level=0).max() - oldest.groupby(level=0).min()
    # Where a couple is the only two adults, the two oldest are the couple.
    sums["couple_gap"] = sums["oldest_gap"].where(sums["adults"] == 2)
    eldest_child = age.where(age < 18).groupby(persons["household"]).max()
    sums["child_gap"] = age.groupby(persons["household"]).max() - eldest_child
    own = ["household", "num_persons", "tenure", "householder_type", "num_vehicles"]
    return population.households[own].set_index("household").join(sums)


def answers(households: pd.DataFrame) -> np.ndarray:
    """The 16 answers, in the order of QUERIES."""
    h = households
    per_person, mean_age = h["income"] / h["num_persons"], h["age"] / h["num_persons"]
    couple = h["householder_type"] == "Couple"
    both = couple & (h["adults"] == 2) & (h["employed_adults"] == 2)
    child, elderly = h["children"] > 0, h["elderly"] > 0
    owner, no_vehicle = h["tenure"] == "Owned", h["num_vehicles"] == 0
    return np.array(
        [
            h.loc[h["black"] > 0, "income"].median(),
            (child & elderly & (h["non_white"] > 0)).mean(),
            (elderly & (per_person < 12_500)).mean(),
            ((h["householder_type"] == "Single Female") & (per_person < 15_000)).mean(),
            (h["children"] + h["elderly"] > h["working_age"]).mean(),
            ((h["educated"] > 0) & (h["employed"] == 0)).mean(),
            both.mean(),
            per_person[both].mean(),
            mean_age[owner].mean() - mean_age[~owner].mean(),
            (child & elderly).mean(),
            mean_age.median(),
            child.mean(),
            (no_vehicle & (per_person < 15_000)).mean(),
            (child & no_vehicle).mean(),
            (elderly & no_vehicle).mean(),
            ((h["num_vehicles"] >= 3) & (per_person > 50_000)).mean(),
        ],
        dtype=float,
    )


def relative_errors(found: np.ndarray, real: np.ndarray) -> np.ndarray:
    """Absolute difference over the real value."""
    return np.abs(found - real) / np.abs(real)


def group_means(errors: np.ndarray) -> dict[str, float]:
    """The mean relative error of each group of queries."""
    groups = np.array([query.group for query in QUERIES])
    return {group: float(errors[groups == group].mean()) for group in GROUPS}


def bootstrap_errors(households: pd.DataFrame, rng: np.random.Generator, samples: int) -> np.ndarray:
    """Errors of bootstrap samples of the real households, shape (samples, 16): what sampling alone does."""
    real = answers(households)
    sampled = [households.iloc[rng.integers(0, len(households), len(households))] for _ in range(samples)]
    return np.array([relative_errors(answers(sample), real) for sample in sampled])
