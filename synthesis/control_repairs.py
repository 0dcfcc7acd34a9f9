"""Classes that should exclude each other and do not: repaired where the counts tell how, otherwise kept apart.

Classes whose counts add up to the total partition it, whatever their expressions say.
"""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from schemas.imports import Finding
from schemas.model import BoolArray, IntArray
from synthesis.controls import Control, Group, Published, adds_up, finding_of, names


def settle(group: Group, published: Published, findings: list[Finding]) -> list[Group]:
    """The group with classes that exclude each other: repaired, split into several groups, or left out."""
    if not len(group.points):
        findings.append(finding_of("left out", group.controls, "too many combinations of values to look at"))
        return []
    group = _fill_empty(group, published, findings)
    is_never: BoolArray = np.asarray(~group.truth.any(axis=1))
    if is_never.any():
        kept = [control for control, never in zip(group.controls, is_never, strict=True) if not never]
        lost = [control for control, never in zip(group.controls, is_never, strict=True) if never]
        text = f"no value satisfies `{lost[0].text}`"
        findings.append(finding_of("left out", lost, text))
        if not kept:
            return []
        group = replace(group, controls=tuple(kept), truth=group.truth[~is_never])
    if not (group.truth.sum(axis=0) > 1).any():
        return [group]
    if adds_up(group, published):
        return [_separate(group, published, findings)]
    return _layers(group, published, findings)


def _fill_empty(group: Group, published: Published, findings: list[Finding]) -> Group:
    """One class that no value satisfies, beside one gap in classes that add up: the class is the gap."""
    empty = np.flatnonzero(~group.truth.any(axis=1))
    if len(empty) != 1 or len(group.columns) != 1 or not adds_up(group, published):
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
    is_single = len(group.columns) == 1
    repaired = _without_typo(group, findings) if is_single else _most_specific_first(group, published, findings)
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
            findings.append(finding_of("repaired", members, text))
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


def _most_specific_first(group: Group, published: Published, findings: list[Finding]) -> Group | None:
    order = np.argsort(group.truth.sum(axis=1), kind="stable")
    truth = group.truth[order]
    earlier: IntArray = np.cumsum(truth, axis=0) - truth
    truth = truth & (earlier == 0)
    if not truth.any(axis=1).all():
        return None
    controls = tuple(group.controls[i] for i in order)
    counts = published.of(controls).sum(axis=1)
    overlaps = np.triu(group.truth[order].astype(int) @ group.truth[order].T.astype(int), 1) > 0
    text = (
        "the expressions overlap although the counts partition the total: read as exclusive, "
        f"the first that holds in the order {names(controls)}; taken literally the counts would be short by up to "
        f"{counts @ overlaps.any(axis=1):,.0f}"
    )
    findings.append(finding_of("repaired", group.controls, text))
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
    findings.append(finding_of("noted", group.controls, f"the classes overlap: kept as {len(layers)} tables"))
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
                found.append(finding_of("doubtful", [part], text))
    return found


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
