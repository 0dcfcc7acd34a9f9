"""Zone by zone: SRMSE over zones and cells, and the share of zones whose table is met."""

from collections.abc import Callable

from schemas.model import Entity
from synthesis.assessments.evidence import is_targeted
from synthesis.assessments.figure import Measure
from synthesis.assessments.joints import count_joint
from synthesis.comparison import Comparison
from synthesis.metrics import srmse, zones_met
from synthesis.metrics.fixed_bins import FixedBins, fixed_bins
from synthesis.records import Records

GROUP = "zones"


def zone_measures(comparison: Comparison) -> list[Measure]:
    """Per variable, its table by zone; nothing if the scenario or the reference has no zones."""
    zones = comparison.scenario.zones
    if zones is None or zones.variable not in comparison.reference.root:
        return []
    found: list[Measure] = []
    for entity in comparison.entities:
        for name in comparison.names(entity):
            if name != zones.variable:
                found += _measures(comparison, entity, zones.variable, name)
    return found


def _measures(comparison: Comparison, entity: Entity, zone: str, name: str) -> list[Measure]:
    scenario = comparison.scenario
    names = (zone, name)
    bins = tuple(fixed_bins(scenario.variable(entity.name, each), comparison.settings.bins) for each in names)
    aimed = is_targeted(scenario, entity, names)
    text = f"{bins[0].size} zones × {bins[1].text}"
    found = []
    for metric, distance in ((srmse.METRIC, srmse.srmse), (zones_met.METRIC, zones_met.zones_met)):
        score = _score(names, bins, entity is scenario.member, distance)
        note = f"TVD at most {zones_met.LIMIT:g}" if metric is zones_met.METRIC else ""
        found.append(Measure(GROUP, metric, entity.name, name, score, aimed, text, note))
    return found


def _score(
    names: tuple[str, ...], bins: tuple[FixedBins, ...], of_members: bool, distance: Callable[..., float]
) -> Callable[[Records, Records], float]:
    return lambda left, right: distance(*(count_joint(side, names, bins, of_members) for side in (left, right)))
