"""Several variables at once: joint distances, and what is left of them once the margins are taken out."""

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from schemas.errors import MetricError
from schemas.model import Entity
from synthesis.assessments.evidence import is_targeted
from synthesis.assessments.figure import Measure
from synthesis.comparison import Comparison
from synthesis.metrics import association_tvd, conditional_tvd, jensen_shannon, srmse, total_variation
from synthesis.metrics.fixed_bins import FixedBins, fixed_bins
from synthesis.metrics.metric import Metric
from synthesis.records import Records

GROUP = "joints"
MAX_CELLS = 1_000_000
Joint = tuple[Entity, tuple[str, ...]]
Distance = Callable[..., float]
_OF_PAIRS: tuple[tuple[Metric, Distance], ...] = (
    (total_variation.METRIC, total_variation.total_variation),
    (jensen_shannon.METRIC, jensen_shannon.jensen_shannon_distance),
    (conditional_tvd.METRIC, conditional_tvd.conditional_tvd),
    (association_tvd.METRIC, association_tvd.association_tvd),
)
_OF_JOINTS: tuple[tuple[Metric, Distance], ...] = (*_OF_PAIRS[:2], (srmse.METRIC, srmse.srmse))


def all_pairs(comparison: Comparison) -> list[Joint]:
    """Every pair of an entity's variables, and of a member's with a root's."""
    found: list[Joint] = []
    for entity in comparison.entities:
        own = comparison.names(entity)
        found += [(entity, pair) for pair in itertools.combinations(own, 2)]
        if entity is not comparison.scenario.root:
            outer = comparison.names(comparison.scenario.root)
            found += [(entity, (name, root_name)) for name in own for root_name in outer]
    return found


def joint_measures(comparison: Comparison, joints: Sequence[Joint]) -> list[Measure]:
    """The measures of each joint; of a pair, also those with margins removed (given the first variable)."""
    return [measure for joint in joints for measure in _joint_measures(comparison, *joint)]


def _joint_measures(comparison: Comparison, entity: Entity, names: tuple[str, ...]) -> list[Measure]:
    scenario = comparison.scenario
    bins = [fixed_bins(scenario.variable(entity.name, name), comparison.settings.bins) for name in names]
    of_members = entity is scenario.member
    text = " × ".join(str(part.size) for part in bins) + " cells"
    aimed, subject = is_targeted(scenario, entity, names), " × ".join(names)
    found = []
    for metric, distance in _OF_PAIRS if len(names) == 2 else _OF_JOINTS:
        score = _score(names, bins, of_members, distance)
        found.append(Measure(GROUP, metric, entity.name, subject, score, aimed, text))
    return found


def _score(
    names: Sequence[str], bins: Sequence[FixedBins], of_members: bool, distance: Distance
) -> Callable[[Records, Records], float]:
    return lambda left, right: distance(*(count_joint(side, names, bins, of_members) for side in (left, right)))


def count_joint(records: Records, names: Sequence[str], bins: Sequence[FixedBins], of_members: bool) -> np.ndarray:
    """The contingency table, one dimension per variable."""
    shape = tuple(part.size for part in bins)
    if np.prod(shape, dtype=float) > MAX_CELLS:
        raise MetricError(f"{' × '.join(map(str, shape))} cells, expected at most {MAX_CELLS:,}")
    codes = [part.codes(records.column(name, of_members)) for name, part in zip(names, bins, strict=True)]
    flat = np.ravel_multi_index(tuple(codes), shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).reshape(shape)
