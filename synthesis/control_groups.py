"""Controls that belong together: the classes of one target table, checked against each other and their total.

Published counts tell what was meant where the expressions do not: classes that add up to the total partition it,
whatever their expressions say. What cannot be settled so is left out, and said.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from schemas.imports import Finding, FindingKind
from schemas.model import BoolArray, FloatArray, IntArray
from synthesis.control_domains import Domain, Region, truth_over
from synthesis.control_expressions import Test, columns_of

ADDS_UP = 0.01
"""Share of the total by which classes that partition it may miss it, absolute misses summed over the zones."""
NEARLY = 0.10
"""The same for classes whose expressions cover everything: rounding, other universes, double counts."""
IMPOSSIBLE_SHARE = 0.05
"""Share of the zones in which part of a whole may exceed it before the counts are held to be something else."""
EVEN_ZONES = 20

State = Literal["complete", "rest", "part"]


@dataclass(frozen=True, slots=True)
class Control:
    """One row of the controls file."""

    target: str
    geography: str
    table: str
    field: str
    importance: float
    text: str
    test: Test
    where: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Classes of one target table; `truth[i, p]` tells whether point p is in class i.

    complete: the classes partition everybody. rest: what they leave is total minus classes. part: there is no total.
    """

    controls: tuple[Control, ...]
    columns: tuple[str, ...]
    points: tuple[Mapping[str, Region], ...]
    truth: BoolArray
    state: State = "part"

    @property
    def table(self) -> str:
        """The seed table."""
        return self.controls[0].table

    @property
    def geography(self) -> str:
        """The geography of the counts."""
        return self.controls[0].geography


@dataclass(frozen=True, slots=True)
class Published:
    """Counts per control target and unit, and the entity's total per geography and seed table."""

    counts: dict[str, FloatArray]
    totals: Mapping[tuple[str, str], FloatArray]

    def of(self, controls: Sequence[Control]) -> FloatArray:
        """Counts of shape (controls, units)."""
        return np.array([self.counts[control.target] for control in controls])

    def total(self, group: Group) -> FloatArray | None:
        """The total that the group is part of, per unit."""
        return self.totals.get((group.geography, group.table))


def form_groups(
    controls: Sequence[Control], domains: Mapping[tuple[str, str], Domain], published: Published
) -> tuple[list[Group], list[Finding]]:
    """The groups that can be used, and what was noticed while forming them."""
    findings = _even_fields(controls, published)
    formed = _merge(_by_columns(controls, domains), domains, published, findings)
    settled = [part for group in formed for part in _settle(group, published, findings)]
    judged = (_judge(group, published, findings) for group in settled)
    return [group for group in judged if group is not None], findings


def names(controls: Sequence[Control]) -> str:
    """The controls' targets, for people."""
    return ", ".join(control.target for control in controls)


def _finding(kind: FindingKind, controls: Sequence[Control], text: str) -> Finding:
    return Finding(kind, names(controls), text, controls[0].where)


def _even_fields(controls: Sequence[Control], published: Published) -> list[Finding]:
    found = []
    for control in controls:
        counts = published.counts[control.target]
        if (counts > 0).sum() >= EVEN_ZONES and not (counts % 2).any():
            text = f"every count of {control.field} is even, as if rows had been added to their own subtotals"
            found.append(_finding("doubtful", [control], text))
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


def _adds_up(group: Group, published: Published) -> bool:
    total = published.total(group)
    counts = published.of(group.controls)
    return total is not None and bool(np.abs(counts.sum(axis=0) - total).sum() <= ADDS_UP * total.sum())


def _merge(
    groups: list[Group], domains: Mapping[tuple[str, str], Domain], published: Published, findings: list[Finding]
) -> list[Group]:
    """Groups that share a column and add up to the total only together are one."""
    result: list[Group] = []
    for group in groups:
        partner = None if _adds_up(group, published) else _partner(group, result, domains, published)
        if partner is None:
            result.append(group)
            continue
        joined = _group((*partner.controls, *group.controls), domains)
        result[result.index(partner)] = joined
        findings.append(_finding("noted", joined.controls, "add up to the total only together: read as one table"))
    return result


def _partner(
    group: Group, others: list[Group], domains: Mapping[tuple[str, str], Domain], published: Published
) -> Group | None:
    for other in others:
        is_alike = (other.table, other.geography) == (group.table, group.geography)
        if is_alike and set(other.columns) & set(group.columns) and not _adds_up(other, published):
            joined = _group((*other.controls, *group.controls), domains)
            if _adds_up(joined, published):
                return other
    return None


def _settle(group: Group, published: Published, findings: list[Finding]) -> list[Group]:
    """The group with classes that exclude each other: repaired, split into several groups, or left out."""
    if not len(group.points):
        findings.append(_finding("left out", group.controls, "too many combinations of values to look at"))
        return []
    group = _fill_empty(group, published, findings)
    is_never: BoolArray = np.asarray(~group.truth.any(axis=1))
    if is_never.any():
        kept = [control for control, never in zip(group.controls, is_never, strict=True) if not never]
        lost = [control for control, never in zip(group.controls, is_never, strict=True) if never]
        text = f"no value satisfies `{lost[0].text}`"
        findings.append(_finding("left out", lost, text))
        if not kept:
            return []
        group = replace(group, controls=tuple(kept), truth=group.truth[~is_never])
    if not (group.truth.sum(axis=0) > 1).any():
        return [group]
    if _adds_up(group, published):
        return [_separate(group, published, findings)]
    return _layers(group, published, findings)


def _fill_empty(group: Group, published: Published, findings: list[Finding]) -> Group:
    """One class that no value satisfies, beside one gap in classes that add up: the class is the gap."""
    empty = np.flatnonzero(~group.truth.any(axis=1))
    if len(empty) != 1 or len(group.columns) != 1 or not _adds_up(group, published):
        return group
    gap: BoolArray = np.asarray(~group.truth.any(axis=0))
    inner = _runs(gap)
    inner = [run for run in inner if run[0] > 0 and run[-1] < len(gap) - 1] or inner
    if len(inner) != 1:
        return group
    truth = group.truth.copy()
    truth[empty[0], inner[0]] = True
    control = group.controls[empty[0]]
    text = f"no value satisfies `{control.text}`; read as {_span(group, truth[empty[0]])}, which its siblings leave"
    findings.append(Finding("repaired", control.target, text, control.where))
    return replace(group, truth=truth)


def _separate(group: Group, published: Published, findings: list[Finding]) -> Group:
    """Overlapping expressions whose counts partition the total."""
    repaired = _without_typo(group, findings) if len(group.columns) == 1 else _most_specific_first(group, findings)
    return repaired or _joined(group, published, findings)


def _joined(group: Group, published: Published, findings: list[Finding]) -> Group:
    """Classes that overlap, directly or through others, become one: where they divide cannot be told."""
    label = list(range(len(group.controls)))
    for i, j in itertools.combinations(range(len(label)), 2):
        if (group.truth[i] & group.truth[j]).any():
            label = [label[i] if other == label[j] else other for other in label]
    controls, truth = [], []
    for first in dict.fromkeys(label):
        members = [control for control, other in zip(group.controls, label, strict=True) if other == first]
        controls.append(members[0] if len(members) == 1 else _union(members, published))
        truth.append(group.truth[[other == first for other in label]].any(axis=0))
        if len(members) > 1:
            text = "the expressions overlap, and which is wrong cannot be told: read as one class, their counts added"
            findings.append(_finding("repaired", members, text))
    return replace(group, controls=tuple(controls), truth=np.array(truth))


def _union(members: Sequence[Control], published: Published) -> Control:
    target = " + ".join(control.target for control in members)
    published.counts[target] = published.of(members).sum(axis=0)
    return replace(members[0], target=target, field=" + ".join(control.field for control in members))


def _without_typo(group: Group, findings: list[Finding]) -> Group | None:
    """The one class that all overlaps come from gives way to its siblings, if one stretch of values remains."""
    candidates = []
    for i in range(len(group.controls)):
        others = np.delete(group.truth, i, axis=0)
        left = group.truth[i] & ~others.any(axis=0)
        if not (others.sum(axis=0) > 1).any() and len(_runs(left)) == 1:
            candidates.append((i, left))
    if len(candidates) != 1:
        return None
    i, left = candidates[0]
    truth = group.truth.copy()
    truth[i] = left
    control = group.controls[i]
    text = (
        f"`{control.text}` overlaps its siblings although all counts partition the total: a typo, "
        f"read as {_span(group, left)}"
    )
    findings.append(Finding("repaired", control.target, text, control.where))
    return replace(group, truth=truth)


def _most_specific_first(group: Group, findings: list[Finding]) -> Group | None:
    order = np.argsort(group.truth.sum(axis=1), kind="stable")
    truth = group.truth[order]
    earlier: IntArray = np.cumsum(truth, axis=0) - truth
    truth = truth & (earlier == 0)
    if not truth.any(axis=1).all():
        return None
    controls = tuple(group.controls[i] for i in order)
    text = (
        "the expressions overlap although the counts partition the total: read as exclusive, "
        f"the first that holds in the order {names(controls)}"
    )
    findings.append(_finding("repaired", group.controls, text))
    return replace(group, controls=controls, truth=truth)


def _layers(group: Group, published: Published, findings: list[Finding]) -> list[Group]:
    """Overlapping classes as several tables, none of which overlaps in itself."""
    layers: list[list[int]] = []
    for i in range(len(group.controls)):
        fitting = (layer for layer in layers if not (group.truth[layer].any(axis=0) & group.truth[i]).any())
        layer = next(fitting, None)
        if layer is None:
            layers.append([i])
        else:
            layer.append(i)
    findings.append(_finding("noted", group.controls, f"the classes overlap: kept as {len(layers)} tables"))
    findings.extend(_impossible_parts(group, published))
    return [
        replace(group, controls=tuple(group.controls[i] for i in layer), truth=group.truth[layer]) for layer in layers
    ]


def _impossible_parts(group: Group, published: Published) -> list[Finding]:
    found = []
    for i, part in enumerate(group.controls):
        for j, whole in enumerate(group.controls):
            is_part = i != j and not (group.truth[i] & ~group.truth[j]).any()
            over = published.counts[part.target] > published.counts[whole.target]
            if is_part and over.any():
                text = f"is part of {whole.target} but larger in {over.sum()} of {len(over)} {group.geography} units"
                found.append(_finding("doubtful", [part], text))
    return found


def _judge(group: Group, published: Published, findings: list[Finding]) -> Group | None:
    """The group with its state, or None if its counts cannot be counts of its classes."""
    total = published.total(group)
    sums = published.of(group.controls).sum(axis=0)
    covers_all = bool(group.truth.any(axis=0).all())
    if total is None:
        return replace(group, state="complete" if covers_all else "part")
    told = f"{sums.sum():,.0f} against {total.sum():,.0f} {group.table}"
    if _adds_up(group, published):
        off = np.abs(sums - total)
        if off.max() > 0.5:
            text = f"add up to {told}; they differ in {(off > 0.5).sum()} of {len(off)} {group.geography} units"
            findings.append(_finding("doubtful", group.controls, text))
        return replace(group, state="complete")
    if covers_all and abs(sums.sum() - total.sum()) <= NEARLY * total.sum():
        text = f"cover everybody but add up to {told}: taken as shares of all {group.table}"
        findings.append(_finding("doubtful", group.controls, text))
        return replace(group, state="complete")
    over = sums > total + 0.5
    if over.mean() >= IMPOSSIBLE_SHARE:
        text = f"add up to {told}, more than there are in {over.sum()} of {len(over)} {group.geography} units"
        findings.append(_finding("left out", group.controls, f"{text}: not usable as counts of {group.table}"))
        return None
    return replace(group, state="rest")


def _runs(chosen: BoolArray) -> list[list[int]]:
    """Maximal runs of consecutive chosen points."""
    runs: list[list[int]] = []
    for i in np.flatnonzero(chosen).tolist():
        if runs and runs[-1][-1] == i - 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    return runs


def _span(group: Group, chosen: BoolArray) -> str:
    regions = [group.points[i][group.columns[0]] for i in np.flatnonzero(chosen)]
    low, high = regions[0].low, regions[-1].high
    if np.isnan(low):
        return " or ".join(region.label for region in regions)
    if np.isinf(high):
        return f"{low:,.0f} or more"
    return f"{high:,.0f} or less" if np.isinf(low) else f"{low:,.0f} to {high:,.0f}"
