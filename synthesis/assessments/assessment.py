"""The whole assessment of a comparison: every group of figures that was asked for."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from schemas.model import Rule
from synthesis.assessments import answers, classifiers, joints, marginals, records, zones
from synthesis.assessments.figure import Figure, measure_all
from synthesis.assessments.joints import Joint
from synthesis.assessments.labels import LabelTask
from synthesis.comparison import Comparison
from synthesis.metrics.queries import Query

GROUPS = ("marginals", "joints", "zones", "queries", "realism", "C2ST", "utility", "privacy", "diversity")
NEED_SCIKIT_LEARN = ("C2ST", "utility")


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked about a comparison."""

    groups: Collection[str] = GROUPS
    joints: tuple[Joint, ...] = ()
    """Named joints; none: every pair of variables."""
    queries: tuple[Query, ...] = ()
    rules: tuple[Rule, ...] = ()
    labels: Mapping[str, LabelTask] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assessment:
    """All figures, and what they add up to."""

    figures: tuple[Figure, ...]
    query_groups: Mapping[str, Mapping[str, float | None]]
    any_rule: Mapping[str, tuple[float, float]]
    """Per entity, the shares of synthetic and reference records that break any rule."""


def assess(comparison: Comparison, asked: Questions) -> Assessment:
    """The figures, group by group, in the order of GROUPS."""
    wanted = set(asked.groups)
    measures = marginals.marginal_measures(comparison) if "marginals" in wanted else []
    if "joints" in wanted:
        measures += joints.joint_measures(comparison, asked.joints or joints.all_pairs(comparison))
    measures += zones.zone_measures(comparison) if "zones" in wanted else []
    asking, refused = answers.query_measures(comparison, asked.queries) if "queries" in wanted else ([], [])
    figures = [*measure_all(comparison, [*measures, *asking]), *refused]
    figures += answers.realism_figures(comparison, asked.rules) if "realism" in wanted else []
    figures += classifiers.c2st_figures(comparison, list(asked.joints)) if "C2ST" in wanted else []
    figures += classifiers.utility_figures(comparison, asked.labels) if "utility" in wanted else []
    if wanted & {"privacy", "diversity"}:
        figures += [
            figure for group in records.record_figures(comparison) for figure in group if figure.group in wanted
        ]
    means = answers.group_means(figures, asked.queries)
    broken = answers.any_rule(comparison, asked.rules) if "realism" in wanted else {}
    return Assessment(tuple(figures), means, broken)
