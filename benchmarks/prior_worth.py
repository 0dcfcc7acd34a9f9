"""What a proposer's idea of the dependence is worth where nobody publishes the joints; and record-by-record writing.

    python -m benchmarks.prior_worth [--seeds 3]

The e-commerce marginals are given, its joints held out. A simulated proposer of stated quality q draws its proposals
from q x (the truth's joint) + (1 - q) x (independence); the run meets the marginals and keeps its dependence. Reported
is the mean conditional TVD of the held-out joints (each row of the joint against the truth's, weighted), beside
independence and beside records written one by one from the same proposer ("naive": no plan, no balancing), on the
marginals too. A test instrument of known quality, not a language model.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from adapters.scenario_files import read_scenario
from schemas.exchange import Answer
from schemas.model import FloatArray, Scenario, TargetTable
from schemas.proposal import Category, Proposal, Range, Value
from schemas.settings import RunSettings
from synthesis.aggregates import count_records, no_counts
from synthesis.aims import build_aims
from synthesis.binning import build_grids
from synthesis.cells import build_coder
from synthesis.plan import Plan
from synthesis.proposer import build_proposer
from synthesis.reply_rows import offered_proposals, propose_replies
from synthesis.sampling import draw
from synthesis.unit_plan import plan_unit
from synthesis.units import closed_units

ECOMMERCE = Path(__file__).parents[1] / "scenarios" / "ecommerce"
NAIVE_RECORDS = 2000
CALLS, A_CALL = 12, 20


@dataclass(frozen=True)
class Truth:
    """The scenario's joints as conditional tables, for a proposer of known quality and for the score."""

    joints: tuple[TargetTable, ...]
    marginals: tuple[TargetTable, ...]


def split(scenario: Scenario) -> Truth:
    """Tables over one variable, and over several."""
    joints = tuple(table for table in scenario.tables if len(table.axes) > 1)
    return Truth(joints, tuple(table for table in scenario.tables if len(table.axes) == 1))


def write_proposals(scenario: Scenario, truth: Truth, quality: float, rng: np.random.Generator) -> list[Proposal]:
    """Proposals of one record each: every joint in turn given what is set already, independent with 1 - quality."""
    found = []
    for _ in range(CALLS * A_CALL):
        bins: dict[str, int] = {}
        follows = rng.random() < quality
        for table in truth.joints:
            names = [axis.variable for axis in table.axes]
            values = table.target[0]
            if follows:
                values = values[tuple(bins[name] if name in bins else slice(None) for name in names)]
                left = [name for name in names if name not in bins]
                places = np.unravel_index(rng.choice(values.size, p=values.ravel() / values.sum()), values.shape)
                bins |= dict(zip(left, (int(place) for place in places), strict=True))
                continue
            for position, name in enumerate(names):
                if name not in bins:
                    margin = values.sum(axis=tuple(i for i in range(len(names)) if i != position))
                    bins[name] = int(rng.choice(len(margin), p=margin / margin.sum()))
        found.append(_proposal(truth, bins))
    return found


def _proposal(truth: Truth, bins: dict[str, int]) -> Proposal:
    values: dict[str, Value] = {}
    for table in truth.joints:
        for axis in table.axes:
            place = bins[axis.variable]
            if axis.lows is None or axis.highs is None:
                values[axis.variable] = Category(category=axis.labels[place])
            else:
                values[axis.variable] = Range(low=float(axis.lows[place]), high=float(axis.highs[place]))
    return Proposal(values=values, share=1.0)


def conditional_tvd(table: TargetTable, counts: FloatArray) -> float:
    """Mean over the first variables' cells of the distance of the last variable's distribution, weighted."""
    truth, ours = table.target[0].reshape(-1, len(table.axes[-1])), counts.reshape(-1, len(table.axes[-1]))
    rows = truth.sum(axis=1, keepdims=True)
    even = ours.sum(axis=0, keepdims=True) / max(float(ours.sum()), 1.0)
    have = ours.sum(axis=1, keepdims=True)
    given = np.where(have > 0, ours / np.maximum(have, 1e-300), even)
    distance = 0.5 * np.abs(truth / np.maximum(rows, 1e-300) - given).sum(axis=1)
    return float((distance * rows.ravel()).sum() / rows.sum())


def tvd(table: TargetTable, counts: FloatArray) -> float:
    """Distance of the shares."""
    truth, ours = table.target.ravel(), counts.ravel()
    return float(0.5 * np.abs(truth / truth.sum() - ours / max(float(ours.sum()), 1.0)).sum())


def score(
    scenario: Scenario, truth: Truth, proposals: Sequence[Proposal], is_naive: bool, seed: int
) -> tuple[float, float]:
    """Mean conditional TVD of the held-out joints, and mean TVD of the marginals."""
    given = replace(scenario, tables=truth.marginals, prior=None)
    # The joints' bins stay in the grid, so that ranges of proposals and counts agree; no allocation sees them.
    coder, whole = build_coder(given, build_grids(scenario)), build_coder(scenario, build_grids(scenario))
    settings = RunSettings(proposer="anthropic" if proposals else "offline", chain_share=0.0, random_seed=seed)
    (unit,) = closed_units(given)
    answers = [Answer(request_id="r01", round=1, proposals=tuple(proposals), is_answered=True)] if proposals else []
    rng = np.random.default_rng(seed)
    if is_naive:
        rows = np.zeros(NAIVE_RECORDS, dtype=np.int64)
        drawn = propose_replies(
            build_proposer(coder, unit.zone_array), offered_proposals(answers), unit.zone_array, rows, rng
        )
        plan, chosen = drawn.plan, rng.choice(drawn.plan.count, NAIVE_RECORDS, p=_weights(drawn.plan))
    else:
        aims = build_aims(given, NAIVE_RECORDS)
        made = plan_unit(coder, settings, aims, unit, 1, 1.0, no_counts(given), offered=offered_proposals(answers))
        plan, chosen = made.plan, np.repeat(np.arange(made.plan.count), made.counts)
    records = draw(given, coder.grids, plan, chosen, rng, 50).records
    counts = count_records(whole, records)
    joints = [conditional_tvd(table, counts[table.name].astype(float)) for table in truth.joints]
    marginals = [tvd(table, counts[table.name].astype(float)) for table in truth.marginals]
    return float(np.mean(joints)), float(np.mean(marginals))


def _weights(plan: Plan) -> FloatArray:
    return plan.prior / plan.prior.sum()


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    scenario = read_scenario(ECOMMERCE)
    truth = split(scenario)
    print(f"marginals given, joints held out; {CALLS} calls of {A_CALL}, {NAIVE_RECORDS} records, {given.seeds} seeds")
    print(f"{'proposer':28} {'conditional TVD of joints':>26} {'TVD of marginals':>18}")
    cases = [("independence (offline)", None, False)]
    cases += [(f"quality {quality:g}, balanced", quality, False) for quality in (0.0, 0.5, 0.8, 1.0)]
    cases += [(f"quality {quality:g}, naive", quality, True) for quality in (0.5, 1.0)]
    for name, quality, is_naive in cases:
        found = []
        for seed in range(given.seeds):
            rng = np.random.default_rng([seed, 7])
            proposals = [] if quality is None else write_proposals(scenario, truth, quality, rng)
            found.append(score(scenario, truth, proposals, is_naive, seed))
        joint, marginal = np.mean(found, axis=0)
        print(f"{name:28} {joint:26.4f} {marginal:18.4f}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
