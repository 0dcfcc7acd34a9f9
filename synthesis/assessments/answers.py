"""Queries and realism rules: what both sides answer, and how far apart the answers are."""

from collections.abc import Callable, Sequence

import numpy as np

from schemas.errors import MetricError
from schemas.expression import Node
from schemas.model import BoolArray, Rule
from synthesis.assessments.figure import Figure, Measure, refused
from synthesis.comparison import Comparison, can_read
from synthesis.evaluation import obeys
from synthesis.metrics import relative_error
from synthesis.metrics.metric import Metric
from synthesis.metrics.queries import Query, answer
from synthesis.records import Records

QUERIES, REALISM = "queries", "realism"
RULE = Metric("rule_violations", "records that break the rule", 0.0, 1.0, None, "nearer to best is better")


def query_measures(comparison: Comparison, queries: Sequence[Query]) -> tuple[list[Measure], list[Figure]]:
    """The relative error of every query that the reference can answer; the others as refused figures."""
    measures, without = [], []
    root = comparison.scenario.root.name
    for query in queries:
        try:
            if not all(can_read(n, comparison.scenario, comparison.reference) for n in _nodes(query)):
                raise MetricError("the reference lacks a variable that the query reads")
            truth = answer(query, comparison.reference)
        except MetricError as exc:
            without.append(refused(QUERIES, relative_error.METRIC, root, query.name, exc))
            continue
        score, own = _scores(query, truth)
        text = f"{query.group}: {query.text}"
        measures.append(Measure(QUERIES, relative_error.METRIC, root, query.name, score, note=text, answer=own))
    return measures, without


def _nodes(query: Query) -> tuple[Node | None, ...]:
    return query.value, query.among, query.versus


def _scores(query: Query, truth: float) -> tuple[Callable[[Records, Records], float], Callable[[Records], float]]:
    def own(records: Records) -> float:
        return answer(query, records)

    def score(left: Records, right: Records) -> float:
        found, other = own(left), own(right)
        if truth == 0:
            return relative_error.relative_error(found, other)
        return abs(found - other) / abs(truth)

    return score, own


def group_means(figures: Sequence[Figure], queries: Sequence[Query]) -> dict[str, dict[str, float | None]]:
    """Per group of queries, the mean relative error and the mean floor over the queries that have one."""
    group_of = {query.name: query.group for query in queries}
    means = {}
    for key in ("value", "floor"):
        errors = {f.subject: getattr(f, key) for f in figures if f.group == QUERIES and f.value is not None}
        held = {name: error for name, error in errors.items() if error is not None}
        means[key] = relative_error.mean_by_group(held, group_of)
    return {group: {"value": value, "floor": means["floor"].get(group)} for group, value in means["value"].items()}


def realism_figures(comparison: Comparison, rules: Sequence[Rule]) -> list[Figure]:
    """The share of records that break each rule, beside the reference's own share."""
    found = []
    for rule in rules:
        of_members = rule.entity != comparison.scenario.root.name
        held = comparison.reference
        if not all(can_read(node, comparison.scenario, held) for node in (rule.when, rule.then)):
            reason = "the reference lacks a variable that the rule reads"
            found.append(refused(REALISM, RULE, rule.entity, rule.name, reason))
            continue
        shares = [_broken(rule, side, of_members) for side in (comparison.synthetic, held)]
        found.append(
            Figure(
                REALISM,
                RULE,
                rule.entity,
                rule.name,
                shares[0],
                floor=shares[1],
                synthetic=shares[0],
                reference=shares[1],
                note=rule.text,
            )
        )
    return found


def any_rule(comparison: Comparison, rules: Sequence[Rule]) -> dict[str, tuple[float, float]]:
    """Shares (synthetic, reference) of records that break any rule: per entity, and of roots with their members."""
    scenario = comparison.scenario
    readable = [r for r in rules if all(can_read(n, scenario, comparison.reference) for n in (r.when, r.then))]
    broken: dict[str, list[BoolArray]] = {}
    for side in (comparison.synthetic, comparison.reference):
        for entity in comparison.entities:
            of_members = entity is scenario.member
            own = [~obeys(rule, side, of_members) for rule in readable if rule.entity == entity.name]
            nobody = np.zeros(side.member_count if of_members else side.count, dtype=bool)
            broken.setdefault(entity.name, []).append(np.logical_or.reduce([nobody, *own]))
        if len(comparison.entities) > 1:
            root, member = (broken[entity.name][-1] for entity in comparison.entities)
            below = np.bincount(side.parent[member], minlength=side.count) > 0
            broken.setdefault(f"{scenario.root.name} with its members", []).append(root | below)
    return {name: (float(sides[0].mean()), float(sides[1].mean())) for name, sides in broken.items()} if rules else {}


def _broken(rule: Rule, records: Records, of_members: bool) -> float:
    return float(1 - np.mean(obeys(rule, records, of_members)))
