"""One variable at a time: Wasserstein-1 of numbers, TVD and Jensen-Shannon distance over fixed bins."""

from collections.abc import Callable

import numpy as np

from schemas.model import Entity
from synthesis.assessments.evidence import is_targeted
from synthesis.assessments.figure import Measure
from synthesis.comparison import Comparison
from synthesis.metrics import jensen_shannon, srmse, total_variation, wasserstein
from synthesis.metrics.fixed_bins import FixedBins, fixed_bins
from synthesis.records import Records

GROUP = "marginals"
_TABLED = (
    (total_variation.METRIC, total_variation.total_variation),
    (jensen_shannon.METRIC, jensen_shannon.jensen_shannon_distance),
    (srmse.METRIC, srmse.srmse),
)


def marginal_measures(comparison: Comparison) -> list[Measure]:
    """The measures of every variable, derived ones included, that has categories or a declared range."""
    found: list[Measure] = []
    for entity in comparison.entities:
        for name in comparison.names(entity, with_derived=True):
            variable = comparison.scenario.variable(entity.name, name)
            if variable.kind == "category" or np.isfinite(variable.low):
                found += _variable_measures(comparison, entity, name)
    return found


def _variable_measures(comparison: Comparison, entity: Entity, name: str) -> list[Measure]:
    variable = comparison.scenario.variable(entity.name, name)
    bins = fixed_bins(variable, comparison.settings.bins)
    of_members = entity is comparison.scenario.member
    aimed = is_targeted(comparison.scenario, entity, (name,))
    found = []
    if variable.kind != "category":
        score = _values_score(name, of_members)
        unit = getattr(variable, "unit", "")
        found.append(Measure(GROUP, wasserstein.METRIC, entity.name, name, score, aimed, "none", unit))
    for metric, distance in _TABLED:
        score = _table_score(name, of_members, bins, distance)
        found.append(Measure(GROUP, metric, entity.name, name, score, aimed, bins.text))
    return found


def _values_score(name: str, of_members: bool) -> Callable[[Records, Records], float]:
    return lambda left, right: wasserstein.wasserstein_1(left.column(name, of_members), right.column(name, of_members))


def _table_score(
    name: str, of_members: bool, bins: FixedBins, distance: Callable[..., float]
) -> Callable[[Records, Records], float]:
    def count(records: Records) -> np.ndarray:
        return np.bincount(bins.codes(records.column(name, of_members)), minlength=bins.size)

    return lambda left, right: distance(count(left), count(right))
