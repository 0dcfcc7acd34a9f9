"""Controls that belong together: the classes of one target table, checked against each other and their total.

Published counts tell what was meant where the expressions do not: classes that add up to the total partition it,
whatever their expressions say. What cannot be settled so is left out, and said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from schemas.imports import Finding
from synthesis.control_domains import Domain, truth_over
from synthesis.control_expressions import columns_of
from synthesis.control_repairs import settle
from synthesis.controls import Control, Group, Published, adds_up, finding_of

NEARLY = 0.10
"""The same for classes whose expressions cover everything: rounding, other universes, double counts."""
IMPOSSIBLE_SHARE = 0.05
"""Share of the zones in which part of a whole may exceed it before the counts are held to be something else."""
EVEN_ZONES = 20


def form_groups(
    controls: Sequence[Control], domains: Mapping[tuple[str, str], Domain], published: Published
) -> tuple[list[Group], list[Finding]]:
    """The groups that can be used, and what was noticed while forming them."""
    findings = _even_fields(controls, published)
    formed = _merge(_by_columns(controls, domains), domains, published, findings)
    settled = [part for group in formed for part in settle(group, published, findings)]
    judged = (_judge(group, published, findings) for group in settled)
    return [group for group in judged if group is not None], findings


def _even_fields(controls: Sequence[Control], published: Published) -> list[Finding]:
    found = []
    for control in controls:
        counts = published.counts[control.target]
        if (counts > 0).sum() >= EVEN_ZONES and not (counts % 2).any():
            text = f"every count of {control.field} is even, as if rows had been added to their own subtotals"
            found.append(finding_of("doubtful", [control], text))
    return found


def _by_columns(controls: Sequence[Control], domains: Mapping[tuple[str, str], Domain]) -> list[Group]:
    keyed: dict[tuple[str, str, tuple[str, ...]], list[Control]] = {}
    for control in controls:
        columns = tuple(sorted(set(columns_of(control.test))))
        keyed.setdefault((control.table, control.geography, columns), []).append(control)
    return [_group(members, domains) for members in keyed.values()]


def _group(controls: Sequence[Control], domains: Mapping[tuple[str, str], Domain]) -> Group:
    columns = tuple(dict.fromkeys(name for control in controls for name in columns_of(control.test)))
    seen = [domains[controls[0].table, name] for name in columns]
    points, truth = truth_over([control.test for control in controls], seen)
    return Group(tuple(controls), columns, tuple(points), truth)


def _merge(
    groups: list[Group], domains: Mapping[tuple[str, str], Domain], published: Published, findings: list[Finding]
) -> list[Group]:
    """Groups that share a column and add up to the total only together are one."""
    result: list[Group] = []
    for group in groups:
        partner = None if adds_up(group, published) else _partner(group, result, domains, published)
        if partner is None:
            result.append(group)
            continue
        joined = _group((*partner.controls, *group.controls), domains)
        result[result.index(partner)] = joined
        findings.append(finding_of("noted", joined.controls, "add up to the total only together: read as one table"))
    return result


def _partner(
    group: Group, others: list[Group], domains: Mapping[tuple[str, str], Domain], published: Published
) -> Group | None:
    for other in others:
        is_alike = (other.table, other.geography) == (group.table, group.geography)
        if is_alike and set(other.columns) & set(group.columns) and not adds_up(other, published):
            joined = _group((*other.controls, *group.controls), domains)
            if adds_up(joined, published):
                return other
    return None


def _judge(group: Group, published: Published, findings: list[Finding]) -> Group | None:
    """The group with its state, or None if its counts cannot be counts of its classes."""
    total = published.total(group)
    sums = published.of(group.controls).sum(axis=0)
    covers_all = bool(group.truth.any(axis=0).all())
    if total is None:
        return replace(group, state="complete" if covers_all else "part")
    told = f"{sums.sum():,.0f} against {total.sum():,.0f} {group.table}"
    if adds_up(group, published):
        off = np.abs(sums - total)
        if off.max() > 0.5:
            text = f"add up to {told}; they differ in {(off > 0.5).sum()} of {len(off)} {group.geography} units"
            findings.append(finding_of("doubtful", group.controls, text))
        return replace(group, state="complete")
    if covers_all and abs(sums.sum() - total.sum()) <= NEARLY * total.sum():
        text = f"cover everybody but add up to {told}: taken as shares of all {group.table}"
        findings.append(finding_of("doubtful", group.controls, text))
        return replace(group, state="complete")
    over = sums > total + 0.5
    if over.mean() >= IMPOSSIBLE_SHARE:
        text = f"add up to {told}, more than there are in {over.sum()} of {len(over)} {group.geography} units"
        findings.append(finding_of("left out", group.controls, f"{text}: not usable as counts of {group.table}"))
        return None
    return replace(group, state="rest")
