"""What a classifier makes of the records: the two-sample test, and utility for learning a label.

Both use halves of the reference: the floor is what the second half scores against the first under the same conditions.
"""

from collections.abc import Callable, Mapping

import numpy as np

from schemas.errors import MetricError
from schemas.model import IntArray
from synthesis.assessments.figure import Figure, refused
from synthesis.assessments.joints import Joint
from synthesis.comparison import Comparison, HeldOut, hold_out
from synthesis.metrics import c2st, utility
from synthesis.metrics.features import entity_points, household_points
from synthesis.records import Records

C2ST, UTILITY = "C2ST", "utility"
MAX_RECORDS = 5_000
Points = Callable[[Records], np.ndarray]
Labels = Callable[[Records], IntArray]


def c2st_figures(comparison: Comparison, joints: list[Joint]) -> list[Figure]:
    """Gap and signed gap for whole records of every entity, and for the named joints."""
    try:
        halves = hold_out(comparison, MAX_RECORDS)
    except MetricError as exc:
        return [refused(C2ST, c2st.METRIC, comparison.scenario.root.name, "whole record", exc)]
    found = []
    for i, (entity, subject, points) in enumerate(_subjects(comparison, joints)):
        found += _c2st(comparison, halves, i, entity, subject, points)
    return found


def _subjects(comparison: Comparison, joints: list[Joint]) -> list[tuple[str, str, Points]]:
    scenario = comparison.scenario
    root, names = scenario.root, comparison.names(scenario.root)
    subjects: list[tuple[str, str, Points]] = [
        (root.name, "all variables", lambda records: entity_points(scenario, records, root, names))
    ]
    if len(comparison.entities) > 1 and scenario.member is not None:
        member, own = scenario.member, comparison.names(scenario.member)
        both = [*own, *names]
        subjects.append((member.name, "all variables", lambda r: entity_points(scenario, r, member, both)))
        subjects.append((root.name, "with its members", lambda r: household_points(scenario, r, names, own)))
    for entity, joint in joints:
        subjects.append((entity.name, " × ".join(joint), _joint_points(comparison, (entity, joint))))
    return subjects


def _joint_points(comparison: Comparison, joint: Joint) -> Points:
    return lambda records: entity_points(comparison.scenario, records, *joint)


def _c2st(comparison: Comparison, halves: HeldOut, key: int, entity: str, subject: str, points: Points) -> list[Figure]:
    sides = [points(side) for side in (halves.synthetic, halves.first, halves.second)]
    size = min(MAX_RECORDS, *(len(side) for side in sides))
    rng = comparison.rng(0, key)
    sides = [side[np.sort(rng.choice(len(side), size, replace=False))] for side in sides]
    try:
        gap = c2st.c2st_signed_gap(sides[0], sides[1], comparison.rng(1, key))
        noise = c2st.c2st_signed_gap(sides[2], sides[1], comparison.rng(1, key))
    except MetricError as exc:
        return [refused(C2ST, c2st.METRIC, entity, subject, exc)]
    note = f"{size:,} records on each side"
    return [
        Figure(C2ST, c2st.METRIC, entity, subject, abs(gap), floor=abs(noise), note=note),
        Figure(C2ST, c2st.SIGNED, entity, subject, gap, floor=noise, note=note),
    ]


def utility_figures(comparison: Comparison, labels: Mapping[str, tuple[str, Labels, list[str]]]) -> list[Figure]:
    """Accuracy and macro F1 per label and model; `labels` name (entity, coder of records, variables to learn from)."""
    found: list[Figure] = []
    for i, (name, (entity, coder, variables)) in enumerate(labels.items()):
        try:
            halves = hold_out(comparison, MAX_RECORDS)
        except MetricError as exc:
            found.append(refused(UTILITY, utility.ACCURACY, entity, name, exc))
            continue
        of = comparison.scenario.entity(entity)
        sides = [
            (entity_points(comparison.scenario, side, of, variables), coder(side))
            for side in (halves.synthetic, halves.second, halves.first)
        ]
        for j, model in enumerate(utility.MODELS):
            found += _utility(comparison, (i, j), entity, f"{name}, {model}", model, sides)
    return found


def _utility(
    comparison: Comparison,
    key: tuple[int, int],
    entity: str,
    subject: str,
    model: str,
    sides: list[tuple[np.ndarray, IntArray]],
) -> list[Figure]:
    synthetic, other, tested = sides
    try:
        scores = [
            utility.train_and_test(model, trained, tested, comparison.rng(2, *key)) for trained in (synthetic, other)
        ]
    except MetricError as exc:
        return [refused(UTILITY, utility.ACCURACY, entity, subject, exc)]
    note = f"trained on {len(synthetic[1]):,}, tested on {len(tested[1]):,} real records; floor: trained on real ones"
    metrics = utility.ACCURACY, utility.MACRO_F1
    return [
        Figure(UTILITY, metric, entity, subject, scores[0][i], floor=scores[1][i], note=note)
        for i, metric in enumerate(metrics)
    ]
