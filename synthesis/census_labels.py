"""Row labels of census tables, `Estimate!!Total:!!Male:!!Under 5 years`, read as axes with categories or bins."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from synthesis.control_domains import SMALL_CLASS, assumed_end

Path = tuple[str, ...]
"""A label's parts from the table's total down, without the total."""

_NUMBER = r"\$?(\d[\d,]*(?:\.\d+)?)"
_BELOW = re.compile(rf"^(?:under|less than)\s+{_NUMBER}\b")
_SPAN = re.compile(rf"^{_NUMBER}\s*(?:to|and|-|–)\s*{_NUMBER}\b")
_ABOVE = re.compile(rf"^{_NUMBER}[\s-]*(?:\w+\s+)?(?:or[\s-]more|and[\s-]over|or[\s-]over|\+)")
_SINGLE = re.compile(rf"^{_NUMBER}\b")
_NONE = re.compile(r"^(?:no|none)\b")
_MIN_BINS = 2
_UNITS = (("$", "income", "USD"), ("year", "age", "years"), ("person", "household_size", ""))
_MORE_UNITS = (("vehicle", "vehicles", ""), ("minute", "minutes", "minutes"), ("room", "rooms", ""))


@dataclass(frozen=True, slots=True)
class LabelAxis:
    """One dimension of a census table: labels as published, and for a number the bin of each."""

    name: str
    labels: tuple[str, ...]
    bins: tuple[str, ...] = ()
    low: float = math.nan
    high: float = math.nan
    unit: str = ""
    assumed: str = ""

    @property
    def is_numeric(self) -> bool:
        """Whether every label is a range of numbers."""
        return bool(self.bins)

    @property
    def cells(self) -> tuple[str, ...]:
        """What a row of the table calls each label."""
        return self.bins or self.labels


@dataclass(frozen=True, slots=True)
class LabelTree:
    """A table's axes, and the label of every cell; `parents` are sums of cells and no cells themselves."""

    axes: tuple[LabelAxis, ...]
    cells: dict[int, tuple[int, ...]]
    """By position of the label: the cell's place on each axis."""
    parents: dict[int, tuple[int, ...]]
    """By position of the label: positions of the cells below it."""


def split_label(label: str) -> Path:
    """The label's parts below the total: `Estimate!!Total:!!Male:` is (Male,)."""
    parts = [part.strip().rstrip(":").strip() for part in re.split(r"!!|:?\s+-\s+", label)]
    parts = [part for part in parts if part]
    if parts and parts[0].lower() in ("estimate", "margin of error"):
        parts = parts[1:]
    return tuple(parts[1:] if parts and parts[0].lower() == "total" else parts)


def read_tree(paths: Sequence[Path]) -> LabelTree:
    """Axes and cells of a table's labels: the levels where every branch divides alike, otherwise its leaves."""
    leaves = [i for i, path in enumerate(paths) if path and not _is_above(path, paths)]
    parents = {
        i: tuple(leaf for leaf in leaves if paths[leaf][: len(path)] == path)
        for i, path in enumerate(paths)
        if i not in leaves
    }
    levels = _levels([paths[leaf] for leaf in leaves])
    if levels is None:
        names = _unique([paths[leaf] for leaf in leaves])
        return LabelTree((_axis(tuple(names)),), {leaf: (k,) for k, leaf in enumerate(leaves)}, parents)
    axes = tuple(_axis(level) for level in levels)
    cells = {
        leaf: tuple(axis.labels.index(part) for axis, part in zip(axes, paths[leaf], strict=True)) for leaf in leaves
    }
    return LabelTree(axes, cells, parents)


def parse_range(label: str) -> tuple[float, float] | None:
    """The lowest and highest whole number that a label means; infinite where it is open; None if it is no range."""
    text = label.strip().lower()
    if found := _BELOW.match(text):
        return -math.inf, _value(found[1]) - 1
    if found := _ABOVE.match(text):
        return _value(found[1]), math.inf
    if found := _SPAN.match(text):
        return _value(found[1]), _value(found[2])
    if _NONE.match(text):
        return 0.0, 0.0
    if found := _SINGLE.match(text):
        return _value(found[1]), _value(found[1])
    return None


def _is_above(path: Path, paths: Sequence[Path]) -> bool:
    return any(len(other) > len(path) and other[: len(path)] == path for other in paths)


def _levels(leaves: Sequence[Path]) -> list[tuple[str, ...]] | None:
    """The labels of each level if the leaves are all combinations of them."""
    depth = len(leaves[0]) if leaves else 0
    if depth == 0 or any(len(leaf) != depth for leaf in leaves):
        return None
    levels = [tuple(dict.fromkeys(leaf[k] for leaf in leaves)) for k in range(depth)]
    is_grid = math.prod(len(level) for level in levels) == len(leaves) == len(set(leaves))
    return levels if is_grid else None


def _unique(leaves: Sequence[Path]) -> list[str]:
    """The last part of each leaf, with as much of what is above it as tells it from others."""
    names = []
    for leaf in leaves:
        depth = 1
        while depth < len(leaf) and sum(other[-depth:] == leaf[-depth:] for other in leaves) > 1:
            depth += 1
        names.append(", ".join(leaf[-depth:]))
    return names


def _axis(labels: tuple[str, ...]) -> LabelAxis:
    name = _name(labels)
    spans = [parse_range(label) for label in labels]
    if len(labels) < _MIN_BINS or any(span is None for span in spans):
        return LabelAxis(name, labels)
    ranges = [span for span in spans if span is not None]
    lows, highs = [span[0] for span in ranges], [span[1] for span in ranges]
    whole = all(value == int(value) for value in (*lows, *highs) if math.isfinite(value))
    if not whole or any(low != high + 1 for high, low in zip(highs, lows[1:], strict=False)):
        return LabelAxis(name, labels)
    return _numeric_axis(name, labels, lows, highs)


def _numeric_axis(name: str, labels: tuple[str, ...], lows: list[float], highs: list[float]) -> LabelAxis:
    assumed = []
    low, high = lows[0], highs[-1]
    if math.isinf(low):
        low = 0.0
        assumed.append("the lowest class begins at 0")
    if math.isinf(high):
        high = assumed_end("AGE" if name == "age" else name.upper(), lows[-1])
        assumed.append(f"the open class ends at {high:,.0f}")
    unit = next((unit for mark, _, unit in (*_UNITS, *_MORE_UNITS) if mark in labels[-1].lower()), "")
    bins = tuple(_bin(max(first, low), last, math.isinf(last)) for first, last in zip(lows, highs, strict=True))
    return LabelAxis(name, labels, bins, low, high, unit, ", ".join(assumed))


def _bin(low: float, high: float, is_open: bool) -> str:
    if is_open:
        return f"{low:.0f}+"
    return f"{low:.0f}" if low == high else f"{low:.0f}-{high:.0f}"


def _name(labels: tuple[str, ...]) -> str:
    if {label.lower() for label in labels} == {"male", "female"}:
        return "sex"
    spans = [label for label in labels if parse_range(label) is not None]
    if len(spans) == len(labels):
        found = [name for mark, name, _ in (*_UNITS, *_MORE_UNITS) if any(mark in label.lower() for label in labels)]
        return found[0] if found else ""
    return ""


def _value(text: str) -> float:
    return float(text.replace(",", ""))


def is_small_count(axis: LabelAxis) -> bool:
    """Whether the open class is one of a small count, which thins out by the unit."""
    return axis.is_numeric and axis.bins[-1].endswith("+") and float(axis.bins[-1][:-1]) <= SMALL_CLASS
