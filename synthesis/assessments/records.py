"""Whole records: privacy (copies, closest records) and diversity, beside what real records do among themselves."""

import numpy as np

from schemas.errors import MetricError
from schemas.model import Entity
from synthesis.assessments.figure import Figure, refused
from synthesis.comparison import Comparison, HeldOut, hold_out
from synthesis.metrics import closest_record, diversity, exact_copies
from synthesis.metrics.features import NO_MEMBER, entity_points, household_points, whole_rows
from synthesis.metrics.fixed_bins import fixed_bins
from synthesis.metrics.metric import Metric
from synthesis.records import Records

PRIVACY, DIVERSITY = "privacy", "diversity"
MAX_RECORDS = 5_000


def record_figures(comparison: Comparison) -> tuple[list[Figure], list[Figure]]:
    """Privacy and diversity figures of root records, with their members if there are any."""
    root = comparison.scenario.root.name
    try:
        halves = hold_out(comparison, MAX_RECORDS)
    except MetricError as exc:
        return [refused(PRIVACY, exact_copies.METRIC, root, "whole record", exc)], []
    return _privacy(comparison, halves), _diversity(comparison, halves)


def _privacy(comparison: Comparison, halves: HeldOut) -> list[Figure]:
    root = comparison.scenario.root.name
    subject = "with its members" if len(comparison.entities) > 1 else "whole record"
    rows = [_whole(comparison, side) for side in (halves.synthetic, halves.first, halves.second)]
    width = max(part.shape[1] for part in rows)
    rows = [np.pad(part, ((0, 0), (0, width - part.shape[1])), constant_values=NO_MEMBER) for part in rows]
    note = f"{halves.first.count:,} records against {halves.first.count:,} real ones; floor: other real records"
    copies = [exact_copies.exact_copies(side, rows[1]) for side in (rows[0], rows[2])]
    found = [Figure(PRIVACY, exact_copies.METRIC, root, subject, copies[0], floor=copies[1], note=note)]
    points = [_points(comparison, side) for side in (halves.synthetic, halves.first, halves.second)]
    to_first, to_second = (closest_record.closest_distances(points[0], side) for side in points[1:])
    usual = closest_record.closest_distances(points[2], points[1])
    try:
        ratio = closest_record.closest_record_ratio(to_first, usual)
        found.append(Figure(PRIVACY, closest_record.METRIC, root, subject, ratio, floor=1.0, note=note))
    except MetricError as exc:
        found.append(refused(PRIVACY, closest_record.METRIC, root, subject, exc))
    share = closest_record.closer_than_holdout(to_first, to_second)
    return [*found, Figure(PRIVACY, closest_record.CLOSER, root, subject, share, floor=0.5, note=note)]


def _diversity(comparison: Comparison, halves: HeldOut) -> list[Figure]:
    found = []
    note = f"of {halves.first.count:,} records each"
    root = comparison.scenario.root.name
    subject = "with its members" if len(comparison.entities) > 1 else "whole record"
    sides = halves.synthetic, halves.first
    for metric, score in (
        (diversity.DISTINCT, diversity.distinct_share),
        (diversity.DUPLICATE, diversity.duplicate_share),
    ):
        values = [score(_whole(comparison, side)) for side in sides]
        found.append(_beside(metric, root, subject, values, note))
    for entity in comparison.entities:
        values = [diversity.entropy_bits(_cells(comparison, entity, side)) for side in sides]
        found.append(_beside(diversity.ENTROPY, entity.name, "all variables, binned", values, note))
    return found


def _beside(metric: Metric, entity: str, subject: str, values: list[float], note: str) -> Figure:
    return Figure(
        DIVERSITY,
        metric,
        entity,
        subject,
        values[0],
        floor=values[1],
        synthetic=values[0],
        reference=values[1],
        note=note,
    )


def _whole(comparison: Comparison, records: Records) -> np.ndarray:
    return whole_rows(records, *_names(comparison))


def _points(comparison: Comparison, records: Records) -> np.ndarray:
    names = _names(comparison)
    if not names[1]:
        return entity_points(comparison.scenario, records, comparison.scenario.root, names[0])
    return household_points(comparison.scenario, records, *names)


def _names(comparison: Comparison) -> tuple[list[str], list[str]]:
    scenario = comparison.scenario
    below = comparison.names(scenario.member) if len(comparison.entities) > 1 and scenario.member else []
    return comparison.names(scenario.root), below


def _cells(comparison: Comparison, entity: Entity, records: Records) -> np.ndarray:
    of_members = entity is comparison.scenario.member
    codes: list[np.ndarray] = []
    for name in comparison.names(entity):
        bins = fixed_bins(comparison.scenario.variable(entity.name, name), comparison.settings.bins)
        codes.append(bins.codes(records.column(name, of_members)))
    return np.stack(codes, axis=1)
